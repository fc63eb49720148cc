// Every status that the Platform Crypto Provider is known to answer with: what reaches the caller.
import { generateKeyPairSync } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { emulatedWindows } from '../lib/emulated_windows.mjs';
import { activateFor, as, provision } from '../lib/provider.mjs';

const { control } = await emulatedWindows();
const quote = (akBlob) => Tpm.quote({ akBlob, pcrSelection: [0] });
const answering = (fn, status, more = {}) => control.change({ rules: [{ fn, status, ...more }] });
const told = (code, hresult) => ({
  code,
  hresult,
  suggestion: expect.stringMatching(/./),
  message: expect.stringContaining('Platform Crypto Provider'),
});
const hex = (number) => `0x${number.toString(16).padStart(8, '0')}`;
const named = (rows) => rows.map(([status, code, ...rest]) => [hex(status), code, status, ...rest]);

describe('a status', () => {
  test.each(
    named([
      [0x80090011, 'KEY_NOT_FOUND'],
      [0x80090016, 'KEY_NOT_FOUND'],
      [0x8009000d, 'KEY_NOT_FOUND'],
      [0x8009000f, 'ALREADY_EXISTS'],
      [0x80090010, 'ACCESS_DENIED'],
      [0x80070005, 'ACCESS_DENIED'],
      [0x00000005, 'ACCESS_DENIED'],
      [0x80090030, 'TPM_UNAVAILABLE'],
      [0x80090035, 'TPM_UNAVAILABLE'],
      [0x8009001d, 'TPM_UNAVAILABLE'],
      [0x8009001e, 'TPM_UNAVAILABLE'],
      [0x80090013, 'TPM_UNAVAILABLE'],
      [0x80090029, 'NOT_SUPPORTED'],
      [0x80090009, 'TRANSPORT_ERROR'],
      [0x8009000b, 'TRANSPORT_ERROR'],
      [0x80090027, 'INVALID_ARGUMENT'],
      [0x80090025, 'INVALID_ARGUMENT'],
      [0x80090026, 'TRANSPORT_ERROR'],
      [0x80090028, 'TRANSPORT_ERROR'],
      [0x80090022, 'ACCESS_DENIED'],
      [0x80090036, 'ACCESS_DENIED'],
      [0x8009002d, 'TRANSPORT_ERROR'],
      [0x80090020, 'TRANSPORT_ERROR'],
      [0x80290401, 'TPM_UNAVAILABLE'],
      [0x80290402, 'TRANSPORT_ERROR'],
      [0x80290403, 'INVALID_ARGUMENT'],
      [0x80290404, 'TRANSPORT_ERROR'],
      [0x80290405, 'NOT_SUPPORTED'],
      [0x80290406, 'TRANSPORT_ERROR'],
      [0x80290407, 'TRANSPORT_ERROR'],
      [0x80290408, 'AUTH_FAILED'],
      [0x80290409, 'TRANSPORT_ERROR'],
      [0x8029040a, 'NOT_SUPPORTED'],
      [0x8029040b, 'KEY_NOT_FOUND'],
      [0x8029040c, 'INTEGRITY'],
      [0x80280400, 'COMMAND_BLOCKED'],
      [0x80280401, 'TPM_RC'],
      [0x80284010, 'TPM_UNAVAILABLE'],
      [0x8028400f, 'TPM_UNAVAILABLE'],
      [0x80090099, 'TRANSPORT_ERROR'],
    ]),
  )('%s is %s', async (_name, code, status) => {
    const { akBlob } = await provision({ keyName: 'refused' });
    await answering('NCryptOpenKey', status);
    await expect(quote(akBlob)).rejects.toMatchObject(told(code, status));
    await expect(quote(akBlob)).resolves.toBeDefined();
  });

  test("with the TPM's response code tells that too; Windows' own is none", async () => {
    const { akBlob } = await provision({ keyName: 'refused' });
    await answering('NCryptOpenKey', 0x80280084);
    await expect(quote(akBlob)).rejects.toMatchObject({
      hresult: 0x80280084,
      tpmRc: 0x84,
      rcName: 'TPM_RC_VALUE',
    });
    await answering('NCryptOpenKey', 0x80280401);
    const error = await quote(akBlob).catch((caught) => caught);
    expect(error).toMatchObject({ hresult: 0x80280401, rcName: 'TPM_E_INVALID_HANDLE' });
    expect(error.tpmRc).toBeUndefined();
  });

  test('is what the property answered, not what we think of it', async () => {
    const { akBlob } = await provision({ keyName: 'busy' });
    for (const nth of [1, 2]) {
      await answering('NCryptGetProperty', 0x80090030, { property: 'PCP_PLATFORMHANDLE', nth });
      await expect(quote(akBlob)).rejects.toMatchObject({
        ...told('TPM_UNAVAILABLE', 0x80090030),
        message: expect.stringContaining('PCP_PLATFORMHANDLE'),
      });
    }
    await answering('NCryptGetProperty', 0x80090030, { property: 'Security Descr Support' });
    await expect(provision({ scope: 'machine', keyName: 'busy' })).rejects.toMatchObject(
      told('TPM_UNAVAILABLE', 0x80090030),
    );
  });
});

