// Attestation keys of the Platform Crypto Provider: provision, quote by another process, activate.
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { makeCredential, verifyCreation, verifyQuote } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { emulatedWindows } from '../lib/emulated_windows.mjs';
import {
  activateFor,
  as,
  joinProviderBlob,
  provision,
  quoteElsewhere,
  splitProviderBlob,
} from '../lib/provider.mjs';

const NONCE = randomBytes(20);
const SECRET = Buffer.from('000600112233445566778899aabbccdd', 'hex'); // begins like a TPM2B

const { control, calls, submitted } = await emulatedWindows();

function accepted(quote, akPublicDer) {
  const verdict = verifyQuote({ ...quote, akPublicKey: akPublicDer, qualifyingData: NONCE });
  expect(verdict).toMatchObject({ ok: true });
  return verdict;
}

const activate = (akBlob, options) => activateFor(akBlob, { secret: SECRET, ...options });

describe.each([
  ['user', 'PCP1', 'rsa'],
  ['user', 'PCP1', 'ecc'],
  ['machine', 'PCP2', 'rsa'],
  ['machine', 'PCP2', 'ecc'],
])('scope %s (%s), %s', (scope, magic, algorithm) => {
  test("is provisioned, quotes in a standard user's process, and activates when elevated", async () => {
    const keyName = `suite ${scope} ${algorithm} é`;
    const { akBlob, akPublicDer } = await provision({ scope, keyName, algorithm });
    const parts = splitProviderBlob(akBlob);
    expect(parts.magic).toBe(magic);
    expect(parts.keyName.toString()).toBe(keyName);
    expect(akBlob.private.length).toBe(0);

    const creation = verifyCreation({ binding: akBlob });
    expect(creation).toMatchObject({ ok: true, keyName, scope });
    expect(creation.public.publicKeyDer).toEqual(akPublicDer);
    expect(creation.public).toMatchObject({
      attributesRaw: 0x50472,
      authPolicy: Buffer.from(
        '9dffcbf36c383ae699fb9868dc6dcb89d7153884be2803922c124158bfad22ae',
        'hex',
      ),
    });

    const quote = await quoteElsewhere(akBlob, NONCE, '0');
    expect(quote.error).toBeUndefined();
    expect(quote.scheme).toBe(algorithm === 'rsa' ? 'rsassa' : 'ecdsa');
    expect(quote.hash).toBe(algorithm === 'rsa' ? 'sha256' : 'sha1');
    accepted(quote, akPublicDer);

    await expect(as('0', () => activate(akBlob))).rejects.toMatchObject({
      code: 'REQUIRES_ELEVATION',
      hresult: 0x80090030,
      suggestion: expect.stringContaining('elevated'),
    });
    expect(await activate(akBlob)).toEqual(SECRET);
  });
});

