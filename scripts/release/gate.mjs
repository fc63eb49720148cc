// What a binary must be like to be released. Looked up in the file itself, so it does not matter
// who built it.
//
//   node scripts/release/gate.mjs [TARGET...]      default: every binary in prebuilds/

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { main } from '../lib/process.mjs';
import { readPe } from './pe.mjs';
import { Failure, must, root } from './shell.mjs';
import { findTarget, targets } from './targets.mjs';
import { muslSymbols } from './toolchain.mjs';

const kMostBytes = 3 * 1024 * 1024;
const kNewestGlibc = '2.28';
const kExports = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const kElfMachines = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' };
const kLibraries = {
  glibc: /^(lib(c|m|pthread|dl|rt)\.so\.\d+|ld-linux-(x86-64|aarch64)\.so\.\d+)$/,
  musl: /^libc\.so$/,
};
const kSystemDlls =
  /^(kernel32|ws2_32|advapi32|bcrypt|crypt32|user32|msvcrt|ntdll|api-ms-win-crt-[a-z]+-l1-1-0)\.dll$/i;

export const binaryOf = (target) => path.join(root, 'prebuilds', target.package, 'node_tpm2.node');

/** Node's own API, and what the start-up code asks for in vain on any system of today. */
const kOtherImports = /^(napi_|node_api_|__gmon_start__$|_ITM_(de)?registerTMCloneTable$)/;

const later = (a, b) => a.localeCompare(b, 'en', { numeric: true }) > 0;

