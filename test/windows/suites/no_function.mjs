// A Windows whose tbs.dll lacks a function that is needed.
// @windows { "tbs": "crippled" }
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';

describe('a tbs.dll without one of its functions', () => {
  test('isAvailable() says so', async () => {
    expect(await Tpm.isAvailable()).toBe(false);
  });

  test('open() tells which', async () => {
    await expect(Tpm.open()).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining('Tbsip_Cancel_Commands'),
      suggestion: expect.stringContaining('Windows'),
    });
  });
});
