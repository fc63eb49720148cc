// Builds twice, in two folders whose names have different lengths, and compares the bytes. A release
// has been built once already, so it is built once more.
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
 * @param {import('./targets.mjs').Target} target
 * @param {{ withOpenSsl?: boolean, again?: string }} [options] `again`: this build of it, and one more
 * @returns {Promise<{ same: boolean, hashes: Record<string, string> }>} `hashes` by what was built
 */
export async function reproduce(target, { withOpenSsl = false, again } = {}) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-reproduce-'));
  const clean = () => fs.rmSync(work, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  const hashes = again ? { 'given: addon': digest('sha256', { file: again }) } : {};
  try {
    for (const name of again ? ['another-folder'] : ['first', 'the-second-with-a-longer-name']) {
      const source = path.join(work, name, 'tree');
      fs.mkdirSync(source, { recursive: true });
      await copyTree(source);
      const build = path.join(work, name, 'build');
      const opensslFolder = withOpenSsl ? path.join(work, name, 'openssl') : undefined;
      const { file, openssl } = await buildAddon(target, { source, build, opensslFolder });
      hashes[`${name}: addon`] = digest('sha256', { file });
      const archive = path.join(openssl.root, 'lib', 'libcrypto.a');
      hashes[`${name}: libcrypto`] = digest('sha256', { file: archive });
    }
    if (!again && fs.existsSync(binaryOf(target))) {
      hashes['prebuilds: addon'] = digest('sha256', { file: binaryOf(target) });
    }
  } finally {
    clean();
    forget();
  }
  const different = (part) =>
    new Set(Object.keys(hashes).flatMap((key) => (key.endsWith(part) ? [hashes[key]] : []))).size;
  return { same: different('addon') === 1 && different('libcrypto') === 1, hashes };
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
