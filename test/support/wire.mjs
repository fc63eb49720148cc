// Bytes to a TPM and back without any code of ours in between: what the tests use to look at the
// TPM from outside. swtpm answers one data client at a time, so every call here opens its own
// connection, is answered once the others have closed theirs, and closes it again.

import { Buffer } from 'node:buffer';
import net from 'node:net';

const kHeaderSize = 10;
const kCapHandles = 1;
const kRcSuccess = 0;
/** TPM_ST_NO_SESSIONS, TPM2_GetCapability, TPM2_Startup and TPM2_Shutdown: Part 2, 6.9 and 6.5.2. */
const kNoSessions = 0x8001;
export const kCommand = { getCapability: 0x17a, startup: 0x144, shutdown: 0x145, getRandom: 0x17b };

/**
 * Where a swtpm listens for commands.
 * @param {string | { tcti: string }} target `swtpm:path=...`, `swtpm:host=...,port=...`, a bare
 *   socket path, or what startSwtpm() gave.
 * @returns {net.NetConnectOpts}
 */
export function socketOf(target) {
  const tcti = typeof target === 'string' ? target : target.tcti;
  if (tcti.startsWith('/')) return { path: tcti };
  const match = /^swtpm:(.*)$/.exec(tcti);
  if (!match) throw new TypeError(`not a socket: ${tcti}`);
  const fields = Object.fromEntries(match[1].split(',').map((field) => field.split(/=(.*)/, 2)));
  if (fields.path) return { path: fields.path };
  return { host: fields.host ?? '127.0.0.1', port: Number(fields.port ?? 2321) };
}

/**
 * Writes `request` and collects the answer until `complete` says that all of it is there.
 * @param {net.NetConnectOpts} address
 * @param {Buffer} request
 * @param {(answer: Buffer) => boolean} complete
 * @param {number} timeout ms; the socket is closed then, and the promise rejects.
 * @returns {Promise<Buffer>}
 */
export function exchange(address, request, complete, timeout) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(address);
    let answer = Buffer.alloc(0);
    const timer = setTimeout(
      () =>
        socket.destroy(
          new Error(
            `no answer within ${timeout} ms: swtpm serves one client at a time, so another connection is probably still open`,
          ),
        ),
      timeout,
    );
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (complete(answer)) {
        socket.end();
        clearTimeout(timer);
        resolve(answer);
      }
    });
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`connection closed after ${answer.length} bytes of an answer`));
    });
  });
}

/**
 * A command without sessions: header plus the given 32-bit (or 16-bit, as `[value]`) parameters.
 * @param {number} code
 * @param {...(number | [number])} parameters
 */
export function command(code, ...parameters) {
  const body = parameters.map((parameter) => {
    const bytes = Buffer.alloc(Array.isArray(parameter) ? 2 : 4);
    if (Array.isArray(parameter)) bytes.writeUInt16BE(parameter[0]);
    else bytes.writeUInt32BE(parameter);
    return bytes;
  });
  const header = Buffer.alloc(kHeaderSize);
  header.writeUInt16BE(kNoSessions, 0);
  header.writeUInt32BE(kHeaderSize + body.reduce((sum, part) => sum + part.length, 0), 2);
  header.writeUInt32BE(code, 6);
  return Buffer.concat([header, ...body]);
}

/** The response code of a whole response. */
export function responseCode(response) {
  return response.readUInt32BE(6);
}

/**
 * Sends one command as it is and gives the response as it came.
 * @param {string | { tcti: string }} target see socketOf
 * @param {Buffer} request
 * @param {{ timeout?: number }} [options]
 * @returns {Promise<Buffer>}
 */
export function rawCommand(target, request, { timeout = 10_000 } = {}) {
  const whole = (answer) => answer.length >= kHeaderSize && answer.length >= answer.readUInt32BE(2);
  return exchange(socketOf(target), request, whole, timeout);
}

async function handlesFrom(target, first, options) {
  const handles = [];
  for (let property = first; ; property = handles.at(-1) + 1) {
    const request = command(kCommand.getCapability, kCapHandles, property, 254);
    const response = await rawCommand(target, request, options);
    const rc = responseCode(response);
    if (rc !== kRcSuccess) throw new Error(`TPM2_GetCapability answered 0x${rc.toString(16)}`);
    const more = response.readUInt8(kHeaderSize) !== 0;
    const count = response.readUInt32BE(kHeaderSize + 5);
    for (let i = 0; i < count; i++) handles.push(response.readUInt32BE(kHeaderSize + 9 + 4 * i));
    if (!more || count === 0) return handles;
  }
}

/**
 * What is in the TPM's working memory, by its own word. Part 2, 7.2 and 6.12: handle ranges.
 * @param {string | { tcti: string }} target
 * @param {{ timeout?: number }} [options]
 */
export async function loadedHandles(target, options) {
  return {
    transient: await handlesFrom(target, 0x80000000, options),
    loadedSessions: await handlesFrom(target, 0x02000000, options),
    savedSessions: await handlesFrom(target, 0x03000000, options),
  };
}

/** The handles of persistent objects and of NV indices. */
export async function storedHandles(target, options) {
  return {
    persistent: await handlesFrom(target, 0x81000000, options),
    nv: await handlesFrom(target, 0x01000000, options),
  };
}

/**
 * Fails when the TPM holds a transient object or a session. Close your own connections first:
 * until then swtpm does not answer here, and this rejects with a time-out.
 * @param {string | { tcti: string }} target
 * @param {{ timeout?: number }} [options]
 */
export async function expectNoLeaks(target, options) {
  const held = await loadedHandles(target, options);
  const left = Object.entries(held).filter(([, handles]) => handles.length > 0);
  if (left.length === 0) return;
  const text = left.map(
    ([kind, handles]) => `${kind}: ${handles.map((h) => `0x${h.toString(16)}`).join(', ')}`,
  );
  throw new Error(`left in the TPM: ${text.join('; ')}`);
}