describe('provisioning', () => {
  test("a random name for a user's key", async () => {
    const first = splitProviderBlob((await provision()).akBlob);
    const second = splitProviderBlob((await provision()).akBlob);
    expect(first.keyName.toString()).toMatch(/^node-tpm2-ak-[0-9a-f]{64}$/);
    expect(second.keyName).not.toEqual(first.keyName);
  });

  test.each([
    ['property', 0x80090029],
    ['hash', 0x80090029],
    ['finalize', 0x80090029],
    ['finalize', 0x80090027],
  ])(
    'asks for SHA-256 and falls back to what an older Windows does (%s, %i)',
    async (schemeAt, schemeStatus) => {
      await control.change({ schemeProperties: false, schemeAt, schemeStatus });
      const { akBlob, akPublicDer } = await provision({ keyName: 'old Windows' });
      const quote = await quoteElsewhere(akBlob, NONCE, '0');
      expect(quote).toMatchObject({ scheme: 'rsassa', hash: 'sha1' });
      accepted(quote, akPublicDer);
      expect(await calls('NCryptFinalizeKey')).toHaveLength(schemeAt === 'property' ? 1 : 2);
    },
  );

  test('falls back once, and only from what was asked for', async () => {
    const refusing = (times) =>
      control.change({ rules: [{ fn: 'NCryptFinalizeKey', times, status: 0x80090029 }] });
    await refusing(2);
    const refused = { code: 'NOT_SUPPORTED', hresult: 0x80090029 };
    await expect(provision({ keyName: 'x' })).rejects.toMatchObject(refused);
    expect(await calls('NCryptFinalizeKey')).toHaveLength(2);
    await control.change({ schemeProperties: false });
    await refusing(1);
    await expect(provision({ keyName: 'x' })).rejects.toMatchObject(refused);
    expect(await calls('NCryptFinalizeKey')).toHaveLength(3);
    await expect(provision({ keyName: 'x', overwrite: false })).resolves.toBeDefined();
  });

  test.each([[true], [false]])(
    'replaces a key where the provider honours the flag: %s',
    async (overwriteHonoured) => {
      await control.change({ overwriteHonoured });
      const first = await provision({ keyName: 'again', overwrite: false });
      await expect(provision({ keyName: 'again', overwrite: false })).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        hresult: 0x8009000f,
        suggestion: expect.stringContaining('overwrite'),
      });
      const second = await provision({ keyName: 'again' });
      expect(second.akPublicDer).not.toEqual(first.akPublicDer);
      const created = (await calls('NCryptCreatePersistedKey')).map(({ flags }) => flags);
      expect(created).toEqual([0x40, 0x40, 0xc0]);
      // The first blob now names another key: the quote would be by the wrong one.
      const options = { akBlob: first.akBlob, pcrSelection: [0] };
      await expect(Tpm.quote(options)).rejects.toMatchObject({ code: 'INTEGRITY' });
      await expect(Tpm.quote({ ...options, akBlob: second.akBlob })).resolves.toBeDefined();
    },
  );

  test("machine keys have a name of their owner's choice", async () => {
    for (const keyName of [undefined, 'node-tpm2-ak-mine', 'a\\b']) {
      await expect(provision({ scope: 'machine', keyName })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('keyName'),
      });
    }
    expect(await calls('NCryptOpenStorageProvider')).toEqual([]);
  });

  test.each([
    ['create', 0x80090010],
    ['finalize', 0x80070005],
    ['finalize', 0x8009002d],
  ])('machine keys need elevation (refused at %s)', async (machineDeniedAt, status) => {
    await control.change({ machineDeniedAt, machineDeniedStatus: status });
    const keyName = 'only for administrators';
    await expect(as('0', () => provision({ scope: 'machine', keyName }))).rejects.toMatchObject({
      code: 'REQUIRES_ELEVATION',
      hresult: status,
    });
    await expect(provision({ scope: 'machine', keyName })).resolves.toBeDefined();
    // Nor may a standard user replace it.
    await expect(as('0', () => provision({ scope: 'machine', keyName }))).rejects.toMatchObject({
      code: 'REQUIRES_ELEVATION',
      hresult: status,
    });
    await expect(
      as('system', () => provision({ scope: 'machine', keyName })),
    ).resolves.toBeDefined();
  });

  test.each([
    [0, 0],
    ['absent', 0],
    [1, 0x80090011],
    [1, 0x80090027],
  ])(
    'machine keys need access rights (Security Descr Support: %s, status %i)',
    async (securityDescrSupport, status) => {
      const rule = { fn: 'NCryptGetProperty', property: 'Security Descr Support', status };
      await control.change({ securityDescrSupport, rules: status ? [rule] : [] });
      await expect(provision({ scope: 'machine', keyName: 'shared' })).rejects.toMatchObject({
        code: 'NOT_SUPPORTED',
      });
      expect(await calls('NCryptCreatePersistedKey')).toEqual([]);
    },
  );

  test.each([
    ['NCryptSetProperty', 'Length', 0x80090020, 'TRANSPORT_ERROR'],
    ['NCryptSetProperty', 'PCP_KEY_USAGE_POLICY', 0x80090020, 'TRANSPORT_ERROR'],
    ['NCryptFinalizeKey', undefined, 0x80090020, 'TRANSPORT_ERROR'],
    ['NCryptGetProperty', 'PCP_TPM12_IDBINDING', 0x80090020, 'TRANSPORT_ERROR'],
    ['NCryptGetProperty', 'PCP_TPM12_IDBINDING', 0x80090011, 'NOT_SUPPORTED'],
  ])('a failure of %s %s leaves no key and no handle', async (fn, property, status, code) => {
    await control.change({ rules: [{ fn, property, status }] });
    await expect(provision({ keyName: 'unlucky' })).rejects.toMatchObject({
      code,
      hresult: status,
      message: expect.stringContaining(fn),
    });
    await expect(provision({ keyName: 'unlucky', overwrite: false })).resolves.toBeDefined();
  });
});

describe('quoting', () => {
  test("goes through the provider's own context, once, with the key's own scheme", async () => {
    const { akBlob } = await provision({ keyName: 'quoted' });
    await control.clearLog();
    await Tpm.quote({ akBlob, pcrSelection: [0], qualifyingData: NONCE });
    const quotes = await submitted(0x158);
    expect(quotes).toHaveLength(1);
    const nonce = NONCE.toString('hex');
    expect(quotes[0].command).toContain(`0014${nonce}0010`);
  });

  test("a key that is gone, and another's", async () => {
    const { akBlob } = await provision({ keyName: 'short-lived' });
    await control.reset(); // keys too
    await expect(Tpm.quote({ akBlob, pcrSelection: [0] })).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
      hresult: 0x80090016,
    });
    // SYSTEM has a profile of its own.
    const mine = await provision({ keyName: 'mine' });
    expect(await quoteElsewhere(mine.akBlob, NONCE, 'system')).toMatchObject({
      error: { code: 'KEY_NOT_FOUND' },
    });
  });

  test("the TPM's own refusal arrives as such", async () => {
    const { akBlob } = await provision({ keyName: 'quoted' });
    await control.change({
      rules: [{ fn: 'Tbsip_Submit_Command', ordinal: 0x158, inBand: 0x802802d5 }],
    });
    await expect(Tpm.quote({ akBlob, pcrSelection: [0] })).rejects.toMatchObject({
      command: 'TPM2_Quote',
      tpmRc: 0x2d5,
      rcName: 'TPM_RC_SIZE',
    });
  });
});

