// Attestation: keys that cannot lie, quotes, credential activation, EKs; with tpm2-tools both ways.
import { createHash, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { makeCredential, parseAttest, parsePublic, verifyQuote } from 'node-tpm2/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import { expectNoLeaks, haveProgram, haveTools, toolsFor } from '../support/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const BANKS = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const NONCE = randomBytes(20);
/** What every AK of ours has: restricted, sign, noDA, userWithAuth, made here, bound to here. */
const AK_ATTRIBUTES = 0x50472;

describe('attestation keys', () => {
  test.each(['ecc', 'rsa'])('%s: restricted, bound to this TPM', async (algorithm) => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk({ algorithm });
    const area = parsePublic(ak.export().public);
    expect(area.attributesRaw).toBe(AK_ATTRIBUTES);
    expect(area.attributes).toMatchObject({ restricted: true, fixedTPM: true, decrypt: false });
    expect(area.authPolicy).toHaveLength(0);
    expect(area.type).toBe(algorithm);
    expect(area.name).toEqual(ak.name);
    expect(area.publicKeyDer).toEqual(ak.publicKeyDer);
  });

  test('the TPM refuses to sign the digest of a hand-made quote', async () => {
    const tpm = await context.open();
    for (const algorithm of ['ecc', 'rsa']) {
      const ak = await tpm.attest.provisionAk({ algorithm });
      const { message } = await ak.quote({ pcrSelection: [0], qualifyingData: NONCE });
      const forged = Buffer.from(message);
      forged[forged.length - 1] ^= 1;
      expect(forged.toString('latin1', 0, 4)).toBe('\xffTCG');
      const digest = createHash('sha256').update(forged).digest();
      const error = await errorOf(Tpm.signKeyBlob({ keyBlob: ak.export(), digest }));
      expect(error).toMatchObject({ command: 'TPM2_Sign', rcName: 'TPM_RC_TICKET' });
      await ak.close();
    }
  });
});

