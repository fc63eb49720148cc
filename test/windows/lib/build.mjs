// Builds the doubles and the probe with mingw-w64, once per state of their sources.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE, hashOf } from './cache.mjs';

const run = promisify(execFile);
const SOURCES = fileURLToPath(new URL('../doubles', import.meta.url));
const COMPILER = 'x86_64-w64-mingw32-g++-posix';
const FLAGS = ['-std=c++20', '-O1', '-Wall', '-Wextra', '-Werror', '-static', '-s'];
const TARGETS = [
  { out: 'tbs.dll', source: 'tbs.cc', flags: ['-shared'], libraries: [] },
  {
    out: 'old-tbs.dll',
    source: 'tbs.cc',
    flags: ['-shared', '-DNODE_TPM2_OLD_TBS'],
    libraries: [],
  },
  {
    out: 'crippled-tbs.dll',
    source: 'tbs.cc',
    flags: ['-shared', '-DNODE_TPM2_CRIPPLED_TBS'],
    libraries: [],
  },
  { out: 'ncrypt.dll', source: 'ncrypt.cc', flags: ['-shared'], libraries: ['-lcrypt32'] },
  { out: 'probe.exe', source: 'probe.cc', flags: [], libraries: ['-lcrypt32'] },
];

/** @returns {Promise<string>} the folder with tbs.dll, its variants, ncrypt.dll and probe.exe */
export async function buildDoubles() {
  const names = (await readdir(SOURCES)).filter((name) => /\.(cc|h)$/.test(name)).sort();
  const files = names.map((name) => path.join(SOURCES, name));
  const { stdout: version } = await run(COMPILER, ['-dumpfullversion']);
  const key = hashOf(files, [version, ...FLAGS, JSON.stringify(TARGETS)]);
  const folder = path.join(CACHE, 'windows-doubles', key);
  if (existsSync(folder)) return folder;

  await mkdir(path.dirname(folder), { recursive: true });
  const work = await mkdtemp(path.join(path.dirname(folder), 'building-'));
  try {
    for (const { out, source, flags, libraries } of TARGETS) {
      const inputs = [source, 'rpc.cc'].map((name) => path.join(SOURCES, name));
      const output = ['-o', path.join(work, out)];
      await run(COMPILER, [...FLAGS, ...flags, ...output, ...inputs, '-lws2_32', ...libraries]);
    }
    await rename(work, folder).catch((error) => {
      if (!existsSync(folder)) throw error; // else another run was faster
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}
