// node-tpm2/verifier without any TPM: a real Windows key, quotes of software keys, arguments, and
// platforms without a native part.

import { execFile } from 'node:child_process';
import { createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import {
  makeCredential,
  parseAttest,
  parseCredential,
  parsePublic,
  TpmError,
  verifyCreation,
  verifyQuote,
} from '../../verifier.js';

const root = path.resolve(import.meta.dirname, '../..');
const kFixture = path.join(root, '../shared/vectors/pcp/windows_gcp_shielded_vm.json');
const kSha1 = 3; // Go's crypto.Hash
const kNone = Buffer.alloc(0);

/** A name a check failed or passed by: `{ magic: true, ... }`. */
const outcome = (verdict) => Object.fromEntries(verdict.checks.map(({ name, ok }) => [name, ok]));
const reasonOf = (verdict, name) => verdict.checks.find((check) => check.name === name).reason;
const flipped = (bytes, at, mask = 1) => {
  const copy = Buffer.from(bytes);
  copy[at] ^= mask;
  return copy;
};
const u16 = (value) => Buffer.from([value >> 8, value & 0xff]);
const sized = (bytes) => Buffer.concat([u16(bytes.length), bytes]);

/** What `call` throws: a TpmError with this code whose message names the argument. */
function expectRefusal(call, argument, code = 'INVALID_ARGUMENT') {
  let thrown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TpmError);
  expect(thrown.code).toBe(code);
  expect(thrown.message).toContain(argument);
}