describe('quotes', () => {
  test.each(['ecc', 'rsa'])(
    '%s: verify in node:crypto and say what was asked',
    async (algorithm) => {
      const tpm = await context.open();
      const ak = await tpm.attest.provisionAk({ algorithm });
      const quote = await ak.quote({ pcrSelection: [0, 1, 7], qualifyingData: NONCE });
      expect(quote.hash).toBe('sha256');
      expect(quote.scheme).toBe(algorithm === 'ecc' ? 'ecdsa' : 'rsassa');
      expect(quote.signature).toHaveLength(algorithm === 'ecc' ? 64 : 256);
      const key = { key: ak.publicKey, dsaEncoding: 'ieee-p1363' };
      expect(verify('sha256', quote.message, key, quote.signature)).toBe(true);
      expect(quote).not.toHaveProperty('pcrs');

      const attest = parseAttest(quote.message);
      expect(attest.type).toBe('quote');
      expect(attest.extraData).toEqual(NONCE);
      expect(attest.quote.pcrSelect).toEqual({ sha256: [0, 1, 7] });
      const values = await tpm.pcr.read([0, 1, 7]);
      const concatenated = Buffer.from(Object.values(values).join(''), 'hex');
      expect(attest.quote.pcrDigest).toEqual(createHash('sha256').update(concatenated).digest());
    },
  );

  test.each(Object.keys(BANKS))('of the %s bank', async (bank) => {
    const tpm = await context.open();
    await tpm.pcr.extend(16, Buffer.alloc(BANKS[bank], 3), bank);
    const ak = await tpm.attest.provisionAk();
    const quote = await ak.quote({
      pcrSelection: [3, 16],
      bank,
      qualifyingData: NONCE,
      includePcrs: true,
    });
    expect(quote.pcrs).toEqual({ [bank]: await tpm.pcr.read([3, 16], bank) });
    const verdict = verifyQuote({ ...quote, akPublic: ak.export().public, qualifyingData: NONCE });
    expect(verdict.checks.filter((check) => check.ok === false)).toEqual([]);
    expect(verdict.ok).toBe(true);
  });

  test('of several banks and more than eight PCRs, with their values', async () => {
    const tpm = await context.open();
    const all = Array.from({ length: 24 }, (_, index) => index);
    const ak = await tpm.attest.provisionAk();
    const pcrSelection = { sha256: all, sha1: [0, 16], sha512: all };
    const quote = await ak.quote({ pcrSelection, qualifyingData: NONCE, includePcrs: true });
    expect(quote.pcrs).toEqual(await tpm.pcr.read(pcrSelection));
    const signed = { ...quote, akPublicKey: ak.publicKeyDer, qualifyingData: NONCE };
    expect(verifyQuote(signed).ok).toBe(true);
    quote.pcrs.sha1[16] = '11'.repeat(20);
    expect(verifyQuote({ ...signed, pcrs: quote.pcrs }).ok).toBe(false);
  });

  test('a repeated quote is one command', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const request = { pcrSelection: [0, 7], qualifyingData: NONCE };
    await ak.quote(request);
    expect((await recordCommands(() => ak.quote(request))).commands).toEqual(['TPM2_Quote']);
  });

  test('no nonce is no nonce', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const quote = await ak.quote({ pcrSelection: [0] });
    expect(parseAttest(quote.message).extraData).toHaveLength(0);
  });

  test('a flipped bit in any byte of message or signature is noticed', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const quote = await ak.quote({ pcrSelection: [0], qualifyingData: NONCE });
    const common = { akPublic: ak.export().public, qualifyingData: NONCE };
    expect(verifyQuote({ ...quote, ...common }).ok).toBe(true);
    for (const part of ['message', 'signature', 'signatureTpmt']) {
      for (let at = 0; at < quote[part].length; ++at) {
        const altered = Buffer.from(quote[part]);
        altered[at] ^= 1 << (at % 8);
        const bad = { ...quote, ...common, [part]: altered };
        if (part === 'signatureTpmt') bad.signature = altered;
        expect(verifyQuote(bad).ok, `${part}[${at}]`).toBe(false);
      }
    }
    expect(verifyQuote({ ...quote, ...common, qualifyingData: randomBytes(20) }).ok).toBe(false);
  });

  test('verifyQuote refuses a key that is not restricted', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const key = await tpm.keys.create({ type: 'ecc', hash: 'sha256' });
    const { message } = await ak.quote({ pcrSelection: [0], qualifyingData: NONCE });
    // What a thief of an application key can do, and must not get away with.
    const signature = await key.sign(createHash('sha256').update(message).digest());
    const verdict = verifyQuote({
      message,
      signature,
      akPublic: key.export().public,
      qualifyingData: NONCE,
    });
    expect(verdict.ok).toBe(false);
    expect(verdict.checks.find(({ name }) => name === 'restricted')).toMatchObject({ ok: false });
  });

  test.each(['ecc', 'rsa'])(
    '%s: by an ordinary key, which no verifier takes for more',
    async (type) => {
      const tpm = await context.open();
      const key = await tpm.keys.create({ type });
      const ak = await tpm.attest.load(key.export());
      const quote = await ak.quote({ pcrSelection: [0], qualifyingData: NONCE });
      expect(quote).toMatchObject({ scheme: type === 'ecc' ? 'ecdsa' : 'rsassa', hash: 'sha256' });
      const { ok, checks } = verifyQuote({
        ...quote,
        akPublic: key.export().public,
        qualifyingData: NONCE,
      });
      expect(checks.filter((check) => check.ok === false).map(({ name }) => name)).toEqual([
        'restricted',
      ]);
      expect(ok).toBe(false);
    },
  );

  test('by a key that does not sign, or is no key of this TPM', async () => {
    const tpm = await context.open();
    const rsa = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    const error = await errorOf(
      tpm.attest.quote({ akBlob: rsa.export(), pcrSelection: [0], qualifyingData: NONCE }),
    );
    expect(error.code).toBe('INVALID_ARGUMENT');
    const ak = await tpm.attest.provisionAk();
    const blob = ak.export();
    blob.private[30] ^= 1;
    const altered = await tpm.attest.load(blob);
    const refused = await errorOf(altered.quote({ pcrSelection: [0], qualifyingData: NONCE }));
    expect(refused).toMatchObject({ code: 'INTEGRITY' });
  });
});

