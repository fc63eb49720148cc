// What swtpm was sent, from its log (level 20 prints the bytes of every command and answer).
import { closeSync, openSync, readSync } from 'node:fs';

// Part 2, 6.5.2: those that the scenarios or the kernel send; others are shown by number.
const NAMES = {
  0x120: 'NV_UndefineSpace',
  0x121: 'HierarchyControl',
  0x128: 'EvictControl',
  0x129: 'HierarchyChangeAuth',
  0x12a: 'NV_DefineSpace',
  0x131: 'CreatePrimary',
  0x134: 'NV_Increment',
  0x135: 'NV_SetBits',
  0x136: 'NV_Extend',
  0x137: 'NV_Write',
  0x139: 'DictionaryAttackLockReset',
  0x13c: 'PCR_Event',
  0x13d: 'PCR_Reset',
  0x143: 'SelfTest',
  0x144: 'Startup',
  0x145: 'Shutdown',
  0x146: 'StirRandom',
  0x147: 'ActivateCredential',
  0x148: 'Certify',
  0x14a: 'CertifyCreation',
  0x14c: 'GetTime',
  0x14e: 'NV_Read',
  0x151: 'PolicySecret',
  0x153: 'Create',
  0x154: 'ECDH_ZGen',
  0x155: 'HMAC',
  0x156: 'Import',
  0x157: 'Load',
  0x158: 'Quote',
  0x159: 'RSA_Decrypt',
  0x15d: 'Sign',
  0x15e: 'Unseal',
  0x160: 'PolicySigned',
  0x161: 'ContextLoad',
  0x162: 'ContextSave',
  0x164: 'EncryptDecrypt',
  0x165: 'FlushContext',
  0x167: 'LoadExternal',
  0x168: 'MakeCredential',
  0x169: 'NV_ReadPublic',
  0x16a: 'PolicyAuthorize',
  0x16b: 'PolicyAuthValue',
  0x16c: 'PolicyCommandCode',
  0x171: 'PolicyOR',
  0x173: 'ReadPublic',
  0x176: 'StartAuthSession',
  0x177: 'VerifySignature',
  0x17a: 'GetCapability',
  0x17b: 'GetRandom',
  0x17c: 'GetTestResult',
  0x17e: 'PCR_Read',
  0x17f: 'PolicyPCR',
  0x180: 'PolicyRestart',
  0x181: 'ReadClock',
  0x182: 'PCR_Extend',
  0x189: 'PolicyGetDigest',
  0x18a: 'TestParms',
  0x191: 'CreateLoaded',
  0x193: 'EncryptDecrypt2',
};
const RC_RETRY = 0x922;
const HEADER_SIZE = 10;

/**
 * @typedef {object} Command
 * @property {string} name 'Sign', or 'CC_0x1f0' for one without a name here
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
    command.name = NAMES[command.code] ?? `CC_0x${command.code.toString(16)}`;
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
