// The tests' way to the emulated Windows. It works on the host and inside Windows' node.exe alike,
// so that a suite can ask for a fault in the middle of a test and read afterwards what was called.
import net from 'node:net';
import { decodeReply, encodeRequest, onFrames } from '../broker/wire.mjs';

export class BrokerClient {
  #waiting = [];

  /** @param {number | string} [port] by default what NODE_TPM2_TEST_BROKER says */
  static async connect(port = process.env.NODE_TPM2_TEST_BROKER) {
    if (!port) throw new Error('NODE_TPM2_TEST_BROKER names no broker: run npm run test:windows');
    const client = new BrokerClient();
    client.socket = await new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), '127.0.0.1', () => resolve(socket));
      socket.once('error', reject);
    });
    client.socket.on('error', () => {});
    client.socket.on('close', () => {
      for (const { reject } of client.#waiting.splice(0)) reject(new Error('the broker is gone'));
    });
    onFrames(client.socket, (body) => client.#waiting.shift().resolve(decodeReply(body)));
    return client;
  }

  async #control(action, value) {
    const body = Buffer.from(JSON.stringify({ action, value }));
    const reply = await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write(encodeRequest('control', [body]));
    });
    if (reply.status !== 0) throw new Error(reply.values[0].toString());
    return JSON.parse(reply.values[0].toString());
  }

  /**
   * Changes settings, and adds fault rules: { rules: [...] }. Both are described and checked in
   * ../broker/settings.mjs.
   */
  change(change) {
    return this.#control('change', change);
  }

  /** Back to the defaults: settings, rules, log, leaks, persisted keys; violations stay. */
  reset() {
    return this.#control('reset');
  }

  settings() {
    return this.#control('settings');
  }

  /** Rules that did not apply yet. */
  pendingRules() {
    return this.#control('pendingRules');
  }

  /** Lets calls go on that a rule's `wait` holds back. */
  release() {
    return this.#control('release');
  }

  /** Every call of the doubles since the last clearLog(), oldest first. */
  log() {
    return this.#control('log');
  }

  clearLog() {
    return this.#control('clearLog');
  }

  /** What no correct client does: the harness fails a suite that leaves one. */
  violations() {
    return this.#control('violations');
  }

  clearViolations() {
    return this.#control('clearViolations');
  }

  /** What processes left open when they ended. */
  leaks() {
    return this.#control('leaks');
  }

  /** { objects, sessions } that the TPM holds. */
  loaded() {
    return this.#control('loaded');
  }

  /** Runs one of tpm2-tools on the host: see ../broker/host_tools.mjs. */
  tool(program, args, { input = {}, output = [] } = {}) {
    const hex = Object.fromEntries(
      Object.entries(input).map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
    );
    return this.#control('tool', { program, args, input: hex, output });
  }

  close() {
    this.socket.destroy();
  }
}
