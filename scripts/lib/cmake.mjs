// One preset of CMakePresets.json, configured and built; seconds where nothing has changed.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Failure, findProgram, root, run, tail } from './process.mjs';

/** Where a preset is built. */
export function buildFolder(preset) {
  return path.join(root, 'build', preset);
}

/** A build folder remembers the clone's path: one that was moved or copied is of no use. */
function dropForeignCache(folder) {
  const cache = path.join(folder, 'CMakeCache.txt');
  if (!fs.existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(fs.readFileSync(cache, 'utf8'))?.[1];
  if (home && fs.existsSync(home) && fs.realpathSync(home) === fs.realpathSync(root)) return;
  fs.rmSync(folder, { recursive: true, force: true });
}

/**
 * ThreadSanitizer cannot live with every layout that the kernel's address randomisation gives; a
 * program can be started without it where the sandbox permits.
 * @returns {Promise<string[]>} words to put before a command; none where it is not possible
 */
export async function fixedAddresses() {
  const words = ['setarch', process.arch === 'arm64' ? 'aarch64' : 'x86_64', '-R'];
  if (process.platform !== 'linux' || !findProgram('setarch')) return [];
  return (await run(words[0], [...words.slice(1), 'true'])).code === 0 ? words : [];
}

/**
 * Configures and builds a preset. Rejects with a Failure that carries the end of the output.
 * @param {string} preset
 * @param {{ log?: string, show?: boolean, timeout?: number, prefix?: string[] }} [options] `show`:
 *   let the build write to the terminal. `prefix`: words before the build command.
 */
export async function buildPreset(preset, options = {}) {
  const { log, show = false, timeout, prefix = [] } = options;
  const folder = buildFolder(preset);
  dropForeignCache(folder);
  const hadCache = fs.existsSync(path.join(folder, 'CMakeCache.txt'));
  let configured = await run('cmake', ['--preset', preset], { log });
  if (configured.code !== 0 && hadCache) {
    // Cut short, or made by another compiler: once more from nothing.
    configured = await run('cmake', ['--preset', preset, '--fresh'], { log });
  }
  if (configured.code === 127) throw new Failure('cmake is not installed.');
  if (configured.code !== 0) {
    throw new Failure(`cmake --preset ${preset} failed:\n${tail(configured.output)}`);
  }
  const terminal = show && process.stdout.isTTY && prefix.length === 0;
  const words = [...prefix, 'cmake', '--build', '--preset', preset];
  const built = await run(words[0], words.slice(1), { log, terminal, timeout });
  if (built.code !== 0) {
    const why = built.timedOut ? `was ended after ${timeout / 1000} s` : 'failed';
    throw new Failure(`Building the preset ${preset} ${why}:\n${tail(built.output, 60)}`);
  }
}