/** TPMS_ATTEST of a quote of sha256:0, with the PCR's value 32 x 0x00. */
function softwareQuote({ nonce = 'nonce', reset = 1, clock = 1000 } = {}) {
  const digest = '66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925';
  const counters = Buffer.alloc(17);
  counters.writeBigUInt64BE(BigInt(clock), 0);
  counters.writeUInt32BE(reset, 8);
  counters[16] = 1;
  return Buffer.concat([
    Buffer.from('ff5443478018', 'hex'),
    sized(Buffer.from(`000b${'ab'.repeat(32)}`, 'hex')),
    sized(Buffer.from(nonce)),
    counters,
    Buffer.from('fedcba9876543210', 'hex'),
    Buffer.from('00000001000b03010000', 'hex'),
    sized(Buffer.from(digest, 'hex')),
  ]);
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sign = (message, dsaEncoding = 'ieee-p1363') =>
  createSign('sha256').update(message).sign({ key: privateKey, dsaEncoding });

/** Arguments of a quote that verifies. */
function goodQuote(options) {
  const message = softwareQuote(options);
  return {
    message,
    signature: sign(message),
    akPublicKey: publicKey,
    qualifyingData: Buffer.from('nonce'),
    pcrs: { sha256: { 0: '00'.repeat(32) } },
  };
}

describe('verifyQuote', () => {
  it('says what it checked', () => {
    const verdict = verifyQuote(goodQuote());
    expect(verdict.ok).toBe(true);
    expect(outcome(verdict)).toEqual({
      magic: true,
      type: true,
      signature: true,
      nonce: true,
      pcrs: true,
      restricted: null,
      fixedTPM: null,
      rollback: null,
    });
    expect(reasonOf(verdict, 'restricted')).toBe('not checked');
    expect('reason' in verdict.checks[0]).toBe(false);
    expect(verdict.attest).toEqual({
      type: 'quote',
      qualifiedSigner: Buffer.from(`000b${'ab'.repeat(32)}`, 'hex'),
      extraData: Buffer.from('nonce'),
      clockInfo: { clock: 1000, resetCount: 1, restartCount: 0, safe: true },
      firmwareVersion: '0xfedcba9876543210',
      quote: { pcrSelect: { sha256: [0] }, pcrDigest: expect.any(Buffer) },
    });
    expect(verdict.attest).toEqual(parseAttest(goodQuote().message));
  });

  it('takes keys and signatures in every form', () => {
    const good = goodQuote();
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const raw = sign(good.message);
    const tpmt = Buffer.concat([
      Buffer.from('0018000b', 'hex'),
      sized(raw.subarray(0, 32)),
      sized(raw.subarray(32)),
    ]);
    for (const akPublicKey of [der, new Uint8Array(der), pem, Buffer.from(pem), publicKey]) {
      expect(verifyQuote({ ...good, akPublicKey }).ok).toBe(true);
    }
    for (const signature of [raw, tpmt, sign(good.message, 'der')]) {
      expect(verifyQuote({ ...good, signature }).ok).toBe(true);
    }
    const pcrs = { sha256: { 0: Buffer.alloc(32) } };
    expect(verifyQuote({ ...good, pcrs }).ok).toBe(true);
  });

  it('gives a verdict, never a throw, for what does not parse', () => {
    const good = goodQuote();
    for (const message of [kNone, Buffer.alloc(1000, 0xff), good.message.subarray(1)]) {
      const verdict = verifyQuote({ ...good, message });
      expect(verdict.ok).toBe(false);
      expect(verdict.attest).toBeNull();
    }
    for (const signature of [kNone, Buffer.alloc(64), Buffer.alloc(5000, 0x30)]) {
      const verdict = verifyQuote({ ...good, signature });
      expect(outcome(verdict)).toMatchObject({ magic: true, signature: false, nonce: true });
      expect(verdict.ok).toBe(false);
    }
  });

  it('compares with a previous quote, as bytes, record or JSON', () => {
    const good = goodQuote({ reset: 5, clock: 5000 });
    const older = softwareQuote({ reset: 4, clock: 9000 });
    const newer = softwareQuote({ reset: 5, clock: 5001 });
    const forms = (message) => [
      message,
      parseAttest(message),
      JSON.parse(JSON.stringify(parseAttest(message))),
    ];
    for (const previous of forms(older)) {
      // The clock went back over a reset, but says that it is safe.
      const verdict = verifyQuote({ ...good, previous });
      expect(reasonOf(verdict, 'rollback')).toMatch(/clock/);
    }
    for (const previous of forms(newer)) {
      const verdict = verifyQuote({ ...good, previous });
      expect(verdict.ok).toBe(false);
      expect(reasonOf(verdict, 'rollback')).toMatch(/clock/);
    }
    for (const previous of forms(softwareQuote({ reset: 4, clock: 4000 }))) {
      expect(verifyQuote({ ...good, previous }).ok).toBe(true);
    }
  });

  it('throws for bad arguments and names them', () => {
    const good = goodQuote();
    const kBad = {
      message: ['text', undefined, null, [1]],
      signature: ['text', undefined],
      qualifyingData: [undefined, 'nonce'],
      akPublicKey: [undefined, '', 'no key', Buffer.from('no key'), privateKey, 7, kNone],
      akPublic: [kNone, 'text', Buffer.alloc(40), publicKey],
      pcrs: [
        [],
        'text',
        { 0: '00' },
        { md5: {} },
        { sha256: [] },
        { sha256: { 0: '00' } },
        { sha256: { x: '00'.repeat(32) } },
        { sha256: { 256: '00'.repeat(32) } },
        { sha256: { 0: 'g0'.repeat(32) } },
      ],
      previous: [
        'text',
        {},
        kNone,
        good.message.subarray(1),
        { ...parseAttest(good.message), firmwareVersion: '1' },
        { ...parseAttest(good.message), clockInfo: {} },
        { ...parseAttest(good.message), qualifiedSigner: 'text' },
      ],
      scheme: ['rsa', 1],
      hash: ['md5', 1],
    };
    for (const [argument, values] of Object.entries(kBad)) {
      for (const value of values) {
        expectRefusal(() => verifyQuote({ ...good, [argument]: value }), argument);
      }
    }
    expectRefusal(() => verifyQuote('text'), 'options');
    expectRefusal(() => verifyQuote(), 'message');
  });
});

describe('arguments of the others', () => {
  const name = Buffer.from(`000b${'00'.repeat(32)}`, 'hex');
  const good = { ekPublic: publicKey, akName: name, secret: Buffer.alloc(32) };

  it('makeCredential', () => {
    const made = makeCredential(good);
    expect(made).toEqual({ credentialBlob: expect.any(Buffer), secret: expect.any(Buffer) });
    expect(made.credentialBlob.length).toBe(2 + 32 + 2 + 32);
    expect(makeCredential({ ...good, akName: sized(name) }).secret.length).toBe(68);
    const kBad = {
      ekPublic: [undefined, kNone, 'no key', Buffer.from('no key'), Buffer.alloc(9), privateKey],
      akName: [undefined, 'text', kNone, name.subarray(1), Buffer.alloc(32), Buffer.alloc(34)],
      secret: [undefined, 'text', kNone, Buffer.alloc(33)],
    };
    for (const [argument, values] of Object.entries(kBad)) {
      for (const value of values) {
        expectRefusal(() => makeCredential({ ...good, [argument]: value }), argument);
      }
    }
  });

  it('parseAttest, parsePublic, parseCredential', () => {
    for (const value of [undefined, 'text', kNone, Buffer.alloc(64)]) {
      expectRefusal(() => parseAttest(value), 'attest');
      expectRefusal(() => parsePublic(value), 'public');
      expectRefusal(() => parseCredential(value), 'credential');
    }
    const { credentialBlob, secret } = makeCredential(good);
    const plain = Buffer.concat([sized(credentialBlob), sized(secret)]);
    expect(parseCredential(plain)).toEqual({ credentialBlob, secret });
  });
});

describe.skipIf(!fs.existsSync(kFixture))('a real Windows key, of ../shared/vectors', () => {
  const { AK, Quote, Log } = JSON.parse(fs.existsSync(kFixture) ? fs.readFileSync(kFixture) : '{}');
  const bytes = (text) => Buffer.from(text, 'base64');
  const pcrs = () => ({
    sha1: Object.fromEntries(
      Log.PCRs.filter(({ DigestAlg }) => DigestAlg === kSha1).map(({ Index, Digest }) => [
        Index,
        bytes(Digest).toString('hex'),
      ]),
    ),
  });
  const quote = () => ({
    message: bytes(Quote.Quote),
    signature: bytes(Quote.Signature),
    akPublic: bytes(AK.Public),
    qualifyingData: kNone,
    pcrs: pcrs(),
  });
  const parts = () => ({
    public: bytes(AK.Public),
    creationData: bytes(AK.CreateData),
    message: bytes(AK.CreateAttestation),
    signature: bytes(AK.CreateSignature),
  });

  it('has quoted its PCRs', () => {
    const verdict = verifyQuote(quote());
    expect(outcome(verdict)).toMatchObject({ pcrs: true, restricted: true, fixedTPM: true });
    expect(verdict.ok).toBe(true);
    expect(reasonOf(verdict, 'signature')).toMatch(/SHA-1/);
    expect(verifyQuote({ ...quote(), hash: 'sha256' }).ok).toBe(false);
  });

  it('has not quoted anything else', () => {
    const good = quote();
    for (let at = 0; at < good.message.length; at++) {
      expect(verifyQuote({ ...good, message: flipped(good.message, at) }).ok).toBe(false);
    }
    for (let at = 0; at < good.signature.length; at++) {
      expect(verifyQuote({ ...good, signature: flipped(good.signature, at) }).ok).toBe(false);
    }
    for (const index of Object.keys(good.pcrs.sha1)) {
      const sha1 = { ...good.pcrs.sha1, [index]: '01'.repeat(20) };
      expect(outcome(verifyQuote({ ...good, pcrs: { sha1 } })).pcrs).toBe(false);
    }
    const message = verifyQuote({ ...good, message: parts().message });
    expect(outcome(message)).toMatchObject({ type: false, signature: false });
  });

  it('was made by a TPM', () => {
    const verdict = verifyCreation(parts());
    expect(verdict.ok).toBe(true);
    expect(outcome(verdict)).toEqual({
      magic: true,
      type: true,
      signature: true,
      nonce: null,
      name: true,
      creationData: true,
      restricted: true,
      fixedTPM: true,
    });
    expect(verdict.creation).toMatchObject({ locality: 1, parentNameAlg: 'sha256' });
    expect(verdict.public.attributes).toMatchObject({ restricted: true, decrypt: false });
    const key = createPublicKey({ key: verdict.public.publicKeyDer, format: 'der', type: 'spki' });
    expect(verdict.public.publicKey.equals(key)).toBe(true);
    expect(verifyCreation({ ...parts(), qualifyingData: kNone }).ok).toBe(true);
    expect(verifyCreation({ ...parts(), qualifyingData: Buffer.alloc(20) }).ok).toBe(false);
  });

  it('comes as IDBINDING and as an attestation key blob', () => {
    const { public: area, creationData, message, signature } = parts();
    const binding = Buffer.concat([sized(area), sized(creationData), sized(message), signature]);
    expect(verifyCreation({ binding }).ok).toBe(true);
    const field = (data) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(data.length);
      return Buffer.concat([size, data]);
    };
    const fields = [Buffer.from('my-ak'), area, creationData, message, signature].map(field);
    const blob = { public: Buffer.concat([Buffer.from('PCP2'), ...fields]), private: kNone };
    for (const given of [blob, blob.public]) {
      expect(verifyCreation({ binding: given })).toMatchObject({
        ok: true,
        keyName: 'my-ak',
        scope: 'machine',
      });
    }
    for (let at = 0; at < binding.length; at++) {
      let ok;
      try {
        ({ ok } = verifyCreation({ binding: flipped(binding, at) }));
      } catch (error) {
        ({ code: ok } = error);
      }
      expect([false, 'INVALID_ARGUMENT']).toContain(ok);
    }
    expectRefusal(() => verifyCreation({ binding, public: area }), 'public');
    expectRefusal(() => verifyCreation({}), 'public');
    const old = Buffer.concat([Buffer.from([1, 1, 0, 0]), Buffer.alloc(60)]);
    expectRefusal(() => verifyCreation({ binding: old }), 'TPM 1.2', 'NOT_SUPPORTED');
  });
});

