// The base API, namespace and flat: every symbol of its index, shapes, sizes and defaults.
// Runs on a software TPM under Linux and, by test/windows, on TBS.
import {
  constants,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { AkHandle, KeyHandle, Tpm, TpmError, TpmHandle } from 'node-tpm2';
import { makeCredential, verifyQuote } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { errorOf, onWindows, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const DIGEST = createHash('sha256').update('a document').digest();
const INDEX = '0x01800031';
const PCR = 16;

const spki = (der) => createPublicKey({ key: der, format: 'der', type: 'spki' });
const verifies = (der, signature) =>
  verify(
    'sha256',
    Buffer.from('a document'),
    { key: spki(der), dsaEncoding: 'ieee-p1363' },
    signature,
  );
const oaep = (der, plain) =>
  publicEncrypt(
    { key: spki(der), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    plain,
  );
/** No byte of the answer may be what the heap held: two answers differ, and bytes are spread. */
function expectRandom(bytes, count) {
  expect(Buffer.isBuffer(bytes)).toBe(true);
  expect(bytes.length).toBe(count);
  // 32 uniform bytes have fewer than 20 distinct values with a chance below 1e-9.
  if (count >= 32) expect(new Set(bytes).size).toBeGreaterThan(Math.min(count, 60) / 2);
}

describe('the index of symbols', () => {
  const FLAT = [
    ...['isAvailable', 'open', 'getFixedProperties', 'info', 'randomBytes', 'pcrRead', 'pcrExtend'],
    ...['readPublic', 'readEkCertificate', 'quote', 'provisionAk', 'activateCredential'],
    ...['createKey', 'signKeyBlob', 'decryptKeyBlob', 'nvRead', 'nvWrite', 'nvReadPublic'],
    ...['nvDefine', 'nvUndefine', 'seal', 'unseal'],
  ];
  test.each(FLAT)('Tpm.%s', (name) => expect(typeof Tpm[name]).toBe('function'));

  const METHODS = [
    ...['info', 'readPublic', 'pcr.read', 'pcr.extend', 'random.bytes', 'nv.read', 'nv.write'],
    ...['nv.readPublic', 'nv.define', 'nv.undefine', 'keys.create', 'keys.load', 'seal.seal'],
    ...['seal.unseal', 'attest.ekCertificate', 'attest.provisionAk', 'attest.quote', 'close'],
    ...['capabilities', 'selfTest', 'clock', 'random.stir', 'pcr.event', 'pcr.reset', 'pcr.banks'],
    ...['attest.ek', 'attest.load'],
  ];
  test.each(METHODS)('TpmHandle.%s', async (path) => {
    const tpm = await context.open();
    const found = path.split('.').reduce((object, name) => object[name], tpm);
    expect(typeof found).toBe('function');
  });

  test.each(['export', 'sign', 'decrypt', 'close'])('KeyHandle.%s', (name) => {
    expect(typeof KeyHandle.prototype[name]).toBe('function');
  });
  test.each(['export', 'quote', 'activateCredential', 'close'])('AkHandle.%s', (name) => {
    expect(typeof AkHandle.prototype[name]).toBe('function');
  });
  test('asyncDispose of all handles', () => {
    for (const type of [TpmHandle, KeyHandle, AkHandle]) {
      expect(typeof type.prototype[Symbol.asyncDispose]).toBe('function');
    }
  });
});

describe('Tpm and TpmHandle', () => {
  test('a TPM is there', async () => {
    expect(await Tpm.isAvailable()).toBe(true);
    expect(await Tpm.isAvailable({ tcti: context.tcti })).toBe(true);
  });

  test('info, in its three forms', async () => {
    const tpm = await context.open();
    const info = await tpm.info();
    expect(info.manufacturer).toHaveLength(4);
    expect(info.firmwareVersion).toMatch(/^\d+(\.\d+)+$/);
    expect(info.isVirtual).toBe(true);
    expect(info.spec).toBe('2.0');
    if (!onWindows) expect(info.tcti).toBe(context.tcti);
    expect(info.pcrBanks).toContain('sha256');
    expect(info.curves).toContain('P-256');
    expect(info.rsaSizes).toContain(2048);
    expect(info.lockout).toMatchObject({ inLockout: false });
    expect(await Tpm.info()).toEqual(info);
    expect(await Tpm.getFixedProperties()).toEqual(info);
  });

  test('capabilities, self test and clock', async () => {
    const tpm = await context.open();
    const { algorithms, commands, eccCurves, pcrBanks, handles, properties } =
      await tpm.capabilities();
    expect(algorithms.find(({ name }) => name === 'sha256')).toMatchObject({
      id: 0x000b,
      attributes: ['hash'],
    });
    expect(commands.some((name) => /GetRandom$/.test(name))).toBe(true);
    expect(eccCurves).toContain('P-256');
    expect(pcrBanks.sha256).toContain(0);
    expect(Object.keys(handles).sort()).toEqual(['nv', 'persistent', 'sessions', 'transient']);
    expect(Object.keys(properties).length).toBeGreaterThan(20);
    expect(await tpm.selfTest()).toBeUndefined();
    const first = await tpm.clock();
    const second = await tpm.clock();
    expect(second.time).toBeGreaterThanOrEqual(first.time);
    expect(typeof first.safe).toBe('boolean');
  });

  test('random bytes of any count', async () => {
    const tpm = await context.open();
    expect(await tpm.random.bytes(0)).toEqual(Buffer.alloc(0));
    const seen = new Set();
    for (const count of [1, 31, 32, 48, 64, 65, 200, 1000]) {
      const bytes = await tpm.random.bytes(count);
      expectRandom(bytes, count);
      if (count >= 31) seen.add(bytes.toString('hex', 0, 31));
    }
    const flat = await Tpm.randomBytes(32);
    expectRandom(flat, 32);
    seen.add(flat.toString('hex', 0, 31));
    expect(seen.size).toBe(8);
    expect(await Tpm.randomBytes(0)).toEqual(Buffer.alloc(0));
    expect(await tpm.random.stir(randomBytes(300))).toBeUndefined();
  });

  test('PCRs: read and extend, sha256 by default', async () => {
    const tpm = await context.open();
    const values = await tpm.pcr.read([0, 7, PCR]);
    expect(Object.keys(values)).toEqual(['0', '7', String(PCR)]);
    for (const value of Object.values(values)) expect(value).toMatch(/^[0-9a-f]{64}$/);
    expect(await Tpm.pcrRead([0, 7, PCR])).toEqual(values);
    expect(await Tpm.pcrRead([0, 7, PCR], 'sha256')).toEqual(values);

    let expected = values[PCR];
    for (const extend of [() => tpm.pcr.extend(PCR, DIGEST), () => Tpm.pcrExtend(PCR, DIGEST)]) {
      expect(await extend()).toBeUndefined();
      expected = createHash('sha256').update(expected, 'hex').update(DIGEST).digest('hex');
      expect((await tpm.pcr.read([PCR]))[PCR]).toBe(expected);
    }
    await tpm.pcr.reset(PCR);
    expect((await tpm.pcr.read([PCR]))[PCR]).toBe('00'.repeat(32));
  });

  test('NV: define, write, read, readPublic, undefine, in both forms', async () => {
    const tpm = await context.open();
    const data = Buffer.from('0123456789abcdef');
    const forms = [
      tpm.nv,
      {
        define: Tpm.nvDefine,
        write: Tpm.nvWrite,
        read: Tpm.nvRead,
        readPublic: Tpm.nvReadPublic,
        undefine: Tpm.nvUndefine,
      },
    ];
    for (const nv of forms) {
      expect(await nv.define({ handle: INDEX, size: 16 })).toBeUndefined();
      try {
        expect(await nv.readPublic(INDEX)).toMatchObject({
          dataSize: 16,
          attributes: 0x02020002, // OWNERREAD, OWNERWRITE, NO_DA
        });
        expect(await nv.write(INDEX, data)).toBeUndefined();
        expect(await nv.read(INDEX)).toEqual(data);
        expect(await nv.read(Number(INDEX), 4, 3)).toEqual(Buffer.from('456'));
        await nv.write(INDEX.slice(2), Buffer.from('XY'), 14);
        expect(await nv.read(INDEX, 12)).toEqual(Buffer.from('cdXY'));
        expect((await nv.readPublic(INDEX)).attributes).toBe(0x22020002); // and WRITTEN
      } finally {
        expect(await nv.undefine(INDEX)).toBeUndefined();
      }
      await expect(nv.readPublic(INDEX)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
  });
});

describe('KeyHandle', () => {
  test('ECC: create, sign, export, load', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    expect(key).toBeInstanceOf(KeyHandle);
    const signature = await key.sign(DIGEST);
    expect(signature).toHaveLength(64);
    expect(verifies(key.publicKeyDer, signature)).toBe(true);
    expect(spki(key.publicKeyDer).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(key.publicKey.equals(spki(key.publicKeyDer))).toBe(true);
    expect(key.name).toHaveLength(34);

    const blob = key.export();
    expect(Object.keys(blob).sort()).toEqual(['private', 'public']);
    for (const part of Object.values(blob)) {
      expect(Buffer.isBuffer(part)).toBe(true);
      expect(part.readUInt16BE()).toBe(part.length - 2);
    }
    // name = nameAlg || H(TPMT_PUBLIC)
    const hashed = createHash('sha256').update(blob.public.subarray(2)).digest();
    expect(key.name).toEqual(Buffer.concat([Buffer.from([0, 0x0b]), hashed]));

    const restored = await tpm.keys.load(blob);
    expect(restored.publicKeyDer).toEqual(key.publicKeyDer);
    expect(verifies(key.publicKeyDer, await restored.sign(DIGEST))).toBe(true);
    await restored.close();
    await restored.close();
    expect(verifies(key.publicKeyDer, await restored.sign(DIGEST))).toBe(true);
  });

  test('what a handle gives out is the own memory of who asked', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    const before = { der: key.publicKeyDer, name: key.name, blob: key.export() };
    key.publicKeyDer.fill(0);
    key.name.fill(0);
    key.export().private.fill(0);
    expect({ der: key.publicKeyDer, name: key.name, blob: key.export() }).toEqual(before);
    const loaded = await tpm.keys.load(before.blob);
    before.blob.private.fill(0);
    expect(verifies(key.publicKeyDer, await loaded.sign(DIGEST))).toBe(true);
  });

  test('RSA: sign and decrypt', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'rsa', sign: true, decrypt: true });
    expect(spki(key.publicKeyDer).asymmetricKeyDetails).toEqual({
      modulusLength: 2048,
      publicExponent: 65537n,
    });
    const signature = await key.sign(DIGEST);
    expect(signature).toHaveLength(256);
    expect(verifies(key.publicKeyDer, signature)).toBe(true);
    const plain = Buffer.from('for this TPM only');
    expect(await key.decrypt(oaep(key.publicKeyDer, plain))).toEqual(plain);
  });

  test('flat: createKey, signKeyBlob, decryptKeyBlob', async () => {
    const ecc = await Tpm.createKey({ type: 'ecc' });
    expect(Object.keys(ecc).sort()).toEqual(['keyBlob', 'publicKeyDer']);
    const signature = await Tpm.signKeyBlob({ keyBlob: ecc.keyBlob, digest: DIGEST });
    expect(verifies(ecc.publicKeyDer, signature)).toBe(true);
    const byDefault = await Tpm.createKey();
    expect(spki(byDefault.publicKeyDer).asymmetricKeyType).toBe('ec');

    const rsa = await Tpm.createKey({ type: 'rsa', sign: false, decrypt: true });
    const plain = randomBytes(32);
    const cipher = oaep(rsa.publicKeyDer, plain);
    expect(await Tpm.decryptKeyBlob({ keyBlob: rsa.keyBlob, cipher })).toEqual(plain);
    const refused = await errorOf(Tpm.signKeyBlob({ keyBlob: rsa.keyBlob, digest: DIGEST }));
    expect(refused.code).toBe('INVALID_ARGUMENT');
  });
});

describe('seal', () => {
  test('namespace and flat, with and without PCRs', async () => {
    const tpm = await context.open();
    const secret = randomBytes(48);
    for (const more of [{}, { pcrSelection: [7] }]) {
      const blob = await tpm.seal.seal({ data: secret, ...more });
      expect(blob.toString('latin1', 0, 4)).toBe('SEAL');
      expect(blob.includes(secret)).toBe(false);
      expect(await tpm.seal.unseal(blob)).toEqual(secret);
      expect(await Tpm.unseal(blob)).toEqual(secret);
      expect(await tpm.seal.unseal(await Tpm.seal({ data: secret, ...more }))).toEqual(secret);
    }
  });
});

describe('attestation', () => {
  const PROVISION = { keyName: 'node-tpm2-base-test', overwrite: true };

  test('provision, quote, load, activate', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk(PROVISION);
    expect(ak).toBeInstanceOf(AkHandle);
    expect(spki(ak.publicKeyDer).asymmetricKeyType).toBe(onWindows ? 'rsa' : 'ec');
    const qualifyingData = randomBytes(20);
    const request = { pcrSelection: [0, 1, 7], qualifyingData };
    const akBlob = ak.export();
    const quotes = [
      await ak.quote(request),
      await tpm.attest.quote({ akBlob, ...request }),
      await Tpm.quote({ akBlob, ...request }),
      await (await tpm.attest.load(akBlob)).quote(request),
    ];
    for (const quote of quotes) {
      expect(Buffer.isBuffer(quote.message)).toBe(true);
      expect(quote.message.toString('latin1', 0, 4)).toBe('\xffTCG');
      expect(quote.signature).toHaveLength(onWindows ? 256 : 64);
      const verdict = verifyQuote({ ...quote, akPublicKey: ak.publicKeyDer, qualifyingData });
      expect(verdict).toMatchObject({ ok: true });
    }

    const ek = await tpm.attest.ek({ type: 'rsa' });
    const secret = randomBytes(32);
    const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    expect(await ak.activateCredential(credential)).toEqual(secret);
    expect(await Tpm.activateCredential({ akBlob, ...credential })).toEqual(secret);
    await ak.close();
  });

  test('flat provisionAk', async () => {
    const { akPublicDer, akBlob, ...rest } = await Tpm.provisionAk(PROVISION);
    expect(rest).toEqual({});
    expect(Object.keys(akBlob).sort()).toEqual(['private', 'public']);
    const qualifyingData = randomBytes(8);
    const quote = await Tpm.quote({ akBlob, pcrSelection: [0], qualifyingData });
    expect(verifyQuote({ ...quote, akPublicKey: akPublicDer, qualifyingData }).ok).toBe(true);
  });

  test('an EK certificate is DER or null', async () => {
    const tpm = await context.open();
    const [certificate, flat] = [await tpm.attest.ekCertificate(), await Tpm.readEkCertificate()];
    expect(flat).toEqual(certificate);
    if (!onWindows) expect(certificate).toBeNull();
    else expect(certificate?.[0]).toBe(0x30);
  });
});

