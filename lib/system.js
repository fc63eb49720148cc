// The TPM itself: identity, random numbers, PCRs, public areas.
import * as check from './arguments.js';
import { pcrRecord } from './attest.js';
import { keyObject } from './blobs.js';
import { invalid } from './errors.js';

/** Bytes that one call gives at most; each 64 cost a TPM command. */
const MAX_RANDOM = 1 << 20;
const MAX_EVENT = 1024;

const nothing = (args) => check.splitCallOptions(args, 0, 0).call;

export const info = async (connection, ...args) => connection.run('info', {}, nothing(args));
export const capabilities = async (connection, ...args) =>
  connection.run('capabilities', {}, nothing(args));
export const clock = async (connection, ...args) => connection.run('clock', {}, nothing(args));

export async function selfTest(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 0, 1);
  const [full] = positional;
  const request = { full: check.boolean('full', full ?? true) };
  return connection.run('selfTest', request, call);
}

export async function randomBytes(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 1);
  const [count] = positional;
  check.integer('count', count, 0, MAX_RANDOM);
  return connection.run('randomBytes', { count }, call);
}

export async function stir(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 1);
  const [data] = positional;
  const request = { data: check.bytes('data', data, { min: 1, max: MAX_RANDOM }) };
  return connection.run('stirRandom', request, call);
}

export async function pcrRead(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 2);
  const [selection, bank] = positional;
  const request = { selection: check.pcrSelection('selection', selection, bank) };
  const values = await connection.run('pcrRead', request, call);
  return pcrRecord(values, !Array.isArray(selection));
}

export async function pcrExtend(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 2, 3);
  const [index, digest, bankName] = positional;
  const bank = check.hash('bank', bankName ?? 'sha256');
  const size = check.HASH_SIZES[bank];
  const request = {
    index: check.pcrIndex('index', index),
    bank,
    digest: check.bytes('digest', digest, { min: size, max: size }),
  };
  return connection.run('pcrExtend', request, call);
}

export async function pcrEvent(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 2, 2);
  const [index, data] = positional;
  const request = {
    index: check.pcrIndex('index', index),
    data: check.bytes('data', data, { min: 1, max: MAX_EVENT }),
  };
  return connection.run('pcrEvent', request, call);
}

export async function pcrReset(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 1);
  const [index] = positional;
  return connection.run('pcrReset', { index: check.pcrIndex('index', index) }, call);
}

export const pcrBanks = async (connection, ...args) =>
  connection.run('pcrBanks', {}, nothing(args));

export async function readPublic(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 1);
  const [handle] = positional;
  const request = { handle: check.objectHandle('handle', handle) };
  const result = await connection.run('readPublic', request, call);
  if (result.publicKeyDer === null) {
    throw invalid('handle', 'a key pair: this object has no public key', request.handle);
  }
  return { ...result, publicKey: keyObject(result.publicKeyDer) };
}

const CONFIGURE_OPTIONS = ['maxTries', 'recoveryTime', 'lockoutRecovery', 'lockoutAuth'];

const lockoutAuth = (options) => check.optionalAuth('lockoutAuth', options.lockoutAuth);

/** tpm.lockout: dictionary-attack protection. */
export function lockoutNamespace(connection) {
  return {
    status: async (...args) => connection.run('lockoutStatus', {}, nothing(args)),
    async reset(value) {
      const options = check.callable(value, ['lockoutAuth']);
      const request = { lockoutAuth: lockoutAuth(options) };
      return connection.run('lockoutReset', request, check.callOptions(options));
    },
    async configure(value) {
      const options = check.callable(value, CONFIGURE_OPTIONS);
      const seconds = (name) => check.integer(name, options[name], 0, 0xffffffff);
      const request = {
        maxTries: check.integer('maxTries', options.maxTries, 1, 0xffffffff),
        recoveryTime: seconds('recoveryTime'),
        lockoutRecovery: seconds('lockoutRecovery'),
        lockoutAuth: lockoutAuth(options),
      };
      return connection.run('lockoutConfigure', request, check.callOptions(options));
    },
  };
}

export function pcrNamespace(connection) {
  return {
    read: (...args) => pcrRead(connection, ...args),
    extend: (...args) => pcrExtend(connection, ...args),
    event: (...args) => pcrEvent(connection, ...args),
    reset: (...args) => pcrReset(connection, ...args),
    banks: (...args) => pcrBanks(connection, ...args),
  };
}

export function randomNamespace(connection) {
  return {
    bytes: (...args) => randomBytes(connection, ...args),
    stir: (...args) => stir(connection, ...args),
  };
}
