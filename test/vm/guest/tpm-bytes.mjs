// A few TPM commands as bytes, and the device files as a plain program uses them. Deliberately not
// made with the project's codec: it is one of the things under test.
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';

export const RESOURCE_MANAGED = '/dev/tpmrm0';
export const BARE = '/dev/tpm0';

/** Part 2, 6.6 and 7.4; the kernel puts its own layer into bits 16 to 23. */
export const RC = {
  SUCCESS: 0,
  HANDLE_IN_PARAMETER_1: 0x1cb,
  COMMAND_CODE: 0x143,
  OBJECT_MEMORY: 0x902,
  KERNEL_COMMAND_CODE: 0x000b0143,
};
/** Where GetCapability's lists of handles begin (Part 2, 7.2). */
const HANDLES = { loadedSessions: 0x02000000, savedSessions: 0x03000000, objects: 0x80000000 };

const MAX_RESPONSE = 4096;
const NO_SESSIONS = 0x8001;
const SESSIONS = 0x8002;
const OWNER = '40000001';
const ENDORSEMENT = '4000000b';
const NULL_HANDLE = '40000007';
const EMPTY_PASSWORD = '00000009400000090000010000';

// TPM2B_PUBLIC of a P-256 storage key, the TCG's SRK template with empty unique fields.
const STORAGE_KEY =
  '001a' + // size
  '0023000b00030472' + // ECC, SHA-256, attributes
  '0000' + // no policy
  '000600800043' + // AES-128 CFB
  '001000030010' + // no scheme, P-256, no KDF
  '00000000';

// TPM2B_PUBLIC of the TCG's RSA-2048 endorsement key (template L-1).
const RSA_ENDORSEMENT_KEY =
  '013a' + // size
  '0001000b000300b2' + // RSA, SHA-256, attributes
  '0020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa' + // PolicySecret(endorsement)
  '000600800043' + // AES-128 CFB
  '0010080000000000' + // no scheme, 2048 bits, default exponent
  `0100${'00'.repeat(256)}`;
// In CreatePrimary's answer: header, handle, size of the parameters, then the template up to unique.
const RSA_MODULUS_OFFSET = 10 + 4 + 4 + (RSA_ENDORSEMENT_KEY.length / 2 - 256);

// The same, up to the X coordinate; Y comes after its own two bytes of size.
const ECC_POINT_OFFSET = 10 + 4 + 4 + (STORAGE_KEY.length / 2 - 4) + 2;

const u16 = (n) => n.toString(16).padStart(4, '0');
const u32 = (n) => n.toString(16).padStart(8, '0');

function command(code, body, tag = NO_SESSIONS) {
  return Buffer.from(u16(tag) + u32(10 + body.length / 2) + u32(code) + body, 'hex');
}

// Empty password for the new object, no data, no outside info, no creation PCRs.
function createPrimary(hierarchy, template) {
  return command(
    0x131,
    [hierarchy, EMPTY_PASSWORD, '0004', '0000', '0000', template, '0000', '00000000'].join(''),
    SESSIONS,
  );
}

export const commands = {
  getRandom: (count) => command(0x17b, u16(count)),
  unknown: () => command(0x1f0, ''),
  flushContext: (handle) => command(0x165, u32(handle)),
  listHandles: (first) => command(0x17a, u32(1) + u32(first) + u32(64)),
  createPrimary: () => createPrimary(OWNER, STORAGE_KEY),
  createEndorsementKey: () => createPrimary(ENDORSEMENT, RSA_ENDORSEMENT_KEY),
  evictControl: (object, persistent) =>
    command(0x120, OWNER + u32(object) + EMPTY_PASSWORD + u32(persistent), SESSIONS),
  startHmacSession: () =>
    command(
      0x176,
      [NULL_HANDLE, NULL_HANDLE, '0010', '5a'.repeat(16), '0000', '00', '0010', '000b'].join(''),
    ),
  /** @param {number} bank TPM_ALG_ID @param {number[]} indices at most eight */
  pcrRead: (bank, indices) => {
    const bitmap = Buffer.alloc(3);
    for (const index of indices) bitmap[index >> 3] |= 1 << (index & 7);
    return command(0x17e, `${u32(1)}${u16(bank)}03${bitmap.toString('hex')}`);
  },
};

/** @param {string} path */
export function open(path, flags = constants.O_RDWR) {
  return openSync(path, flags);
}

/** One command, its whole answer. */
export function exchange(fd, bytes) {
  writeSync(fd, bytes);
  const answer = Buffer.alloc(MAX_RESPONSE);
  return answer.subarray(0, readSync(fd, answer));
}

/** Opens, sends one command, closes. */
export function once(path, bytes) {
  const fd = open(path);
  try {
    return exchange(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

export function responseCode(answer) {
  return answer.readUInt32BE(6);
}

/** The handle in the answer of createPrimary or startHmacSession. */
export function responseHandle(answer) {
  return answer.readUInt32BE(10);
}

/** The RSA endorsement key's modulus, from a key that is gone again when this returns. */
export function endorsementModulus() {
  const answer = succeeded(once(RESOURCE_MANAGED, commands.createEndorsementKey()));
  return answer.subarray(RSA_MODULUS_OFFSET, RSA_MODULUS_OFFSET + 256);
}

/**
 * Makes a P-256 storage key and keeps it in the TPM under that handle.
 * @returns {{ x: Buffer, y: Buffer }} its public point
 */
export function persistStorageKey(persistent) {
  const fd = open(RESOURCE_MANAGED);
  try {
    const made = succeeded(exchange(fd, commands.createPrimary()));
    succeeded(exchange(fd, commands.evictControl(responseHandle(made), persistent)));
    const x = made.subarray(ECC_POINT_OFFSET, ECC_POINT_OFFSET + 32);
    return { x, y: made.subarray(ECC_POINT_OFFSET + 34, ECC_POINT_OFFSET + 66) };
  } finally {
    closeSync(fd);
  }
}

export function evict(persistent) {
  succeeded(once(RESOURCE_MANAGED, commands.evictControl(persistent, persistent)));
}

function succeeded(answer) {
  const rc = responseCode(answer);
  if (rc !== RC.SUCCESS) throw new Error(`the TPM answers 0x${rc.toString(16)}`);
  return answer;
}

/** @returns {number[]} handles that the TPM behind that descriptor has, from `first` on */
function handlesFrom(fd, first) {
  const answer = exchange(fd, commands.listHandles(first));
  const count = answer.readUInt32BE(15);
  return Array.from({ length: count }, (_, index) => answer.readUInt32BE(19 + 4 * index));
}

/** What is in the TPM's slots, seen from underneath the resource manager. */
export function leftovers() {
  const fd = open(BARE);
  try {
    return Object.fromEntries(
      Object.entries(HANDLES).map(([kind, first]) => [kind, handlesFrom(fd, first)]),
    );
  } finally {
    closeSync(fd);
  }
}

/** What leftovers() is to be when nobody holds anything. */
export const NOTHING = { loadedSessions: [], savedSessions: [], objects: [] };