describe('TpmError', () => {
  test('has what the TPM said', async () => {
    const tpm = await context.open();
    const error = await errorOf(tpm.readPublic('0x81ff0001'));
    expect(error).toBeInstanceOf(TpmError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TpmError',
      code: 'KEY_NOT_FOUND',
      command: 'TPM2_ReadPublic',
      rcName: 'TPM_RC_HANDLE',
      tpmRc: 0x18b,
    });
    expect(error.rcSubject).toMatch(/^handle 1/);
    expect(error.message).toContain('TPM2_ReadPublic');
    expect(error.suggestion).toMatch(/\w/);
    expect(error.stack).toContain('base.test.mjs');
  });

  test('can be made by hand', () => {
    const error = new TpmError('TIMEOUT', 'late', { suggestion: 'wait', cause: 1 });
    expect(error).toMatchObject({ code: 'TIMEOUT', message: 'late', suggestion: 'wait', cause: 1 });
    expect('tpmRc' in error).toBe(false);
  });
});

describe('closing', () => {
  test('close and asyncDispose are idempotent; use afterwards is CLOSED', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    const ak = await tpm.attest.provisionAk(PROVISION_FOR_CLOSE);
    await Promise.all([tpm.close(), tpm.close()]);
    await tpm.close();
    await tpm[Symbol.asyncDispose]();
    const uses = [
      () => tpm.info(),
      () => tpm.capabilities(),
      () => tpm.random.bytes(8),
      () => tpm.pcr.read([0]),
      () => tpm.nv.readPublic(INDEX),
      () => tpm.keys.create(),
      () => tpm.seal.seal({ data: DIGEST }),
      () => tpm.attest.provisionAk(PROVISION_FOR_CLOSE),
      () => key.sign(DIGEST),
      () => ak.quote({ pcrSelection: [0], qualifyingData: DIGEST }),
    ];
    for (const use of uses) {
      const error = await errorOf(use());
      expect(error).toBeInstanceOf(TpmError);
      expect(error.code).toBe('CLOSED');
      expect(error.suggestion).toMatch(/\w/);
    }
    // What needs no TPM still works, and closing a key of a closed handle is nothing.
    expect(key.publicKeyDer.length).toBeGreaterThan(0);
    await key.close();
    await ak[Symbol.asyncDispose]();
  });

  test("one handle's end is not another's", async () => {
    const [one, two] = [await context.open(), await context.open()];
    await one.close();
    expect(await two.random.bytes(4)).toHaveLength(4);
    expect(await Tpm.randomBytes(4)).toHaveLength(4);
  });

  test('what was queued on a closed handle is CLOSED, what ran is answered', async () => {
    const tpm = await context.open();
    const other = await context.open();
    await tpm.random.bytes(1);
    const pending = Array.from({ length: 20 }, () => tpm.keys.create({ type: 'ecc' }));
    const settled = Promise.allSettled(pending);
    await tpm.close();
    const codes = (await settled).map(({ status, reason }) => reason?.code ?? status);
    expect(new Set(codes).size).toBeLessThanOrEqual(2);
    expect(codes.at(-1)).toBe('CLOSED');
    for (const code of codes) expect(['CLOSED', 'fulfilled']).toContain(code);
    expect(await other.random.bytes(1)).toHaveLength(1);
  });
});

const PROVISION_FOR_CLOSE = { keyName: 'node-tpm2-base-test-close', overwrite: true };
