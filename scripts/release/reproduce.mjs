// Builds twice, in two folders whose names have different lengths, and compares the bytes. A release
// has been built once already, so it is built once more, with a libcrypto of its own.
//
//   node scripts/release/reproduce.mjs [--with-openssl] [TARGET...]
//
// With --with-openssl each of the two builds makes its own libcrypto as well. What lies in prebuilds/
// is compared too.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAddon } from '../build-prebuilds.mjs';
import { main, onInterrupt } from '../lib/process.mjs';
import { binaryOf } from './gate.mjs';
import { digest, must, root } from './shell.mjs';
import { findTarget, targets } from './targets.mjs';

/** Copies what git tracks, as it is in the work tree. */
async function copyTree(folder) {
  const listed = await must('git', ['ls-files', '-z', '--', 'CMake*', 'cmake', 'include', 'src']);
  for (const name of listed.split('\0').filter(Boolean)) {
    const from = path.join(root, name);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(folder, name), { recursive: true });
  }
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
}

/**
 * @param {Record<string, string>} hashes by `build: part`
 * @param {string[]} parts what was to be compared
 * @returns {boolean} whether there were two builds of each part, and all gave the same bytes
 */
export function sameBytes(hashes, parts) {
  return parts.every((part) => {
    const found = Object.keys(hashes).filter((key) => key.endsWith(`: ${part}`));
    return found.length >= 2 && new Set(found.map((key) => hashes[key])).size === 1;
  });
}

function record(hashes, parts, name, { file, openssl }) {
  const files = { addon: file, libcrypto: path.join(openssl.root, 'lib', 'libcrypto.a') };
  for (const part of parts) hashes[`${name}: ${part}`] = digest('sha256', { file: files[part] });
}

/**
 * @param {import('./targets.mjs').Target} target
 * @param {{ withOpenSsl?: boolean, again?: { file: string, openssl: { root: string } } }} [options]
 *   `again`: what buildPrebuild() gave, to be built once more with its libcrypto
 * @returns {Promise<{ same: boolean, hashes: Record<string, string> }>} `hashes` by what was built
 */
export async function reproduce(target, { withOpenSsl = false, again } = {}) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-reproduce-'));
  const clean = () => fs.rmSync(work, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  const ownOpenSsl = withOpenSsl || again !== undefined;
  const parts = ownOpenSsl ? ['addon', 'libcrypto'] : ['addon'];
  const hashes = {};
  try {
    if (again) record(hashes, parts, 'given', again);
    for (const name of again ? ['another-folder'] : ['first', 'the-second-with-a-longer-name']) {
      const source = path.join(work, name, 'tree');
      fs.mkdirSync(source, { recursive: true });
      await copyTree(source);
      const build = path.join(work, name, 'build');
      const opensslFolder = ownOpenSsl ? path.join(work, name, 'openssl') : undefined;
      const built = await buildAddon(target, { source, build, opensslFolder });
      record(hashes, parts, name, built);
    }
    if (!again && fs.existsSync(binaryOf(target))) {
      hashes['prebuilds: addon'] = digest('sha256', { file: binaryOf(target) });
    }
  } finally {
    clean();
    forget();
  }
  return { same: sameBytes(hashes, parts), hashes };
}

async function reproduceAll() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'with-openssl': { type: 'boolean' } },
  });
  let failed = 0;
  for (const target of positionals.length > 0 ? positionals.map(findTarget) : targets) {
    const { same, hashes } = await reproduce(target, { withOpenSsl: values['with-openssl'] });
    console.log(`${target.name}: ${same ? 'the same bytes' : 'DIFFERENT BYTES'}`);
    for (const [what, hash] of Object.entries(hashes)) console.log(`    ${hash}  ${what}`);
    failed += !same;
  }
  return failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(reproduceAll);
