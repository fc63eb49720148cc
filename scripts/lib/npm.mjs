// node_modules, as package-lock.json says and no newer.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Failure, root, run, tail } from './process.mjs';

/** A version of Node that is too old fails later with errors that nobody can read. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Failure(`This needs Node 20.19 or newer; here is ${process.versions.node}.`);
}

/**
 * Why node_modules does not hold what the lock file says, or undefined when it does. npm writes its
 * own record, node_modules/.package-lock.json, last of all, so a cut-short install has none.
 * @param {string} [folder] where package-lock.json is
 */
export function staleReason(folder = root) {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).packages;
  let installed;
  try {
    installed = read('node_modules/.package-lock.json');
  } catch {
    return 'not installed yet';
  }
  const locked = read('package-lock.json');
  for (const [name, entry] of Object.entries(locked)) {
    if (name === '') continue;
    const have = installed[name];
    if (!have && entry.optional) continue; // Another platform's, perhaps.
    if (!have) return `${name} is missing`;
    if (have.version !== entry.version || have.integrity !== entry.integrity) {
      return `${name} is ${have.version}, wanted is ${entry.version}`;
    }
    if (!fs.existsSync(path.join(folder, name, 'package.json'))) return `${name} is missing`;
  }
  const extra = Object.keys(installed).find((name) => !locked[name]);
  return extra && `${extra} is not wanted`;
}

/** Runs `npm ci` when it is needed, and says so; otherwise nothing, without network. */
export async function ensureNodeModules() {
  const reason = staleReason();
  if (!reason) return false;
  console.log(`npm ci (${reason})`);
  const result = await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']);
  if (result.code === 127) throw new Failure('npm is not installed; it comes with Node.');
  if (result.code !== 0) {
    // After some errors it prints all of its options, far longer than the error itself.
    const [said] = result.output.split(/^npm error (?:Clean install a project|Usage:)/m);
    throw new Failure(`npm ci failed:\n${tail(said)}`);
  }
  return true;
}
