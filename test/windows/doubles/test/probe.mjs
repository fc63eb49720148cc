// Drives the doubles from the host: starts probe.exe under Wine and calls DLL functions in it.
import net from 'node:net';
import path from 'node:path';
import { decodeReply, encodeRequest, onFrames, u32le, u64le, utf16 } from '../../broker/wire.mjs';

export const NULL_BUFFER = 0xffffffff;

class Thread {
  #waiting = [];

  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the probe is gone'));
    });
    onFrames(socket, (body) => this.#waiting.shift().resolve(decodeReply(body)));
  }

  /** Numbers become u32, bigints u64 (handles), strings UTF-16, Buffers bytes. */
  call(fn, ...args) {
    const encoded = args.map((arg) => {
      if (typeof arg === 'number') return u32le(arg);
      if (typeof arg === 'bigint') return u64le(arg);
      if (typeof arg === 'string') return utf16(arg);
      return arg;
    });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write(encodeRequest(fn, encoded));
    });
  }
}

/** One Windows process. `call()` runs on its main thread, `(await thread()).call()` on another. */
export class Probe extends Thread {
  /**
   * @param {import('../../lib/wine.mjs').Wine} wine
   * @param {{ port: number, elevated?: string, doubles?: boolean, folder: string }} options
   */
  static async start(wine, { port, elevated, doubles = true, folder }) {
    const server = net.createServer();
    const arrivals = [];
    const wanted = [];
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      if (wanted.length > 0) wanted.shift()(socket);
      else arrivals.push(socket);
    });
    const accept = () =>
      arrivals.length > 0
        ? Promise.resolve(arrivals.shift())
        : new Promise((resolve) => wanted.push(resolve));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const env = { NODE_TPM2_TEST_BROKER: String(port) };
    if (elevated !== undefined) env.NODE_TPM2_TEST_ELEVATED = elevated;
    const started = await wine.spawn(path.join(folder, 'probe.exe'), {
      args: [String(server.address().port)],
      env,
      doubles,
    });
    const ended = started.result().then(({ code, stderr }) => {
      throw new Error(`the probe ended at once (${code}): ${stderr}`);
    });
    ended.catch(() => {});
    const probe = new Probe(await Promise.race([accept(), ended]));
    Object.assign(probe, { started, server, accept });
    return probe;
  }

  /** One more thread of the same process. */
  async thread() {
    const arrival = this.accept();
    await this.call('thread', this.server.address().port);
    return new Thread(await arrival);
  }

  setEnvironment(name, value) {
    return this.call('setenv', Buffer.from(name), Buffer.from(value));
  }

  async end() {
    this.socket.destroy();
    await this.started.result();
    this.server.close();
  }
}

const PROVIDER = 'Microsoft Platform Crypto Provider';
export const FLAG = { machine: 0x20, silent: 0x40, overwrite: 0x80 };

const handle = ({ values }) => values[0].readBigUInt64LE();

/** Opens the provider; `opened.handle` is 0 where that failed. */
export async function openProvider(probe, { name = PROVIDER, flags = 0 } = {}) {
  const reply = await probe.call('NCryptOpenStorageProvider', name, flags);
  return { status: reply.status, handle: handle(reply) };
}

export async function createKey(
  probe,
  provider,
  name,
  { algorithm = 'RSA', flags = FLAG.silent } = {},
) {
  const reply = await probe.call('NCryptCreatePersistedKey', provider, algorithm, name, flags);
  return { status: reply.status, handle: handle(reply) };
}

export async function openKey(probe, provider, name, flags = FLAG.silent) {
  const reply = await probe.call('NCryptOpenKey', provider, name, flags);
  return { status: reply.status, handle: handle(reply) };
}

export async function setProperty(probe, object, name, value, flags = 0) {
  const bytes = typeof value === 'number' ? u32le(value) : value;
  return (await probe.call('NCryptSetProperty', object, name, bytes, flags)).status;
}

export async function getProperty(probe, object, name, { capacity = 4096, flags = 0 } = {}) {
  const reply = await probe.call('NCryptGetProperty', object, name, capacity, flags);
  return { status: reply.status, bytes: reply.values[0], size: reply.values[1].readUInt32LE() };
}

export const finalize = async (probe, key, flags = FLAG.silent) =>
  (await probe.call('NCryptFinalizeKey', key, flags)).status;
export const deleteKey = async (probe, key, flags = FLAG.silent) =>
  (await probe.call('NCryptDeleteKey', key, flags)).status;
export const free = async (probe, object) => (await probe.call('NCryptFreeObject', object)).status;

/** Opens a TBS context for TPM 2.0. */
export async function openContext(probe, { version = 2, flags = 4 } = {}) {
  const reply = await probe.call('Tbsi_Context_Create', version, flags);
  return { status: reply.status, handle: handle(reply) };
}

export const closeContext = async (probe, context) =>
  (await probe.call('Tbsip_Context_Close', context)).status;

/** Submits one command; `response` is null where nothing came. */
export async function submit(probe, context, command, { capacity = 4096, locality = 0 } = {}) {
  const reply = await probe.call('Tbsip_Submit_Command', context, locality, 200, command, capacity);
  const bytes = reply.values[0];
  return {
    status: reply.status,
    size: reply.values[1].readUInt32LE(),
    response: bytes?.length ? Buffer.from(bytes) : null,
    rc: bytes?.length >= 10 ? bytes.readUInt32BE(6) : null,
  };
}
