// What is no command: the event loop under load, the time to import, the size on disk.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import native from '../../native.cjs';
import { findProgram, root, run } from '../../scripts/lib/process.mjs';
import { startSwtpm } from '../../test/support/swtpm.mjs';
import { median } from './measure.mjs';

const kLookFor = 4000;
const kImports = 9;
const eventLoopProgram = fileURLToPath(new URL('../event-loop.mjs', import.meta.url));

async function runNode(args) {
  const { code, output } = await run(process.execPath, args, { cwd: root });
  if (code !== 0) throw new Error(`node ${args[0]} ended with ${code}:\n${output}`);
  return output;
}

async function eventLoop() {
  const tpm = await startSwtpm();
  try {
    return JSON.parse(await runNode([eventLoopProgram, tpm.path, String(kLookFor)]));
  } finally {
    await tpm.stop();
  }
}

/** Milliseconds in a fresh process, the loading of the native part included. */
async function importTime() {
  const script = `const before = process.cpuUsage();
    const start = performance.now();
    await import('node:crypto');
    const crypto = performance.now() - start;
    await import('node-tpm2');
    const milliseconds = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ milliseconds, crypto, processor: (user + system) / 1000 }));`;
  const times = [];
  for (let i = 0; i < kImports; i++) {
    times.push(JSON.parse(await runNode(['--input-type=module', '--eval', script])));
  }
  const middle = (name) => median(times.map((each) => each[name]));
  return {
    milliseconds: middle('milliseconds'),
    crypto: middle('crypto'),
    processor: middle('processor'),
  };
}

/** Bytes without symbols: of the addon in use, and of the one for release where it was built. */
async function strippedSizes() {
  if (!native.path) throw new Error(native.error.message);
  if (!findProgram('strip')) return { skipped: 'strip is not installed (Debian: binutils)' };
  const platform = `${process.platform}-${process.arch}`;
  const released = path.join(root, 'prebuilds', `node-tpm2-${platform}-gnu`, 'node_tpm2.node');
  const files = [...new Set([native.path, released])].filter((file) => fs.existsSync(file));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-bench-'));
  try {
    const sizes = [];
    for (const file of files) {
      const stripped = path.join(folder, 'stripped.node');
      const { code, output } = await run('strip', ['-o', stripped, file]);
      if (code !== 0) throw new Error(`strip failed:\n${output}`);
      sizes.push({ file: path.relative(root, file), bytes: fs.statSync(stripped).size });
    }
    return sizes;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const kMeasure = { 'event-loop': eventLoop, import: importTime, size: strippedSizes };

/** @param {string[]} names of rows.mjs' kFacts */
export async function measureFacts(names, say) {
  const facts = {};
  for (const name of names) {
    say(name);
    facts[name] = await kMeasure[name]();
  }
  return facts;
}
