// A software TPM of one's own: a private folder, a process that is ended by its id, no port or path
// that anybody else could have. Node's built-in modules only, since the demo runs this too.

import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from './environment.mjs';
import { makeEkCertificates } from './swtpm-certificates.mjs';
import { command, exchange, kCommand, rawCommand, responseCode } from './wire.mjs';

const kStartDeadline = 15_000;
const kControlGetCapability = 1;
const kControlInit = 2;
const kStartupClear = [0x0000];
/** A unix socket's address holds 108 bytes with its final zero; `s.ctrl` is the longer name. */
const kLongestFolder = 107 - '/s.ctrl'.length;
const kSetpriv = '/usr/bin/setpriv';

/** Everything that is alive here, for the moment when this process ends before stop() was called. */
const running = new Set();
let hooked = false;

function hookExit() {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const tpm of running) tpm.abandon();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const onSignal = () => {
      for (const tpm of running) tpm.abandon();
      // With another listener the ending is that one's business; alone, die of the same signal.
      if (process.listenerCount(signal) > 1) return;
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function privateFolder() {
  const inTmp = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-'));
  if (Buffer.byteLength(inTmp) <= kLongestFolder) return inTmp;
  fs.rmdirSync(inTmp);
  return fs.mkdtempSync('/tmp/tpm2-');
}

/** Two free neighbouring ports: commands, and control one above, where TCTIs look for it. */
async function freePorts() {
  const listen = (port) =>
    new Promise((resolve, reject) => {
      const server = net.createServer();
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
    });
  const close = (server) => new Promise((resolve) => server.close(resolve));
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = await listen(0);
    const port = first.address().port;
    const second = await listen(port + 1).catch(() => null);
    await close(first);
    if (second) {
      await close(second);
      return port;
    }
  }
  throw new Error('no two neighbouring free ports on 127.0.0.1');
}

/** Ends the child when this process is killed in a way that runs no handler (Linux only). */
function withParentDeathSignal(file, args) {
  if (process.platform !== 'linux' || !fs.existsSync(kSetpriv)) return [file, args];
  return [kSetpriv, ['--pdeathsig', 'KILL', file, ...args]];
}

class Swtpm {
  #options;
  #child;
  #exited;
  #ownsFolder;
  #log = '';

  constructor(options) {
    this.#options = options;
    this.#ownsFolder = !options.dir;
    /** The folder with the TPM's state and, unless it is reached by TCP, its sockets. */
    this.dir = options.dir ?? privateFolder();
    /** With `ekCertificates`: what makeEkCertificates() returned. */
    this.certificates = undefined;
    if (Buffer.byteLength(this.dir) > kLongestFolder && !options.tcp) {
      throw new Error(`the folder's path is too long for a unix socket: ${this.dir}`);
    }
  }

  /** The process's id while it runs. */
  get pid() {
    return this.#child?.pid;
  }

  /** What swtpm has printed. */
  get log() {
    return this.#log;
  }

  async prepare() {
    if (this.#options.ekCertificates) this.certificates = await makeEkCertificates(this.dir);
  }

  async start() {
    const address = this.#options.tcp ? await this.#useTcp() : this.#useUnix();
    // biome-ignore format: one option a line reads better than one word a line
    const args = ['socket', '--tpm2', '--tpmstate', `dir=${this.dir}`,
      '--server', address.server, '--ctrl', address.control,
      '--flags', this.#options.flags];
    const [file, argv] = withParentDeathSignal('swtpm', args);
    const stdio = ['ignore', 'pipe', 'pipe'];
    const child = spawn(file, argv, { stdio, env: childEnvironment() });
    this.#child = child;
    const collect = (chunk) => {
      this.#log += chunk;
      this.#options.log?.(String(chunk));
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(error));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    // Neither the process nor its pipes keep ours alive: a program that forgot stop() still ends.
    child.unref();
    child.stdout.unref();
    child.stderr.unref();
    running.add(this);
    hookExit();
    await this.#untilItAnswers();
  }

  #useUnix() {
    this.path = path.join(this.dir, 's');
    this.tcti = `swtpm:path=${this.path}`;
    this.toolsTcti = this.tcti;
    this.control = { path: `${this.path}.ctrl` };
    const type = 'type=unixio,path=';
    return { server: `${type}${this.path}`, control: `${type}${this.control.path}` };
  }

  async #useTcp() {
    this.port ??= await freePorts();
    this.tcti = `swtpm:host=127.0.0.1,port=${this.port}`;
    this.toolsTcti = this.tcti;
    this.control = { host: '127.0.0.1', port: this.port + 1 };
    const type = 'type=tcp,bindaddr=127.0.0.1,port=';
    return { server: `${type}${this.port}`, control: `${type}${this.port + 1}` };
  }

