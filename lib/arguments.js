// Checks of arguments, before anything is sent: each throws INVALID_ARGUMENT that names its argument.
import { types } from 'node:util';
import { invalid, invalidOctets } from './errors.js';

const MAX_U32 = 0xffffffff;

/** Digest sizes in bytes of the hash algorithms that banks and signatures use. */
export const HASH_SIZES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const HASHES = Object.keys(HASH_SIZES);
const PCR_COUNT = 24;

/** @returns {Uint8Array} */
export function bytes(name, value, { min = 0, max = Number.POSITIVE_INFINITY } = {}) {
  const range =
    max === Number.POSITIVE_INFINITY
      ? `at least ${min} bytes`
      : min === max
        ? `${min} bytes`
        : `${min} to ${max} bytes`;
  if (!types.isUint8Array(value))
    throw invalidOctets(name, `a Buffer or Uint8Array of ${range}`, value);
  if (value.length < min || value.length > max) throw invalidOctets(name, range, value);
  return value;
}

/** An option. Only undefined is absent: null in the place of a pin or an auth value is a mistake. */
export function optional(value, check) {
  return value === undefined ? undefined : check(value);
}

/** A positional argument, where null is how to leave it out. */
export function optionalPosition(value, check) {
  return value === null ? undefined : optional(value, check);
}

