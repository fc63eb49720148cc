// Child processes of the scripts: each in a process group of its own, all of them ended when we
// are, whatever ends us.

import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The top folder of the clone. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Something that a person can act upon: shown as its sentence, without a stack. */
export class Failure extends Error {}

const groups = new Set();
const cleanups = new Set();
let hooked = false;
let ending = false;

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** The living members of a group, as `pid name`; a zombie that nobody reaped is not one. */
function membersOf(group) {
  const members = [];
  let entries = [];
  try {
    entries = fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return members; // No /proc on this system: nothing can be said.
  }
  for (const pid of entries) {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(pgrp) === group && state !== 'Z' && state !== 'X') members.push(`${pid} ${name}`);
    } catch {
      // Ended while we looked.
    }
  }
  return members;
}

/** Runs `action` when a signal ends the script before `action` was taken back with the result. */
export function onInterrupt(action) {
  hookSignals();
  cleanups.add(action);
  return () => cleanups.delete(action);
}

function hookSignals() {
  if (hooked) return;
  hooked = true;
  const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [signal, code] of Object.entries(exitCodes)) {
    process.on(signal, async () => {
      if (ending) return;
      ending = true;
      for (const group of groups) signalGroup(group, 'SIGTERM');
      const deadline = Date.now() + 5000;
      while ([...groups].some((group) => membersOf(group).length) && Date.now() < deadline) {
        await delay(20);
      }
      for (const group of groups) signalGroup(group, 'SIGKILL');
      for (const action of cleanups) {
        try {
          await action();
        } catch {
          // The next one has its right too.
        }
      }
      process.exit(code);
    });
  }
  process.on('exit', () => {
    for (const group of groups) signalGroup(group, 'SIGKILL');
  });
}

/**
 * Runs a program to its end. Its output goes to `log` (a file, appended to) and, with `show`, to
 * the terminal; with `terminal` it has the terminal itself (questions, progress lines) and no log.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, log?: string, show?: boolean,
 *   terminal?: boolean, timeout?: number }} [options] timeout in ms
 * @returns {Promise<{ code: number, output: string, leftover: string[], timedOut: boolean }>}
 *   `code` is 127 when there is no such program, 124 after a time-out, 128 + n after signal n;
 *   `leftover` names processes that the program left running (they are ended).
 */
export async function run(file, args, options = {}) {
  hookSignals();
  if (ending) await new Promise(() => {}); // The signal handler is about to end the process.
  const { cwd = root, env, log, show = false, terminal = false, timeout } = options;
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    // With the terminal it stays in the foreground group, or the terminal would stop it.
    detached: !terminal,
    stdio: terminal ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  if (!terminal) {
    if (child.pid !== undefined) groups.add(child.pid);
    if (log) {
      fs.mkdirSync(path.dirname(log), { recursive: true });
      fs.appendFileSync(log, `$ ${[file, ...args].join(' ')}\n`);
    }
    const collect = (stream) => (chunk) => {
      output.push(chunk);
      if (log) fs.appendFileSync(log, chunk);
      if (show) stream.write(chunk);
    };
    child.stdout.on('data', collect(process.stdout));
    child.stderr.on('data', collect(process.stderr));
  }
  let timedOut = false;
  const end = (signal) =>
    terminal ? child.kill(signal) : child.pid !== undefined && signalGroup(child.pid, signal);
  const timer =
    timeout &&
    setTimeout(() => {
      timedOut = true;
      end('SIGTERM');
      setTimeout(() => child.exitCode ?? child.signalCode ?? end('SIGKILL'), 5000).unref();
    }, timeout);
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      output.push(Buffer.from(`${file}: ${error.message}\n`));
      resolve(error.code === 'ENOENT' ? 127 : 126);
    });
    child.once('exit', async (status, signal) => {
      // What it started may hold the pipes open for ever: give the last output a moment only.
      if (!terminal) {
        await Promise.race([
          new Promise((done) => child.once('close', done)),
          delay(2000, undefined, { ref: false }),
        ]);
      }
      resolve(status ?? 128 + (os.constants.signals[signal] ?? 0));
    });
  });
  clearTimeout(timer);
  let leftover = [];
  if (!terminal && child.pid !== undefined) {
    leftover = membersOf(child.pid);
    if (leftover.length > 0) signalGroup(child.pid, 'SIGKILL');
    groups.delete(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
  }
  return { code: timedOut ? 124 : code, output: String(Buffer.concat(output)), leftover, timedOut };
}

/** Whether a program is on PATH (or where administrators' programs are), and where. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** The last `count` lines of a text. */
export function tail(text, count = 40) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/**
 * The outermost call of a script: a Failure is printed as its sentence, anything else in full.
 * @param {() => Promise<number | undefined>} body gives the exit code
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
