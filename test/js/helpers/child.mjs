// Programs in a process of their own: what ends, crashes, hangs or changes its user.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Runs module code in a second node, in the package's folder, to its end. In it, `say(value)` adds
 * to `answers`. A child that has not ended after `timeout` ms is killed and `signal` says so.
 *
 * @param {string} code
 * @param {{ args?: string[], env?: Record<string, string | undefined>, timeout?: number }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, answers: any[], stdout: string,
 *   stderr: string }>}
 */
export function runNode(code, { args = [], env = {}, timeout = 25_000 } = {}) {
  const say =
    "const say = (value) => process.stdout.write('\\u0001' + JSON.stringify(value) + '\\n');";
  const source = `${say}\n${code}`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args, '--input-type=module', '-e', source], {
      cwd: PACKAGE,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        texts[name] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      const answers = texts.stdout
        .split('\n')
        .filter((line) => line.startsWith('\u0001'))
        .map((line) => JSON.parse(line.slice(1)));
      resolve({ code: exitCode, signal, answers, ...texts });
    });
  });
}
