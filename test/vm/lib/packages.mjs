// The Debian packages that the virtual machine needs: named, asked for, then installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';

const NEEDED = [
  { program: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { program: 'busybox', package: 'busybox-static' },
  { program: 'swtpm', package: 'swtpm' },
  { program: 'strip', package: 'binutils' },
  { program: 'setpriv', package: 'util-linux' },
];

/** @returns {string | undefined} the program's full path */
export function findProgram(name) {
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(
    delimiter,
  );
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * Makes sure that the programs are there. Installs only after a yes: --yes, CI=true, or one typed in.
 * @param {{ yes: boolean }} options
 */
export async function ensurePackages({ yes }) {
  const missing = NEEDED.filter((need) => !findProgram(need.program)).map((need) => need.package);
  if (missing.length === 0) return;
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  console.log(`The virtual machine needs these Debian packages: ${missing.join(' ')}`);
  console.log(`  ${command.join(' ')}`);
  if (!yes && !(await agreed('Install them now? [y/N] '))) {
    throw new Error(
      `missing packages: ${missing.join(' ')} (install them, or run again with --yes)`,
    );
  }
  const sudo = process.getuid() === 0 ? [] : ['sudo'];
  run([...sudo, 'apt-get', 'update', '-qq']);
  run([...sudo, ...command]);
}

/**
 * Runs a program to its end; its output goes to stderr, so that stdout keeps to results.
 * @param {string[]} command
 * @param {{ cwd?: string }} [options]
 */
export function run([program, ...args], { cwd } = {}) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const done = spawnSync(program, args, { cwd, env, stdio: ['ignore', 2, 2] });
  if (done.error) throw done.error;
  if (done.status !== 0) {
    throw new Error(`${program} ${args.join(' ')}: exit status ${done.status ?? done.signal}`);
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function agreed(question) {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