describe('credential activation', () => {
  const secret = randomBytes(32);

  test.each([
    ['ecc', 'ecc'],
    ['ecc', 'rsa'],
    ['rsa', 'ecc'],
    ['rsa', 'rsa'],
  ])('%s AK by %s EK', async (algorithm, type) => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk({ algorithm });
    const ek = await tpm.attest.ek({ type });
    expect(ek).toMatchObject({ type, handle: null });
    for (const ekPublic of [ek.public, ek.publicKeyDer]) {
      const credential = makeCredential({ ekPublic, akName: ak.name, secret });
      expect(await ak.activateCredential(credential)).toEqual(secret);
      expect(await ak.activateCredential({ ...credential, ek: type })).toEqual(secret);
    }
    const other = { rsa: 'ecc', ecc: 'rsa' }[type];
    const contradicting = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    const { commands, result } = await recordCommands(() =>
      errorOf(ak.activateCredential({ ...contradicting, ek: other })),
    );
    expect(result.code).toBe('INVALID_ARGUMENT');
    expect(result.message).toMatch(/^ek: /);
    expect(commands).toEqual([]);
    // With the sizes before them, as TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
    const sized = (bytes) =>
      Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
    const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    const prefixed = {
      credentialBlob: sized(credential.credentialBlob),
      secret: sized(credential.secret),
    };
    expect(await ak.activateCredential(prefixed)).toEqual(secret);
    await ak.close();
  });

  test('for another key, or altered, it is not given out', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const ek = await tpm.attest.ek({ type: 'ecc' });
    const name = Buffer.from(ak.name);
    name[10] ^= 1;
    const forOther = makeCredential({ ekPublic: ek.public, akName: name, secret });
    expect((await errorOf(ak.activateCredential(forOther))).code).toBe('INTEGRITY');
    const good = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    for (const [part, at] of [
      ['credentialBlob', 5],
      ['credentialBlob', good.credentialBlob.length - 1],
      ['secret', good.secret.length - 1],
    ]) {
      const altered = { ...good, [part]: Buffer.from(good[part]) };
      altered[part][at] ^= 1;
      const error = await errorOf(ak.activateCredential(altered));
      expect(error.name).toBe('TpmError');
      expect(['INTEGRITY', 'TPM_RC', 'INVALID_ARGUMENT', 'AUTH_FAILED']).toContain(error.code);
    }
    expect(await ak.activateCredential(good)).toEqual(secret);
  });

  test('without parameter encryption too', async () => {
    const tpm = await context.open({ encrypt: false });
    const ak = await tpm.attest.provisionAk();
    const ek = await tpm.attest.ek({ type: 'rsa' });
    const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    expect(await ak.activateCredential(credential)).toEqual(secret);
  });
});

describe.skipIf(!haveProgram('swtpm_setup'))('a TPM with EK certificates', () => {
  let manufactured;
  let tools;
  beforeAll(async () => {
    manufactured = await startSwtpm({ ekCertificates: true });
    tools = haveTools() && toolsFor(manufactured);
  });
  afterAll(() => manufactured?.stop());

  test('the certificate is the one in NV, of the EK that is there', async () => {
    const tpm = await Tpm.open({ tcti: manufactured.tcti });
    try {
      const der = await tpm.attest.ekCertificate();
      expect(der).toEqual(manufactured.certificates.rsa);
      const certificate = new X509Certificate(der);
      expect(certificate.checkIssued(new X509Certificate(manufactured.certificates.issuer))).toBe(
        true,
      );
      const ek = await tpm.readPublic('0x81010001');
      expect(certificate.publicKey.equals(ek.publicKey)).toBe(true);
      const found = await tpm.attest.ek({ type: 'rsa' });
      expect(found.handle).toBe(0x81010001);
      expect(found.publicKey.equals(certificate.publicKey)).toBe(true);

      // The whole enrolment, from the certificate alone.
      const ak = await tpm.attest.provisionAk();
      const secret = randomBytes(16);
      const credential = makeCredential({ ekPublic: der, akName: ak.name, secret });
      expect(await ak.activateCredential(credential)).toEqual(secret);
      const spki = createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' }));
      const again = makeCredential({ ekPublic: spki, akName: ak.name, secret });
      expect(await ak.activateCredential(again)).toEqual(secret);
      await expect(tpm.nv.undefine('0x01c00002')).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      // What is in NV may be longer than the certificate; the bytes are the same.
      expect((await tpm.nv.read('0x01c00002')).subarray(0, der.length)).toEqual(der);
    } finally {
      await tpm.close();
    }
    await expectNoLeaks(manufactured);
    if (tools) {
      await tools.tpm2('nvread', ['0x01c00002', '-o', 'certificate']);
      expect(tools.read('certificate')).toEqual(manufactured.certificates.rsa);
    }
  });
});