  async #untilItAnswers() {
    const request = Buffer.alloc(4);
    request.writeUInt32BE(kControlGetCapability);
    let ended = null;
    this.#exited.then((how) => {
      ended = how;
    });
    const deadline = Date.now() + kStartDeadline;
    for (;;) {
      try {
        await exchange(this.control, request, (answer) => answer.length >= 8, 5000);
        // Somebody else's swtpm can have answered on a TCP port that ours did not get.
        await delay(0);
        if (!ended) return;
      } catch {
        // Not listening yet.
      }
      if (ended instanceof Error) {
        await this.stop();
        const why = ended.code === 'ENOENT' ? 'swtpm is not installed' : ended.message;
        throw new Error(`swtpm did not start: ${why}`, { cause: ended });
      }
      if (ended || Date.now() > deadline) {
        const how = ended ? `it ended with ${ended.signal ?? ended.code}` : 'it does not answer';
        const log = this.#log.trim();
        await this.stop();
        throw new Error(`swtpm did not start: ${how}${log ? `\n${log}` : ''}`);
      }
      await delay(2);
    }
  }

  /** TPM2_Shutdown(CLEAR), without which three restarts count as failed authorisations. */
  async shutdown(options) {
    const response = await rawCommand(this, command(kCommand.shutdown, kStartupClear), options);
    if (responseCode(response) !== 0) {
      throw new Error(`TPM2_Shutdown answered 0x${responseCode(response).toString(16)}`);
    }
  }

  /**
   * Takes the TPM's power away and gives it back while clients stay connected: what was loaded is
   * gone. The Startup needs the data connection, so it waits until no client holds it; with
   * `{ startup: false }` that is the caller's (a client then sees TPM_RC_INITIALIZE).
   * @param {{ shutdown?: boolean, startup?: boolean, timeout?: number }} [options]
   */
  async powerCycle({ shutdown = true, startup = true, timeout } = {}) {
    if (shutdown) await this.shutdown({ timeout });
    const init = Buffer.alloc(8);
    init.writeUInt32BE(kControlInit, 0);
    const result = await exchange(this.control, init, (answer) => answer.length >= 4, 10_000);
    if (result.readUInt32BE(0) !== 0) throw new Error('swtpm refused CMD_INIT');
    if (!startup) return;
    const request = command(kCommand.startup, kStartupClear);
    const response = await rawCommand(this, request, { timeout });
    if (responseCode(response) !== 0) {
      throw new Error(`TPM2_Startup answered 0x${responseCode(response).toString(16)}`);
    }
  }

  /**
   * Ends the process, keeps its state and starts it anew at the same address: connections break.
   * @param {{ shutdown?: boolean }} [options]
   */
  async restart({ shutdown = true } = {}) {
    if (shutdown) await this.shutdown();
    await this.#end();
    await this.start();
  }

  /** Ends the process as a crash would: no handler of its own runs. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async #end(signal = 'SIGTERM') {
    const child = this.#child;
    if (child?.pid !== undefined) {
      // exitCode and signalCode are set before the event, so a child that has ended is never
      // signalled: its id may be somebody else's by now.
      const alive = () => child.exitCode === null && child.signalCode === null;
      child.ref();
      if (alive()) child.kill(signal);
      const abort = new AbortController();
      const patience = delay(3000, 'late', { signal: abort.signal }).catch(() => 'in time');
      if ((await Promise.race([this.#exited, patience])) === 'late' && alive()) {
        child.kill('SIGKILL');
        await this.#exited;
      }
      abort.abort();
    }
    this.#child = undefined;
    running.delete(this);
  }

  /**
   * Ends the process and removes its folder (a folder that the caller gave stays). Any number of
   * calls. `{ shutdown: true }` when the state in a folder of yours is to be used again.
   * @param {{ shutdown?: boolean }} [options]
   */
  async stop({ shutdown = false } = {}) {
    try {
      if (shutdown && this.#child) await this.shutdown({ timeout: 3000 });
    } finally {
      await this.#end();
      if (this.#ownsFolder) fs.rmSync(this.dir, { recursive: true, force: true });
    }
  }

  /** The synchronous end for a process that is ending itself. */
  abandon() {
    running.delete(this);
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
    }
    if (this.#ownsFolder) fs.rmSync(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }
}

/**
 * Starts a TPM and waits until it answers.
 *
 * `tcti` is what our API takes, `toolsTcti` what tpm2-tools' -T takes, `path` the unix socket.
 * It serves ONE client of commands at a time: a second one connects, and then waits until the
 * first has closed.
 *
 * @param {{
 *   tcp?: boolean,            127.0.0.1 instead of a unix socket
 *   dir?: string,             state folder to use and to leave in place; default: a private one
 *   flags?: string,           swtpm's --flags; 'not-need-init' leaves TPM2_Startup to the client
 *   ekCertificates?: boolean, make EKs with certificates of a private CA first (1 to 2 s)
 *   log?: (text: string) => void,
 * }} [options]
 * @returns {Promise<Swtpm>}
 */
export async function startSwtpm(options = {}) {
  const tpm = new Swtpm({ flags: 'startup-clear,not-need-init', ...options });
  try {
    await tpm.prepare();
    await tpm.start();
  } catch (error) {
    await tpm.stop();
    throw error;
  }
  return tpm;
}
