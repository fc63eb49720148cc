// TPM and RPC bytes for the test doubles. Written by hand on purpose: what stands in for Windows
// must not share code, or mistakes, with the library under test.

/** @param {number} value @returns {Buffer} one byte */
export const u8 = (value) => Buffer.from([value & 0xff]);

/** @param {number} value @returns {Buffer} two bytes, big-endian */
export function u16(value) {
  const out = Buffer.alloc(2);
  out.writeUInt16BE(value);
  return out;
}

/** @param {number} value @returns {Buffer} four bytes, big-endian */
export function u32(value) {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

/** @param {number} value @returns {Buffer} four bytes, little-endian */
export function u32le(value) {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
}

/** @param {number} value @returns {Buffer} eight bytes, little-endian */
export function u64le(value) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}

/** @param {Uint8Array} bytes @returns {Buffer} a TPM2B: u16 size, then the bytes */
export const sized = (bytes) => Buffer.concat([u16(bytes.length), bytes]);

/** @param {string} text @returns {Buffer} UTF-16LE without a terminator */
export const utf16 = (text) => Buffer.from(text, 'utf16le');

/** Reads big-endian TPM structures and throws where the bytes end too early. */
export class Reader {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  take(size) {
    if (this.left < size)
      throw new RangeError(`needs ${size} bytes at ${this.at}, ${this.left} left`);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  u8() {
    return this.take(1).readUInt8();
  }

  u16() {
    return this.take(2).readUInt16BE();
  }

  u32() {
    return this.take(4).readUInt32BE();
  }

  sized() {
    return this.take(this.u16());
  }

  rest() {
    return this.take(this.left);
  }
}

const NULL = 0xffffffff;

function encodeValues(values) {
  const parts = [u8(values.length)];
  for (const value of values) {
    if (value === null) parts.push(u32le(NULL));
    else parts.push(u32le(value.length), value);
  }
  return parts;
}

function decodeValues(body, from) {
  let at = from + 1;
  return Array.from({ length: body.readUInt8(from) }, () => {
    const size = body.readUInt32LE(at);
    at += 4;
    if (size === NULL) return null;
    if (at + size > body.length) throw new RangeError('a value runs past its frame');
    at += size;
    return body.subarray(at - size, at);
  });
}

const frame = (parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32le(body.length), body]);
};

/** @param {string} name @param {(Buffer|null)[]} args @returns {Buffer} one request frame */
export const encodeRequest = (name, args) =>
  frame([u8(name.length), Buffer.from(name, 'latin1'), ...encodeValues(args)]);

/** @param {number} status @param {(Buffer|null)[]} values @returns {Buffer} one reply frame */
export const encodeReply = (status, values) => frame([u32le(status), ...encodeValues(values)]);

/** @param {Buffer} body @returns {{ name: string, args: (Buffer|null)[] }} */
export function decodeRequest(body) {
  const size = body.readUInt8(0);
  return { name: body.toString('latin1', 1, 1 + size), args: decodeValues(body, 1 + size) };
}

/** @param {Buffer} body @returns {{ status: number, values: (Buffer|null)[] }} */
export const decodeReply = (body) => ({
  status: body.readUInt32LE(0),
  values: decodeValues(body, 4),
});

/**
 * Calls `onBody` with every whole frame that arrives on a socket.
 * @param {import('node:net').Socket} socket
 * @param {(body: Buffer) => void} onBody
 */
export function onFrames(socket, onBody) {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      const body = pending.subarray(4, end);
      pending = pending.subarray(end);
      onBody(body);
    }
  });
}
