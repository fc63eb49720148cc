// npm run build:prebuilds [-- TARGET...] [--yes]: the release binaries, from Linux, into prebuilds/.
//
// Each is built by its preset (cmake/presets/cross.json) with the libcrypto of build-openssl.mjs,
// and has to pass the gate before it is put into place.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureOpenSsl } from './build-openssl.mjs';
import { ensureNodeModules } from './lib/npm.mjs';
import { main } from './lib/process.mjs';
import { binaryOf, gate } from './release/gate.mjs';
import { clearTimestamp } from './release/pe.mjs';
import { ensureBuildPackages, Failure, must, root } from './release/shell.mjs';
import { findTarget, targets } from './release/targets.mjs';
import { buildEnvironment } from './release/toolchain.mjs';

/**
 * Compiles and links one target's addon.
 * @param {import('./release/targets.mjs').Target} target
 * @param {{ source?: string, build?: string, opensslFolder?: string, testSeams?: boolean }} [options]
 *   the source tree, where to build, where to keep libcrypto instead of the cache, and whether tests
 *   may pretend privileges
 * @returns {Promise<{ file: string, openssl: object }>}
 */
export async function buildAddon(
  target,
  { source = root, build, opensslFolder, testSeams = false } = {},
) {
  const openssl = await ensureOpenSsl(target, { folder: opensslFolder });
  const { env } = await buildEnvironment(target);
  const folder = build ?? path.join(source, 'build', target.name);
  const log = path.join(folder, 'prebuild.log');
  fs.mkdirSync(folder, { recursive: true });
  fs.rmSync(log, { force: true });
  const options = { cwd: source, env, log };
  const configure = ['--preset', target.name, '-B', folder, `-DTPM2_OPENSSL_ROOT=${openssl.root}`];
  configure.push(`-DTPM2_TEST_SEAMS=${testSeams ? 'ON' : 'OFF'}`);
  await must('cmake', configure, options);
  await must('nice', ['-n', '15', 'cmake', '--build', folder], options);
  const file = path.join(folder, 'node_tpm2.node');
  if (target.os === 'win32' && target.compiler === 'zig') clearTimestamp(file);
  return { file, openssl };
}

/** Builds, checks and puts into place. */
export async function buildPrebuild(target) {
  const { file, openssl } = await buildAddon(target);
  const { problems, summary } = await gate(target, file);
  if (problems.length > 0) {
    throw new Failure(`${target.name} is not fit for release: it ${problems.join('; it ')}`);
  }
  const place = binaryOf(target);
  fs.copyFileSync(file, `${place}.new`);
  fs.renameSync(`${place}.new`, place);
  return { file: place, summary, openssl };
}

async function buildPrebuilds() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { yes: { type: 'boolean', short: 'y' } },
  });
  const chosen = positionals.length > 0 ? positionals.map(findTarget) : targets;
  await ensureBuildPackages(chosen, { yes: values.yes });
  await ensureNodeModules();
  for (const target of chosen) {
    const { summary, openssl } = await buildPrebuild(target);
    console.log(`${target.name}: ${summary}, OpenSSL ${openssl.version}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(buildPrebuilds);