describe('blobs', () => {
  test('one that is put together by hand is accepted; what is cut or changed is not', async () => {
    const { akBlob } = await provision({ keyName: 'by hand' });
    const parts = splitProviderBlob(akBlob);
    const made = joinProviderBlob(parts);
    expect(made).toEqual(akBlob);
    await expect(Tpm.quote({ akBlob: made, pcrSelection: [0] })).resolves.toBeDefined();

    await control.clearLog();
    const refused = (bytes) =>
      expect(
        Tpm.quote({ akBlob: { public: bytes, private: made.private }, pcrSelection: [0] }),
      ).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    for (let size = 4; size < made.public.length; size += 7) {
      await refused(made.public.subarray(0, size));
    }
    // All but the key's name, which names another key when it is changed.
    for (let at = 8 + parts.keyName.length; at < made.public.length; at += 5) {
      const changed = Buffer.from(made.public);
      changed[at] ^= 0x10;
      await refused(changed);
    }
    expect(await calls('NCryptOpenKey')).toEqual([]);
  });

  test('are refused where a plain key is wanted', async () => {
    const { akBlob } = await provision({ keyName: 'attests only' });
    const digest = createHash('sha256').digest();
    await expect(Tpm.signKeyBlob({ keyBlob: akBlob, digest })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(
      Tpm.decryptKeyBlob({ keyBlob: akBlob, cipher: Buffer.alloc(256, 1) }),
    ).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    const tpm = await Tpm.open();
    await expect(tpm.keys.load(akBlob)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    await tpm.close();
  });
});

describe('activation', () => {
  test.each([[0x80090030], [0x80280084]])(
    'both ways in which Windows refuses a standard user',
    async (userActivationStatus) => {
      await control.change({ userActivationStatus });
      const { akBlob } = await provision({ keyName: 'activated' });
      await expect(as('0', () => activate(akBlob))).rejects.toMatchObject({
        code: 'REQUIRES_ELEVATION',
        hresult: userActivationStatus,
      });
    },
  );

  test('happens once per call', async () => {
    const { akBlob } = await provision({ keyName: 'activated' });
    await control.clearLog();
    expect(await activate(akBlob)).toEqual(SECRET);
    const gets = (await calls('NCryptGetProperty')).filter(
      ({ property }) => property === 'PCP_TPM12_IDACTIVATION',
    );
    expect(gets).toHaveLength(1);
  });

  test("a credential for another key is the TPM's to refuse", async () => {
    const [one, other] = [
      await provision({ keyName: 'one' }),
      await provision({ keyName: 'other' }),
    ];
    const tpm = await Tpm.open();
    const ek = await tpm.attest.ek({ type: 'rsa' });
    const akName = (await tpm.attest.load(other.akBlob)).name;
    await tpm.close();
    const credential = makeCredential({ ekPublic: ek.public, akName, secret: SECRET });
    await expect(
      Tpm.activateCredential({ akBlob: one.akBlob, ...credential }),
    ).rejects.toMatchObject({ hresult: 0x802801df, rcName: 'TPM_RC_INTEGRITY' });
  });

  test('no other endorsement key can be asked for', async () => {
    const { akBlob } = await provision({ keyName: 'activated' });
    await expect(activate(akBlob, { ek: 0x81010001 })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });
});

describe('the provider', () => {
  test.each([
    [{ provider: 'missing' }, 'TPM_UNAVAILABLE', 0x8009001e],
    [{ provider: 'bad' }, 'TPM_UNAVAILABLE', 0x80090013],
    [{ providerReady: false }, 'TPM_UNAVAILABLE', 0x80090030],
  ])('%j', async (change, code, hresult) => {
    await control.change(change);
    await expect(provision({ keyName: 'x' })).rejects.toMatchObject({
      code,
      hresult,
      suggestion: expect.stringMatching(/./),
    });
    // All but attestation goes on.
    expect(await Tpm.randomBytes(8)).toHaveLength(8);
    expect(await Tpm.readEkCertificate()).toBeInstanceOf(Buffer);
  });
});

describe('the EK certificate', () => {
  test.each([
    ['1', {}, false],
    ['0', {}, true],
    ['0', { userEkCertificates: 'error' }, true],
    ['1', { ekCertificates: 'none' }, true],
    ['1', { ekCertificates: 'ecc' }, true],
    ['1', { ekCertificates: 'empty' }, true],
  ])('privileges %s, %j: from NV %s', async (elevated, change, fromNv) => {
    await control.change(change);
    const der = await as(elevated, () => Tpm.readEkCertificate());
    expect(new X509Certificate(der).publicKey.asymmetricKeyType).toBe('rsa');
    const reads = await submitted(0x14e);
    expect(reads.length > 0).toBe(fromNv);
  });
});
