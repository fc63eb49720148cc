// The contestants as child processes, each with a software TPM of its own. They answer turns by
// lines, as bench/turns.h says.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildFolder } from '../../scripts/lib/cmake.mjs';
import { startSwtpm } from '../../test/support/swtpm.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = (name) => path.join(buildFolder('bench'), 'bench', name);
const kBench = program('tpm2_bench');
const kEsapi = program('tpm2_bench_esapi');

/** A contestant that cannot take part, and why. */
export class Absent extends Error {}

function commandOf(name) {
  const mode = { F: 'floor', C: 'core', own: 'own' }[name];
  if (mode) return [kBench, mode];
  if (name === 'O') return [process.execPath, path.join(here, '../ours.mjs')];
  return [kEsapi];
}

function checkPresent(name) {
  const [file] = commandOf(name);
  if (fs.existsSync(file)) return;
  if (name === 'E') {
    throw new Absent(
      'ESAPI: its program was not built, since tss2-esys is not installed (Debian: libtss2-dev and libtss2-tcti-swtpm0)',
    );
  }
  throw new Error(`${file} was not built: run \`npm run bench\` without --no-build`);
}

export class Contestant {
  #child;
  #tpm;
  #lines;
  #errors = '';

  constructor(name) {
    this.name = name;
  }

  async start() {
    checkPresent(this.name);
    this.#tpm = await startSwtpm();
    const [file, ...args] = commandOf(this.name);
    this.#child = spawn(file, [...args, this.#tpm.path], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (chunk) => {
      this.#errors += chunk;
    });
    // A contestant that has gone is noticed by the end of its lines.
    this.#child.stdin.on('error', () => {});
    const lines = readline.createInterface({ input: this.#child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
    const first = await this.#line();
    if (first === 'ready') return;
    const why = first.replace(/^! /, '');
    if (this.name === 'E' && /Tss2_TctiLdr/.test(why)) {
      throw new Absent(`ESAPI: ${why}; is libtss2-tcti-swtpm0 installed?`);
    }
    throw new Error(`${this.name} did not start: ${why}`);
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} has ended: ${this.#errors.trim() || 'without a word'}`);
    return value;
  }

  /** @returns {Promise<number[]>} the duration of each repetition in microseconds */
  async turn(operation, warmUps, count) {
    this.#child.stdin.write(`${operation} ${warmUps} ${count}\n`);
    const line = await this.#line();
    if (line.startsWith('!')) throw new Error(`${this.name}, ${operation}: ${line.slice(2)}`);
    return line.split(' ').map((nanoseconds) => Number(nanoseconds) / 1000);
  }

  async stop() {
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.stdin.end();
      const exited = once(child, 'exit');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(late);
    }
    await this.#tpm?.stop();
  }
}