describe('a standard user', () => {
  test.each([[0x80280400], [0x80090010], [0x80290401]].map(([status]) => [hex(status), status]))(
    'who activates and is answered %s needs elevation',
    async (_name, status) => {
      const { akBlob } = await provision({ keyName: 'activated' });
      await control.change({ userActivationStatus: status });
      await expect(as('0', () => activateFor(akBlob))).rejects.toMatchObject({
        ...told('REQUIRES_ELEVATION', status),
        suggestion: expect.stringContaining('elevated'),
      });
    },
  );

  test('an administrator who is answered the same is not sent for elevation', async () => {
    const { akBlob } = await provision({ keyName: 'activated' });
    const property = 'PCP_TPM12_IDACTIVATION';
    await answering('NCryptGetProperty', 0x80280400, { property });
    await expect(activateFor(akBlob)).rejects.toMatchObject(told('COMMAND_BLOCKED', 0x80280400));
  });

  test.each([[0x80090010], [0x80070005]])(
    'who replaces a machine key that he may not open needs elevation (%i)',
    async (status) => {
      const machine = { scope: 'machine', keyName: "the administrators'" };
      await provision(machine);
      await answering('NCryptOpenKey', status);
      await expect(as('0', () => provision(machine))).rejects.toMatchObject(
        told('REQUIRES_ELEVATION', status),
      );
      await answering('NCryptOpenKey', status);
      await expect(provision(machine)).rejects.toMatchObject(told('ACCESS_DENIED', status));
      // Quoting with it is another matter: nobody says that elevation would help.
      const { akBlob } = await provision(machine);
      await answering('NCryptOpenKey', status);
      await expect(as('0', () => quote(akBlob))).rejects.toMatchObject(
        told('ACCESS_DENIED', status),
      );
    },
  );
});

describe('activation', () => {
  test('is by the RSA endorsement key: what is made for another is refused before', async () => {
    const { akBlob } = await provision({ keyName: 'activated' });
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await control.clearLog();
    const forEcc = publicKey.export({ type: 'spki', format: 'der' });
    const refused = { code: 'NOT_SUPPORTED', suggestion: expect.stringContaining("'rsa'") };
    await expect(activateFor(akBlob, { ekPublic: forEcc })).rejects.toMatchObject(refused);
    await expect(activateFor(akBlob, { ekPublic: forEcc, ek: 'ecc' })).rejects.toMatchObject(
      refused,
    );
    await expect(activateFor(akBlob, { ek: 'ecc' })).rejects.toMatchObject(refused);
    await expect(activateFor(akBlob, { ekPublic: forEcc, ek: 'rsa' })).rejects.toMatchObject({
      code: expect.stringMatching(/^(INVALID_ARGUMENT|NOT_SUPPORTED)$/), // they do not fit together
    });
    const called = (await control.log()).map(({ fn }) => fn);
    expect(called).not.toContain('NCryptOpenKey');
    expect(await activateFor(akBlob, { ek: 'rsa' })).toHaveLength(16);
  });
});

describe('replacing a key that fails half way', () => {
  test.each([
    ['NCryptCreatePersistedKey', 0x80090020, true],
    ['NCryptFinalizeKey', 0x80090020, true],
    ['NCryptCreatePersistedKey', 0x80090030, false],
    ['NCryptFinalizeKey', 0x80090030, false],
  ])('at %s (%i, flag honoured: %s) leaves no key', async (fn, status, overwriteHonoured) => {
    await control.change({ overwriteHonoured });
    const { akBlob } = await provision({ keyName: 'replaced' });
    await answering(fn, status);
    await expect(provision({ keyName: 'replaced' })).rejects.toMatchObject({
      ...told(status === 0x80090020 ? 'TRANSPORT_ERROR' : 'TPM_UNAVAILABLE', status),
      message: expect.stringContaining(fn),
    });
    await expect(quote(akBlob)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await expect(provision({ keyName: 'replaced', overwrite: false })).resolves.toBeDefined();
  });
});
