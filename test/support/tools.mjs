// tpm2-tools as the other opinion.
//
// swtpm serves ONE data client at a time: a tool that is started while a connection of ours is
// open connects, and then waits until ours has closed. So close the handle first (or work with a
// second TPM): a tool that had to wait is ended after its time-out, and the error says so.
//
// Without a resource manager, tools leave what they loaded in the TPM (createprimary, load,
// startauthsession): call flush() before expectNoLeaks().

import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

export {
  command,
  expectNoLeaks,
  kCommand,
  loadedHandles,
  rawCommand,
  responseCode,
  storedHandles,
} from './wire.mjs';
export { parseYaml } from './yaml.mjs';

import { childEnvironment } from './environment.mjs';
import { parseYaml } from './yaml.mjs';

/** A program that ran and failed; `code` is its exit code, null when it was ended by a signal. */
export class ToolError extends Error {
  constructor(message, result) {
    super(message);
    this.name = 'ToolError';
    Object.assign(this, result);
  }
}

/** Whether a program is on PATH: for tests that skip with a reason where it is not. */
export function haveProgram(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => folder && fs.existsSync(path.join(folder, name)));
}

/** Whether tpm2-tools are on this machine. */
export function haveTools() {
  return haveProgram('tpm2');
}

/**
 * Runs a program to its end; it is killed, by its id, after `timeout` ms.
 * @param {string} file
 * @param {string[]} [args]
 * @param {{ input?: Buffer | string, timeout?: number, cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ stdout: Buffer, stderr: string, text: string }>} rejects with ToolError
 */
export function runProgram(file, args = [], { input, timeout = 30_000, cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: childEnvironment(env) });
    const out = [];
    const err = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeout);
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.stdin.on('error', () => {}); // A program may end without reading its input.
    child.stdin.end(input);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new ToolError(`${file} did not start: ${error.message}`, { code: null }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const stdout = Buffer.concat(out);
      const result = { stdout, stderr: String(Buffer.concat(err)), text: stdout.toString() };
      if (code === 0) return resolve(result);
      const how = late ? `was ended after ${timeout} ms` : `ended with ${code}`;
      const command = [file, ...args].join(' ');
      reject(
        new ToolError(`${command} ${how}\n${result.stderr.trim()}`, { ...result, code, late }),
      );
    });
  });
}

/**
 * A runner of tpm2-tools on one TPM.
 *
 *     const tools = toolsFor(swtpm);
 *     const { text, yaml } = await tools.tpm2('getcap', ['properties-fixed']);
 *     await fs.writeFile(tools.file('data'), ...); await tools.tpm2('sign', ['-c', 'key.ctx', 'data']);
 *     await tools.flush(); tools.close();
 *
 * Programs run in `tools.dir`, a private folder (inside the TPM's own where it has one), so that
 * file arguments can be bare names.
 *
 * @param {string | { toolsTcti: string, dir?: string }} target a TCTI string or startSwtpm()'s TPM
 */
export function toolsFor(target) {
  const tcti = typeof target === 'string' ? target : target.toolsTcti;
  const parent = (typeof target === 'object' && target.dir) || os.tmpdir();
  const dir = fs.mkdtempSync(path.join(parent, 'tpm2-tools-'));

  /**
   * @param {string} name without the prefix: 'getcap', 'createprimary', ...
   * @param {string[]} [args]
   * @param {{ input?: Buffer | string, timeout?: number, env?: NodeJS.ProcessEnv }} [options]
   */
  const tpm2 = async (name, args = [], options = {}) => {
    let result;
    try {
      result = await runProgram('tpm2', [name, '-T', tcti, ...args], { cwd: dir, ...options });
    } catch (error) {
      if (error.late) error.message += '\n(is a connection of ours still open? swtpm serves one)';
      throw error;
    }
    return Object.defineProperty(result, 'yaml', {
      get: () => parseYaml(result.text),
    });
  };

  return {
    dir,
    tcti,
    tpm2,
    file: (name) => path.join(dir, name),
    read: (name) => fs.readFileSync(path.join(dir, name)),
    write: (name, data) => fs.writeFileSync(path.join(dir, name), data),
    /** Flushes everything that any tool left: transient objects, loaded and saved sessions. */
    flush: async () => {
      for (const kind of ['-t', '-l', '-s']) await tpm2('flushcontext', [kind]);
    },
    close: () => fs.rmSync(dir, { recursive: true, force: true }),
  };
}
