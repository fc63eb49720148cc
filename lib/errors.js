import { types } from 'node:util';

/**
 * What every rejected promise and every throw of this package is.
 *
 * `code` is stable within a major version: branch on it. `message` and `suggestion` are for people.
 */
export class TpmError extends Error {
  /**
   * @param {import('../types/common.js').TpmErrorCode} code
   * @param {string} message
   * @param {{ suggestion?: string, tpmRc?: number, hresult?: number, command?: string,
   *   rcName?: string, rcSubject?: string, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TpmError';
    this.code = code;
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) this[name] = value;
    }
  }
}

const FIELDS = ['suggestion', 'tpmRc', 'hresult', 'command', 'rcName', 'rcSubject'];

/**
 * The TpmError for a native error. Errors that are not the addon's own pass through.
 * @param {any} error
 */
export function fromNative(error) {
  if (error instanceof TpmError || typeof error?.code !== 'string') return error;
  const details = {};
  for (const field of FIELDS) details[field] = error[field];
  const result = new TpmError(error.code, error.message, details);
  // The native stack says nothing of the caller's code; the message line must stay first.
  Error.captureStackTrace?.(result, fromNative);
  return result;
}

/** A value as it may be shown: its kind and size, never its content. */
function shown(value) {
  if (value === null) return 'null';
  if (types.isUint8Array(value)) return `${value.length} bytes`;
  if (typeof value === 'string') return value.length <= 40 ? `'${value}'` : 'a long string';
  if (['number', 'bigint', 'boolean', 'undefined'].includes(typeof value)) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (value instanceof AbortSignal) return 'an AbortSignal itself';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * The same for arguments that carry octets, where a string may be somebody's password: what was
 * given is told by its kind alone.
 * @param {string} name
 * @param {string} expected
 * @param {unknown} given
 */
export function invalidOctets(name, expected, given) {
  const kind = ['string', 'number', 'bigint'].includes(typeof given)
    ? `a ${typeof given}`
    : shown(given);
  return new TpmError('INVALID_ARGUMENT', `${name}: expected ${expected}, given ${kind}`);
}

/**
 * INVALID_ARGUMENT that names the argument, what was expected and what was given.
 * @param {string} name
 * @param {string} expected
 * @param {unknown} given
 */
export function invalid(name, expected, given) {
  return new TpmError('INVALID_ARGUMENT', `${name}: expected ${expected}, given ${shown(given)}`);
}
