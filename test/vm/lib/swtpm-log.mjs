// What swtpm was sent, from its log (level 20 prints the bytes of every command and answer).
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CONSTANTS = new URL('../../../include/tpm2/constants.h', import.meta.url);
const NAMES = commandNames(readFileSync(CONSTANTS, 'utf8'));
const RC_RETRY = 0x922;
const HEADER_SIZE = 10;

/**
 * @typedef {object} Command
 * @property {string} name 'Sign' as in constants.h, or 'CC_0x1f0' for one without a name
 * @property {'caller' | 'kernel' | 'resubmission'} by the kernel's are those with which its resource
 *   manager swaps a client's objects and sessions in and out around each command
 * @property {number | undefined} rc undefined while there is no answer
 */

/** Reads the log as it grows. */
export class SwtpmLog {
  #fd;
  #position = 0;

  /** @param {string} path */
  constructor(path) {
    this.#fd = openSync(path, 'r');
  }

  /** @returns {Command[]} what came since the last call */
  takeCommands() {
    return parseLog(this.#rest());
  }

  close() {
    closeSync(this.#fd);
  }

  #rest() {
    const chunks = [];
    for (;;) {
      const chunk = Buffer.alloc(1 << 16);
      const count = readSync(this.#fd, chunk, 0, chunk.length, this.#position);
      if (count === 0) return Buffer.concat(chunks).toString('latin1');
      chunks.push(chunk.subarray(0, count));
      this.#position += count;
    }
  }
}

/**
 * @param {string} text
 * @returns {Command[]}
 */
export function parseLog(text) {
  const commands = [];
  let previous;
  let sent; // the last that was not the kernel's
  for (const { direction, bytes } of packets(text)) {
    if (bytes.length < HEADER_SIZE) continue;
    if (direction === 'Write') {
      if (previous) previous.rc = bytes.readUInt32BE(6);
      continue;
    }
    const command = {
      code: bytes.readUInt32BE(6),
      handle: bytes.length >= 14 ? bytes.readUInt32BE(10) : 0,
      bytes,
      rc: undefined,
    };
    command.name = NAMES.get(command.code) ?? `CC_0x${command.code.toString(16)}`;
    command.by = sender(command, previous, sent);
    commands.push(command);
    previous = command;
    if (command.by !== 'kernel') sent = command;
  }
  return commands.map(({ name, by, rc }) => ({ name, by, rc }));
}

function sender(command, previous, sent) {
  // Nothing of ours saves or loads contexts; after each object that it saved the kernel flushes it.
  if (command.name === 'ContextSave' || command.name === 'ContextLoad') return 'kernel';
  const swapsOut = previous?.name === 'ContextSave' && previous.handle === command.handle;
  if (command.name === 'FlushContext' && swapsOut) return 'kernel';
  return sent?.rc === RC_RETRY && sent.code === command.code ? 'resubmission' : 'caller';
}

// Each packet is a line "SWTPM_IO_Read: length N" (or Write), then lines of bytes in hexadecimal.
function* packets(text) {
  const pattern = /SWTPM_IO_(Read|Write): length (\d+)\n((?:\s*(?:[0-9A-F]{2} )+\s*\n)*)/g;
  for (const [, direction, length, dump] of text.matchAll(pattern)) {
    const bytes = Buffer.from(dump.replace(/\s/g, ''), 'hex');
    if (bytes.length === Number(length)) yield { direction, bytes };
  }
}

function commandNames(header) {
  const [block] = header.match(/enum class CommandCode[^}]*}/);
  return new Map(
    [...block.matchAll(/k(\w+) = (0x[0-9a-f]+)/g)].map(([, name, code]) => [Number(code), name]),
  );
}
