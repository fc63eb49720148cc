// What the release scripts share: programs that have to succeed, hashes, the user's cache folder.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensurePackages } from '../lib/packages.mjs';
import { Failure, run, tail } from '../lib/process.mjs';

export { Failure, root } from '../lib/process.mjs';

/** A folder below the user's cache, outside the clone; made if it is missing. */
export function cacheFolder(...parts) {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const folder = path.join(base, 'node-tpm2', ...parts);
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/** Renames a folder; where the new one is there already, another run was faster, and its is kept. */
export function moveIntoPlace(from, to) {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(error.code)) throw error;
  }
}

/** @returns {string} digest of a file or, with `text`, of a string */
export function digest(algorithm, { file, text }, encoding = 'hex') {
  return createHash(algorithm)
    .update(file ? fs.readFileSync(file) : text)
    .digest(encoding);
}

/**
 * Runs a program that has to succeed.
 * @param {string} file
 * @param {string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 * @returns {Promise<string>} what it printed
 */
export async function must(file, args, options) {
  const { code, output } = await run(file, args, options);
  if (code === 0) return output;
  const where = options?.log ? `\n(all of it: ${options.log})` : '';
  throw new Failure(`${[file, ...args].join(' ')} ended with ${code}:\n${tail(output)}${where}`);
}

/** Debian packages that building for one target, or for all of them, takes. */
export async function ensureBuildPackages(targets, options) {
  const packages = ['cmake', 'ninja-build', 'make', 'perl', 'binutils'];
  if (targets.some((target) => target.compiler === 'mingw')) {
    packages.push('g++-mingw-w64-x86-64-posix');
  }
  await ensurePackages(packages, {
    ...options,
    tools: ['cmake', 'ninja', 'make', 'perl', 'readelf'],
  });
}
