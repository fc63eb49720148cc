// A Windows whose ncrypt.dll alone cannot be loaded: all but attestation keys goes on.
// @windows { "env": { "WINEDLLOVERRIDES": "tbs=n,b;ncrypt=" } }
import { Tpm } from 'node-tpm2';
import { expect, test } from 'vitest';

test('without ncrypt.dll', async () => {
  expect(await Tpm.randomBytes(8)).toHaveLength(8);
  expect(await Tpm.readEkCertificate()).toBeInstanceOf(Buffer);
  for (let times = 0; times < 2; times++) {
    await expect(Tpm.provisionAk({ keyName: 'nowhere' })).rejects.toMatchObject({
      code: 'TPM_UNAVAILABLE',
      message: expect.stringContaining('ncrypt.dll'),
      suggestion: expect.stringMatching(/./),
    });
  }
});