export function integer(name, value, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) {
    // Not what a string says: with an argument left out, a password may have come here.
    const refusal = typeof value === 'string' ? invalidOctets : invalid;
    throw refusal(name, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

export function boolean(name, value) {
  if (typeof value !== 'boolean') throw invalid(name, 'a boolean', value);
  return value;
}

export function oneOf(name, value, choices) {
  if (typeof value !== 'string' || !choices.includes(value)) {
    throw invalid(name, choices.map((choice) => `'${choice}'`).join(' or '), value);
  }
  return value;
}

export function string(name, value, { max = 1024 } = {}) {
  if (
    typeof value !== 'string' ||
    value.length === 0 ||
    value.length > max ||
    value.includes('\0')
  ) {
    throw invalid(name, 'a non-empty string', value);
  }
  return value;
}

/** What every operation takes beside its own options. */
const CALL_OPTIONS = ['signal', 'timeout'];

/** Whether this is `{}`, of whatever realm: a Map, a promise or an instance holds no options. */
function isPlain(value) {
  if (!isRecord(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * An options object, read once; absent is the empty one. It may have these members only: a misspelt
 * one that was passed over would leave a seal unbound, a key without its auth value, a check not
 * made. What it inherits does not count.
 * @param {string} name
 * @param {unknown} value
 * @param {string[]} members
 */
export function options(name, value, members) {
  const own = Object.create(null);
  if (value === undefined) return own;
  if (value instanceof AbortSignal) throw invalid(name, 'an object such as { signal }', value);
  if (!isPlain(value)) throw invalidOctets(name, 'a plain object', value);
  for (const member of Object.keys(value)) {
    if (!members.includes(member)) {
      throw invalid(name, `no members but ${members.join(', ')}`, member);
    }
  }
  return Object.assign(own, value);
}

/** The options object of an operation on the TPM. */
export function callable(value, members) {
  return options('options', value, [...members, ...CALL_OPTIONS]);
}

export function isRecord(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}

/** @param {string} what what it holds */
export function record(name, value, what) {
  if (!isRecord(value)) throw invalid(name, what, value);
  return value;
}

/** A TPM handle: a number, or hexadecimal with or without 0x. */
export function handle(name, value, { first = 0, last = MAX_U32, what = 'a TPM handle' } = {}) {
  const hex = (n) => `0x${n.toString(16).padStart(8, '0')}`;
  const expected = `${what} (a number or hexadecimal string, ${hex(first)} to ${hex(last)})`;
  let number = value;
  if (typeof value === 'string') {
    if (!/^(0x)?[0-9a-f]{1,8}$/i.test(value)) throw invalid(name, expected, value);
    number = Number.parseInt(value.replace(/^0x/i, ''), 16);
  }
  if (!Number.isInteger(number) || number < first || number > last)
    throw invalid(name, expected, value);
  return number;
}

/** Objects of a TPM: transient, persistent. NV indices and PCRs have calls of their own. */
export function objectHandle(name, value) {
  return handle(name, value, {
    first: 0x80000000,
    last: 0x81ffffff,
    what: 'the handle of a TPM object, such as 0x81010001',
  });
}

export function nvHandle(name, value) {
  return handle(name, value, { first: 0x01000000, last: 0x01ffffff, what: 'an NV index' });
}

export function hash(name, value) {
  return oneOf(name, value, HASHES);
}

export function pcrIndex(name, value) {
  return integer(name, value, 0, PCR_COUNT - 1);
}

function pcrList(name, value) {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(name, 'a non-empty array of PCR indices', value);
  }
  for (const [at, pcr] of value.entries()) pcrIndex(`${name}[${at}]`, pcr);
  return [...new Set(value)].sort((a, b) => a - b);
}

/**
 * `number[]` of one bank, or `{ sha1?: number[], sha256?: number[], ... }`.
 * @returns {{ bank: string, pcrs: number[] }[]}
 */
export function pcrSelection(name, value, bank) {
  if (Array.isArray(value)) {
    return [{ bank: hash('bank', bank ?? 'sha256'), pcrs: pcrList(name, value) }];
  }
  const expected = 'an array of PCR indices, or an object of such by bank';
  record(name, value, expected);
  const present = Object.entries(value).filter(([, pcrs]) => pcrs !== undefined);
  if (present.length === 0) throw invalid(name, expected, value);
  if (bank !== undefined) throw invalid('bank', 'nothing beside a selection by bank', bank);
  return present.map(([key, pcrs]) => ({
    bank: hash(`${name}, bank`, key),
    pcrs: pcrList(`${name}.${key}`, pcrs),
  }));
}

/** `{ public, private }` of a wrapped key. */
export function keyBlob(name, value) {
  record(name, value, 'an object { public, private } of Buffers');
  return {
    public: bytes(`${name}.public`, value.public, { min: 1, max: 8192 }),
    private: bytes(`${name}.private`, value.private, { max: 8192 }),
  };
}

/** Bytes of an auth value for what is made here: keys, seals and NV indices are of SHA-256. */
export const MAX_OWN_AUTH = 32;
/** The same where the name algorithm is not known: the longest digest. */
const MAX_AUTH = 64;

/**
 * An auth value, without the zeros at its end: they are no part of it (Part 1, "Auth Values").
 * @param {string} name
 * @param {unknown} value
 * @param {number} [max]  digest size of the object's name algorithm
 */
export function auth(name, value, max = MAX_AUTH) {
  if (!types.isUint8Array(value)) {
    throw invalidOctets(name, `a Buffer or Uint8Array of at most ${max} bytes`, value);
  }
  let end = value.length;
  while (end > 0 && value[end - 1] === 0) end -= 1;
  if (end > max) throw invalidOctets(name, `at most ${max} bytes without trailing zeros`, value);
  return value.subarray(0, end);
}

/** An auth value that may be left out. */
export function optionalAuth(name, value, max) {
  return optional(value, (given) => auth(name, given, max));
}

function isAbortSignal(value) {
  try {
    return value instanceof AbortSignal && typeof value.aborted === 'boolean';
  } catch {
    return false; // it only inherits from one
  }
}

/** `{ signal, timeout }` of one call, checked. */
export function callOptions(value) {
  const { signal, timeout } = value;
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw invalid('signal', 'an AbortSignal', signal);
  }
  if (timeout !== undefined) integer('timeout', timeout, 1, 0x7fffffff);
  return { signal, timeout };
}

/**
 * Splits the `{ signal, timeout }` that may follow the positional arguments off. What is undefined
 * at the end counts as absent.
 * @param {unknown[]} args     what was passed
 * @param {number} required    arguments that are never call options
 * @param {number} most        positional arguments at most
 */
export function splitCallOptions(args, required, most) {
  const positional = [...args];
  let call;
  if (positional.length > required && isRecord(positional.at(-1))) call = positional.pop();
  while (positional.length > required && positional.at(-1) === undefined) positional.pop();
  if (positional.length > most) throw invalid('arguments', `at most ${most}`, positional.length);
  return { positional, call: callOptions(callable(call, [])) };
}
