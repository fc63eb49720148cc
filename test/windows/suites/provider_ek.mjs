// The endorsement key's public part, as Windows names it.
import { generateKeyPairSync } from 'node:crypto';
import { makeCredential } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { emulatedWindows } from '../lib/emulated_windows.mjs';
import { as } from '../lib/provider.mjs';

const CREATE_PRIMARY = 0x131;
const PERSISTENT = 0x81010001;

const { control, calls, submitted, open } = await emulatedWindows({ unusedRules: true });

const blocked = (ordinal) =>
  control.change({
    rules: [{ fn: 'Tbsip_Submit_Command', ordinal, times: 1000, inBand: 0x80280400 }],
  });
const withoutProperty = (property) =>
  control.change({
    rules: [{ fn: 'NCryptGetProperty', property, times: 1000, status: 0x80090029 }],
  });
const asked = async () => (await calls('NCryptGetProperty')).map(({ property }) => property);
const le32 = (...numbers) => {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * index);
  return bytes;
};
/** BCRYPT_RSAKEY_BLOB, by its documentation. */
const rsaBlob = (modulus) =>
  Buffer.concat([
    le32(0x31415352, 2048, 3, modulus.length, 0, 0),
    Buffer.from('010001', 'hex'),
    modulus,
  ]);
const modulusOf = (key) => Buffer.from(key.export({ format: 'jwk' }).n, 'base64url');

describe('ek()', () => {
  test.each([['0'], ['1']])('RSA: the persistent key, which Windows names (%s)', async (who) => {
    const tpm = await as(who, open);
    const ek = await as(who, () => tpm.attest.ek({ type: 'rsa' }));
    expect(ek.handle).toBe(PERSISTENT);
    expect(ek.publicKeyDer).toEqual((await tpm.readPublic(PERSISTENT)).publicKeyDer);
    expect(await asked()).toContain('PCP_RSA_EKPUB');
  });

  test('RSA: older names, and none', async () => {
    const tpm = await open();
    await withoutProperty('PCP_RSA_EKPUB');
    expect(await tpm.attest.ek({ type: 'rsa' })).toMatchObject({ handle: PERSISTENT });
    expect(await asked()).toEqual(['PCP_RSA_EKPUB', 'PCP_EKPUB']);
    await withoutProperty('PCP_EKPUB');
    expect(await tpm.attest.ek({ type: 'rsa' })).toMatchObject({ handle: PERSISTENT });
  });

  test('ECC: without the command that may be blocked, and the same key', async () => {
    const { attest } = await open();
    await withoutProperty('PCP_ECC_EKPUB');
    const made = await attest.ek({ type: 'ecc' });
    await control.reset();
    await blocked(CREATE_PRIMARY);
    const told = await attest.ek({ type: 'ecc' });
    expect(told.publicKeyDer).toEqual(made.publicKeyDer);
    expect(told.name).toEqual(made.name);
    expect(told.public).toEqual(made.public);
    expect(told.handle).toBeNull();
    expect(await submitted(CREATE_PRIMARY)).toEqual([]);
  });

  test("Windows' word counts where another key lies in the usual place", async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await control.change({ ekPublic: rsaBlob(modulusOf(publicKey)).toString('hex') });
    const ek = await (await open()).attest.ek({ type: 'rsa' });
    expect(ek.handle).toBeNull();
    expect(ek.publicKeyDer).toEqual(publicKey.export({ type: 'spki', format: 'der' }));
    // Its public area is whole: a credential can be made for it.
    const credential = makeCredential({
      ekPublic: ek.public,
      akName: Buffer.concat([Buffer.from([0, 11]), Buffer.alloc(32, 1)]),
      secret: Buffer.alloc(16),
    });
    expect(credential.secret.length).toBeGreaterThanOrEqual(256);
  });

  test.each([
    ['nothing', ''],
    ['a cut blob', rsaBlob(Buffer.alloc(256, 0xc1)).subarray(0, 100).toString('hex')],
    ['a key of another size', rsaBlob(Buffer.alloc(128, 0xc1)).toString('hex')],
  ])('the TPM is asked where Windows tells %s', async (_name, ekPublic) => {
    await control.change({ ekPublic: ekPublic || '00' });
    expect(await (await open()).attest.ek({ type: 'rsa' })).toMatchObject({ handle: PERSISTENT });
  });

  test('a missing provider does not matter', async () => {
    await control.change({ provider: 'missing' });
    const tpm = await open();
    expect(await tpm.attest.ek({ type: 'rsa' })).toMatchObject({ handle: PERSISTENT });
    expect((await tpm.attest.ek({ type: 'ecc' })).publicKey.asymmetricKeyType).toBe('ec');
  });
});