describe('without a native part', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-verifier-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const errorsOn = async (platform) => {
    for (const file of ['verifier.js', 'native.cjs', 'package.json', 'lib']) {
      fs.cpSync(path.join(root, file), path.join(folder, file), { recursive: true });
    }
    const program = `
      Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });
      const verifier = await import('./verifier.js');
      const bytes = Buffer.alloc(64);
      const signed = { message: bytes, signature: bytes, akPublicKey: bytes };
      // Arguments that are right: only then is the absence the first thing that is wrong.
      const calls = {
        parseAttest: [bytes],
        parsePublic: [bytes],
        parseCredential: [bytes],
        makeCredential: [{ ekPublic: bytes, akName: bytes, secret: bytes }],
        verifyQuote: [{ ...signed, qualifyingData: bytes }],
        verifyCreation: [{ ...signed, public: bytes, creationData: bytes }],
      };
      const errors = {};
      for (const name of Object.keys(verifier)) {
        if (name === 'TpmError') continue;
        try {
          verifier[name](...calls[name]);
        } catch ({ code, message }) {
          errors[name] = [code, message];
        }
      }
      console.log(JSON.stringify(errors));`;
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    return JSON.parse(stdout);
  };

  const FUNCTIONS = [
    ...['makeCredential', 'parseAttest', 'parseCredential', 'parsePublic'],
    ...['verifyCreation', 'verifyQuote'],
  ];

  it('says on a Mac that it is not for Macs', async () => {
    const errors = await errorsOn('darwin');
    expect(Object.keys(errors).sort()).toEqual(FUNCTIONS);
    for (const [code, message] of Object.values(errors)) {
      expect(code).toBe('NOT_SUPPORTED');
      expect(message).toMatch(/^The verifier of node-tpm2 runs on Linux and Windows only.*\.$/);
    }
  });

  it('says on Linux what is missing', async () => {
    const errors = await errorsOn('linux');
    expect(Object.keys(errors).sort()).toEqual(FUNCTIONS);
    for (const [code] of Object.values(errors)) expect(code).toBe('TPM_UNAVAILABLE');
  });
});
