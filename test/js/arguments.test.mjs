// Where the check of arguments is easily too strict or too lax: what the types allow is taken, what a
// TPM would refuse anyway is not sent, and a closed handle is closed for everything.
import { createHash, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm({ once: true });
const DIGEST = createHash('sha256').update('x').digest();
const INDEX = '0x01800070';
const { signal } = new AbortController();
let tpm;
beforeAll(async () => {
  tpm = await context.open();
});

describe('undefined counts as absent', () => {
  const U = undefined;
  const calls = {
    info: () => tpm.info(U),
    capabilities: () => tpm.capabilities(U),
    clock: () => tpm.clock(U),
    'selfTest, call': () => tpm.selfTest(false, U),
    'selfTest, both': () => tpm.selfTest(U, U),
    readPublic: async () =>
      expect((await errorOf(tpm.readPublic('0x81000fff', U))).code).toBe('KEY_NOT_FOUND'),
    'random.bytes': () => tpm.random.bytes(8, U),
    'random.stir': () => tpm.random.stir(DIGEST, U),
    'pcr.read, bank': () => tpm.pcr.read([0], U),
    'pcr.read, call': () => tpm.pcr.read([0], 'sha256', U),
    'pcr.read, both': () => tpm.pcr.read([0], U, U),
    'pcr.read, bank left out before the call': () => tpm.pcr.read([0], U, { signal }),
    'pcr.read by bank': () => tpm.pcr.read({ sha256: [0] }, U),
    'pcr.extend': () => tpm.pcr.extend(16, DIGEST, U, U),
    'pcr.event': () => tpm.pcr.event(16, DIGEST, U),
    'pcr.reset': () => tpm.pcr.reset(16, U),
    'pcr.banks': () => tpm.pcr.banks(U),
    'lockout.status': () => tpm.lockout.status(U),
    'lockout.reset': () => tpm.lockout.reset(U),
    'attest.ekCertificate': () => tpm.attest.ekCertificate(U),
    'attest.ek': () => tpm.attest.ek(U),
    'keys.create': () => tpm.keys.create(U),
    'Tpm.randomBytes': () => Tpm.randomBytes(8, U),
    'Tpm.pcrRead': () => Tpm.pcrRead([0], 'sha256', U),
  };
  test.each(Object.keys(calls))('%s', async (name) => {
    await calls[name]();
  });

  test('nv', async () => {
    await tpm.nv.define({ handle: INDEX, size: 4, auth: U, attributes: U });
    try {
      await tpm.nv.write(INDEX, Buffer.from('data'), U, U, U, U);
      const data = Buffer.from('data');
      expect(await tpm.nv.read(INDEX, U, U, U, U, U)).toEqual(data);
      expect(await tpm.nv.read(INDEX, U)).toEqual(data);
      expect(await tpm.nv.read(INDEX, 1, 2, U, U, { signal })).toEqual(Buffer.from('at'));
      expect(await tpm.nv.readPublic(INDEX, U)).toMatchObject({ dataSize: 4 });
    } finally {
      await tpm.nv.undefine(INDEX, U, U);
    }
  });

  test('a bank of a selection', async () => {
    const both = await tpm.pcr.read({ sha1: [0], sha256: [0] });
    expect(await tpm.pcr.read({ sha1: U, sha256: [0] })).toEqual({ sha256: both.sha256 });
    for (const selection of [{ sha1: U }, { sha1: U, sha256: U }, { sha1: null, sha256: [0] }]) {
      const error = await errorOf(tpm.pcr.read(selection));
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(error.message).toMatch(/^selection/);
    }
    const blob = await tpm.seal.seal({ data: DIGEST, pcrSelection: { sha1: U, sha256: [7] } });
    expect(await tpm.seal.unseal(blob)).toEqual(DIGEST);
  });

  test('but not where an argument is required', async () => {
    const { commands } = await recordCommands(async () => {
      for (const call of [
        () => tpm.random.bytes(U, U),
        () => tpm.pcr.read(U, U, U),
        () => tpm.pcr.extend(16, U, U),
        () => tpm.nv.write(INDEX, U, U, U),
        () => tpm.readPublic(U, { signal }),
      ]) {
        expect((await errorOf(call())).code).toBe('INVALID_ARGUMENT');
      }
    });
    expect(commands).toEqual([]);
  });
});

describe('an auth value', () => {
  const uses = {
    'keys.create': (auth) => tpm.keys.create({ auth }),
    'Tpm.createKey': (auth) => Tpm.createKey({ auth }),
    'seal.seal': (auth) => tpm.seal.seal({ data: DIGEST, auth }),
    'nv.define': (auth) => tpm.nv.define({ handle: INDEX, size: 4, auth }),
  };
  test.each(Object.keys(uses))('longer than 32 bytes is not sent: %s', async (name) => {
    for (const size of [33, 64, 65]) {
      const { commands, result } = await recordCommands(() =>
        errorOf(uses[name](Buffer.alloc(size, 1))),
      );
      expect(result.code).toBe('INVALID_ARGUMENT');
      expect(result.message).toBe(
        `auth: expected at most 32 bytes without trailing zeros, given ${size} bytes`,
      );
      expect(commands).toEqual([]);
    }
  });

  test('is counted without its trailing zeros', async () => {
    const auth = randomBytes(32);
    auth[31] |= 1;
    const padded = Buffer.concat([auth, Buffer.alloc(50)]);
    const key = await tpm.keys.create({ auth: padded });
    expect(await key.sign(DIGEST, { auth })).toHaveLength(64);
    const blob = await tpm.seal.seal({ data: DIGEST, auth: padded });
    expect(await tpm.seal.unseal(blob, { auth })).toEqual(DIGEST);
    await tpm.nv.define({ handle: INDEX, size: 4, auth: padded });
    try {
      await tpm.nv.write(INDEX, Buffer.from('data'), 0, auth);
      expect(await tpm.nv.read(INDEX, 0, 4, padded)).toEqual(Buffer.from('data'));
    } finally {
      await tpm.nv.undefine(INDEX);
    }
  });

  test('longer than a key’s name algorithm is not sent', async () => {
    const key = await tpm.keys.create();
    const keyBlob = key.export();
    const auth = Buffer.alloc(33, 1);
    const { commands } = await recordCommands(async () => {
      for (const use of [
        () => tpm.keys.load(keyBlob, { auth }),
        () => key.sign(DIGEST, { auth }),
        () => Tpm.signKeyBlob({ keyBlob, digest: DIGEST, auth }),
      ]) {
        const error = await errorOf(use());
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        expect(error.message).toMatch(/^auth: expected at most 32 bytes/);
      }
    });
    expect(commands).toEqual([]);
  });

  test('of a hierarchy may be as long as the longest digest', async () => {
    const error = await errorOf(tpm.lockout.reset({ lockoutAuth: Buffer.alloc(65, 1) }));
    expect(error.message).toMatch(/^lockoutAuth: expected at most 64 bytes/);
    const auth = { owner: Buffer.concat([Buffer.alloc(64, 1), Buffer.alloc(9)]) };
    expect(await (await context.open({ auth })).random.bytes(1)).toHaveLength(1);
  });
});

describe('a cipher text of another size than the modulus', () => {
  test('is not sent', async () => {
    const key = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    const keyBlob = key.export();
    const { commands } = await recordCommands(async () => {
      for (const size of [1, 10, 255, 257, 300, 512]) {
        const cipher = Buffer.alloc(size, 1);
        for (const use of [
          () => key.decrypt(cipher),
          () => Tpm.decryptKeyBlob({ keyBlob, cipher }),
        ]) {
          const error = await errorOf(use());
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
          expect(error.message).toBe(`cipher: expected 256 bytes, given ${size} bytes`);
        }
      }
    });
    expect(commands).toEqual([]);
  });
});

describe('keys.create', () => {
  test.each([
    ['scheme', { sign: true, scheme: 'rsapss' }],
    ['hash', { sign: true, hash: 'sha384' }],
    ['scheme', { sign: false, scheme: 'rsassa' }],
    ['hash', { sign: false, hash: 'sha256' }],
  ])('refuses a %s beside decrypt: %j', async (name, options) => {
    const { commands, result } = await recordCommands(() =>
      errorOf(tpm.keys.create({ type: 'rsa', decrypt: true, ...options })),
    );
    expect(result.code).toBe('INVALID_ARGUMENT');
    expect(result.message).toMatch(new RegExp(`^${name}: expected nothing beside decrypt: true`));
    expect(commands).toEqual([]);
  });
});

describe('an AbortSignal in place of the options', () => {
  const calls = {
    info: () => tpm.info(signal),
    'random.bytes': () => tpm.random.bytes(8, signal),
    'keys.create': () => tpm.keys.create(signal),
    'attest.ekCertificate': () => tpm.attest.ekCertificate(signal),
    'Tpm.open': () => Tpm.open(signal),
  };
  test.each(Object.keys(calls))('%s', async (name) => {
    const error = await errorOf(calls[name]());
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toBe(
      'options: expected an object such as { signal }, given an AbortSignal itself',
    );
  });
});

describe('keys.load', () => {
  test('has no time limit, for it asks no TPM', async () => {
    const blob = (await tpm.keys.create()).export();
    for (const options of [{ timeout: -1 }, { timeout: 5 }, { signal: 5 }, { signal }]) {
      const error = await errorOf(tpm.keys.load(blob, options));
      expect(error.message).toMatch(
        /^options: expected no members but auth, given '(timeout|signal)'$/,
      );
    }
  });
});

describe('a closed handle', () => {
  test('is CLOSED for everything', async () => {
    const closed = await context.open();
    const key = await closed.keys.create();
    const ak = await closed.attest.provisionAk();
    await closed.close();
    for (const use of [
      () => closed.random.bytes(0),
      () => closed.random.bytes(1),
      () => closed.keys.load(key.export()),
      () => closed.attest.load(ak.export()),
      () => closed.info(),
      () => key.sign(DIGEST),
      () => ak.quote({ pcrSelection: [0] }),
    ]) {
      const error = await errorOf(use());
      expect(error).toMatchObject({ name: 'TpmError', code: 'CLOSED' });
      expect(error.suggestion).toMatch(/Tpm\.open/);
    }
    await key.close();
    await ak.close();
  });

  test('also for nothing at all: limits hold for random.bytes(0)', async () => {
    expect(await tpm.random.bytes(0)).toEqual(Buffer.alloc(0));
    const aborted = AbortSignal.abort();
    expect((await errorOf(tpm.random.bytes(0, { signal: aborted }))).code).toBe('ABORTED');
  });
});
