// Helpers for suites, inside Windows' node.exe.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder that goes with this process. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'node-tpm2-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/**
 * Runs a script in a second node.exe; its output goes through files, as under Wine it must.
 * @param {string} script
 * @param {{ args?: string[], env?: object, program?: string }} [options] env is added to this process's own;
 *   program: another copy of node.exe
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export async function runNode(script, { args = [], env = {}, program = process.execPath } = {}) {
  const folder = temporaryFolder();
  const names = ['stdout', 'stderr'].map((name) => path.join(folder, name));
  const files = names.map((name) => openSync(name, 'w'));
  const code = await new Promise((resolve, reject) => {
    const child = spawn(program, [script, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', ...files],
    });
    child.once('error', reject);
    child.once('exit', resolve);
  });
  for (const file of files) closeSync(file);
  const [stdout, stderr] = names.map((name) => readFileSync(name, 'utf8'));
  return { code, stdout, stderr };
}
