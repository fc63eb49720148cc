// A Windows whose tbs.dll and ncrypt.dll cannot be loaded.
// @windows { "env": { "WINEDLLOVERRIDES": "tbs,ncrypt=" } }
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';

describe('without tbs.dll and ncrypt.dll', () => {
  test('isAvailable() says so', async () => {
    expect(await Tpm.isAvailable()).toBe(false);
  });

  test.each([
    ['open()', () => Tpm.open()],
    ['randomBytes()', () => Tpm.randomBytes(8)],
    ['provisionAk()', () => Tpm.provisionAk({ keyName: 'nowhere' })],
  ])('%s tells what is missing', async (_name, call) => {
    for (let times = 0; times < 2; times++) {
      await expect(call()).rejects.toMatchObject({
        code: 'TPM_UNAVAILABLE',
        message: expect.stringContaining('tbs.dll'),
        suggestion: expect.stringMatching(/./),
      });
    }
  });
});
