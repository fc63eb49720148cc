// What is no plain object holds no options, and what an object inherits is none: else a forgotten
// `await` makes a key without its password, and a polluted prototype turns encryption off.
import { Tpm } from 'node-tpm2';
import { verifyQuote } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const auth = Buffer.from('a password');
const data = Buffer.from('a secret');
const wrong = Buffer.alloc(34, 1);

const CALLS = {
  'keys.create': (tpm, wrap) => tpm.keys.create(wrap({ auth })),
  'seal.seal': (tpm, wrap) => tpm.seal.seal(wrap({ data, auth })),
  'Tpm.open': (_tpm, wrap) => Tpm.open(wrap({ parentName: wrong })),
  'Tpm.open, auth': (_tpm, wrap) => Tpm.open({ auth: wrap({ owner: auth }) }),
  'nv.define': (tpm, wrap) => tpm.nv.define(wrap({ handle: 0x01800001, size: 1, auth })),
};
class Options {
  constructor(members) {
    Object.assign(this, members);
  }
}
const WRAPS = {
  'a promise': (options) => Promise.resolve(options),
  'a Map': (options) => new Map(Object.entries(options)),
  'an instance': (options) => new Options(options),
  'what inherits them': (options) => Object.create(options),
};

describe.each(Object.keys(WRAPS))('%s', (wrap) => {
  test.each(Object.keys(CALLS))('is no options for %s', async (call) => {
    const tpm = await context.open();
    const { commands } = await recordCommands(async () => {
      const error = await errorOf(CALLS[call](tpm, WRAPS[wrap]));
      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(error.message).toMatch(/^(options|auth): expected a plain object/);
    });
    expect(commands).toEqual([]);
  });
});

test('an object without a prototype, and one of another realm, are', async () => {
  const tpm = await context.open();
  const bare = Object.assign(Object.create(null), { auth });
  expect((await tpm.keys.create(bare)).name).toHaveLength(34);
  const { runInNewContext } = await import('node:vm');
  const foreign = runInNewContext('({ type: "ecc", auth: new Uint8Array([1, 2, 3]) })');
  expect((await tpm.keys.create(foreign)).name).toHaveLength(34);
});

test('a polluted prototype changes nothing', async () => {
  const tpm = await context.open();
  const blob = await tpm.seal.seal({ data, auth });
  const polluted = { encrypt: false, tcti: 'device:/nonexistent', parentName: wrong, timeout: 1 };
  try {
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
    }
    const { events } = await recordCommands(async () => {
      const other = await Tpm.open();
      expect(await other.seal.unseal(blob, { auth })).toEqual(data);
      await other.close();
    });
    const unseal = events.find(({ command }) => command === 'TPM2_Unseal');
    expect(unseal.sessions).toMatch(/\+encrypt/);
  } finally {
    for (const name of Object.keys(polluted)) delete Object.prototype[name];
  }
});

test('null is not absent where it would take protection away', async () => {
  const tpm = await context.open();
  const ak = await tpm.attest.provisionAk();
  const quote = await ak.quote({ pcrSelection: [0], qualifyingData: data });
  const given = { ...quote, akPublic: ak.export().public, qualifyingData: data };
  const calls = {
    auth: [() => tpm.keys.create({ auth: null }), () => tpm.seal.seal({ data, auth: null })],
    parentName: [() => Tpm.open({ parentName: null })],
    encrypt: [() => Tpm.open({ encrypt: null })],
    pcrs: [async () => verifyQuote({ ...given, pcrs: null })],
    previous: [async () => verifyQuote({ ...given, previous: null })],
    akPublic: [async () => verifyQuote({ ...given, akPublic: null })],
  };
  for (const [name, each] of Object.entries(calls)) {
    for (const call of each) {
      const error = await errorOf(call());
      expect({ name, code: error.code }).toEqual({ name, code: 'INVALID_ARGUMENT' });
      expect(error.message).toContain(name);
    }
  }
});

test('what only looks like octets or a signal is refused', async () => {
  const tpm = await context.open();
  const octets = [new Proxy(new Uint8Array(4), {}), Object.create(Uint8Array.prototype)];
  for (const value of octets) {
    expect((await errorOf(tpm.keys.create({ auth: value }))).code).toBe('INVALID_ARGUMENT');
    expect((await errorOf(tpm.random.stir(value))).code).toBe('INVALID_ARGUMENT');
  }
  const signal = Object.create(AbortSignal.prototype);
  expect((await errorOf(tpm.clock({ signal }))).code).toBe('INVALID_ARGUMENT');
});