async function checkElf(target, file, problems) {
  const read = (...args) => must('readelf', ['-W', ...args, file], { env: { LC_ALL: 'C' } });
  const machine = /Machine:\s+(.*)/.exec(await read('-h'))?.[1];
  if (machine !== kElfMachines[target.cpu]) problems.push(`is for ${machine}`);

  const dynamic = await read('-d');
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
  for (const library of needed) {
    if (!kLibraries[target.libc].test(library)) problems.push(`needs ${library}`);
  }
  if (/\((RPATH|RUNPATH)\)/.test(dynamic)) problems.push('has a library search path of its own');
  if (!/\(FLAGS\).*BIND_NOW/.test(dynamic)) problems.push('is not linked with -z now');
  if (!/\(FLAGS_1\).*NODELETE/.test(dynamic)) problems.push('is not linked with -z nodelete');
  if (/\(TEXTREL\)/.test(dynamic)) problems.push('has text relocations');

  const segments = await read('-l');
  if (!/GNU_RELRO/.test(segments)) problems.push('has no RELRO segment');
  if (!/GNU_STACK.* RW /.test(segments)) problems.push('asks for an executable stack');

  const symbols = (await read('--dyn-syms'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => /^\d+:$/.test(columns[0]) && columns.length >= 8)
    .map(([, , , type, bind, , index, name]) => ({ type, bind, index, name }));
  const exported = symbols
    .filter((s) => s.index !== 'UND' && s.bind !== 'LOCAL')
    .map((s) => s.name);
  checkExports(exported, problems);
  const imported = symbols.filter((s) => s.index === 'UND' && s.name).map((s) => s.name);
  await checkImports(target, imported, problems);
  const newest = checkVersions(target, await read('-V'), problems);
  if (/\.(symtab|debug_info)\b/.test(await read('-S'))) problems.push('is not stripped');
  return target.libc === 'glibc' ? newest : needed.join(' ');
}

// Anything else would be taken from node, which has a libcrypto, a libuv and a C++ library of its
// own; weak or not. A version says that a name is glibc's; musl has none, but zig a list of its names.
async function checkImports(target, imported, problems) {
  const musl = target.libc === 'musl' ? await muslSymbols() : null;
  const isOfLibc = (name) => (musl ? musl.has(name) : /@GLIBC_\d/.test(name));
  const foreign = imported.filter((name) => !isOfLibc(name) && !kOtherImports.test(name));
  if (foreign.length > 0) {
    problems.push(
      `imports what neither libc nor node's API has: ${foreign.slice(0, 8).join(', ')}`,
    );
  }
}

/** @returns {string} the newest version of glibc that is asked for */
function checkVersions(target, versions, problems) {
  const needed = [...versions.matchAll(/^ +0x[0-9a-f]+: +Name: (\S+)/gm)].map(([, name]) => name);
  const glibc = needed.map((name) => /^GLIBC_(\d+(\.\d+)*)$/.exec(name)?.[1]).filter(Boolean);
  const newest = glibc.reduce((a, b) => (later(b, a) ? b : a), '0');
  if (target.libc === 'glibc' && later(newest, kNewestGlibc)) {
    problems.push(`needs GLIBC_${newest}, allowed is ${kNewestGlibc}`);
  }
  if (needed.some((name) => /^(GLIBCXX|CXXABI|GCC)_/.test(name))) {
    problems.push("needs the system's C++ library");
  }
  // GLIBC_PRIVATE, GLIBC_ABI_DT_RELR and the like, which no older glibc promises to have.
  const odd = needed.filter((name) => /^GLIBC_\D/.test(name));
  if (odd.length > 0) problems.push(`needs ${[...new Set(odd)].join(', ')}`);
  return `GLIBC_${newest}`;
}

function checkPe(target, file, problems) {
  const pe = readPe(file);
  if (pe.cpu !== target.cpu) problems.push(`is for ${pe.cpu}`);
  // Not node.exe either, delayed or not: see cmake/WindowsAddon.cmake.
  for (const name of [...pe.imports, ...pe.delayImports]) {
    if (!kSystemDlls.test(name)) problems.push(`imports from ${name}`);
  }
  for (const flag of ['dynamicBase', 'highEntropyVa', 'nxCompat']) {
    if (!pe.flags.includes(flag)) problems.push(`has not set ${flag}`);
  }
  if (pe.timestamp !== 0) problems.push('holds the time at which it was linked');
  checkExports(pe.exports, problems);
  return [...new Set(pe.imports.map((name) => name.toLowerCase()))].join(' ');
}

function checkExports(found, problems) {
  const missing = kExports.filter((name) => !found.includes(name));
  const extra = found.filter((name) => !kExports.includes(name));
  if (missing.length > 0) problems.push(`does not export ${missing.join(', ')}`);
  if (extra.length > 0) problems.push(`exports ${extra.slice(0, 5).join(', ')}`);
}

// Where it was built, or by whom, is nobody's business, and would differ from build to build.
function checkPaths(bytes, problems) {
  const folders = [root, process.env.HOME].filter((folder) => folder && folder.length > 2);
  if (folders.some((folder) => bytes.includes(`${folder}/`, 'latin1'))) {
    problems.push('contains the path of a folder of this machine');
  }
}

// What TPM2_TEST_SEAMS compiles in reads this variable: a test may pretend privileges, a user not.
const kTestSeam = 'NODE_TPM2_TEST_ELEVATED';

function checkSeams(bytes, problems) {
  if (['latin1', 'utf16le'].some((encoding) => bytes.includes(kTestSeam, encoding))) {
    problems.push('was built for tests (TPM2_TEST_SEAMS)');
  }
}

/**
 * @param {import('./targets.mjs').Target} target
 * @param {string} [file]
 * @returns {Promise<{ problems: string[], summary: string }>} no problems: fit for release
 */
export async function gate(target, file = binaryOf(target)) {
  if (!fs.existsSync(file)) return { problems: ['has not been built'], summary: '' };
  const problems = [];
  const bytes = fs.readFileSync(file);
  const size = bytes.length;
  if (size > kMostBytes) problems.push(`has ${size} bytes, allowed are ${kMostBytes}`);
  checkPaths(bytes, problems);
  checkSeams(bytes, problems);
  const needs = await (target.os === 'win32' ? checkPe : checkElf)(target, file, problems);
  return { problems, summary: `${(size / 1024 / 1024).toFixed(2)} MB, ${needs}` };
}

async function gateAll() {
  const named = process.argv.slice(2).map(findTarget);
  const chosen = named.length > 0 ? named : targets.filter((each) => fs.existsSync(binaryOf(each)));
  if (chosen.length === 0) throw new Failure('nothing is built: npm run build:prebuilds');
  let failed = 0;
  for (const target of chosen) {
    const { problems, summary } = await gate(target);
    console.log(
      `${target.name}: ${problems.length === 0 ? 'fit for release' : 'REFUSED'} (${summary})`,
    );
    for (const problem of problems) console.log(`    it ${problem}`);
    failed += problems.length > 0;
  }
  return failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(gateAll);
