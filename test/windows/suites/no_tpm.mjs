// A Windows without a TPM, which is what Wine's own tbs.dll is.
// @windows { "doubles": false }
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';

describe('without a TPM', () => {
  test('isAvailable() says so', async () => {
    expect(await Tpm.isAvailable()).toBe(false);
  });

  test.each([[undefined], ['tbs:'], ['device']])(
    'open() with tcti %s tells why and what to do',
    async (tcti) => {
      await expect(Tpm.open({ tcti })).rejects.toMatchObject({
        code: 'TPM_UNAVAILABLE',
        hresult: 0x8028400f,
        suggestion: expect.stringContaining('firmware'),
      });
    },
  );

  test("another system's device files are no way", async () => {
    await expect(Tpm.open({ tcti: 'device:/dev/tpmrm0' })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      suggestion: expect.stringContaining('tbs:'),
    });
  });

  test('what needs no TPM works', async () => {
    const { makeCredential } = await import('node-tpm2/verifier');
    expect(() => makeCredential({})).toThrow(/ekPublic/);
  });
});
