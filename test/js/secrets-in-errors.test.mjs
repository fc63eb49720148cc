// A password given as a string is a likely mistake: the error must not repeat it.
import { expect, test } from 'vitest';
import { Tpm } from '../../index.js';
import { useTestTpm } from './helpers/tpm.mjs';

const PASSWORD = 'hunter2-password';
const context = useTestTpm();

test.each([
  ['keys.create auth', (tpm) => tpm.keys.create({ auth: PASSWORD })],
  ['seal data', (tpm) => tpm.seal.seal({ data: PASSWORD })],
  ['seal auth', (tpm) => tpm.seal.seal({ data: Buffer.from('x'), auth: PASSWORD })],
  ['nv.define auth', (tpm) => tpm.nv.define({ handle: 0x01800001, size: 1, auth: PASSWORD })],
  ['lockout auth', (tpm) => tpm.lockout.reset({ lockoutAuth: PASSWORD })],
  ['open auth', () => Tpm.open({ auth: { owner: PASSWORD } })],
  // One level too high, or with an argument left out.
  ['open, auth itself', () => Tpm.open({ auth: PASSWORD })],
  ['lockout options', (tpm) => tpm.lockout.reset(PASSWORD)],
  ['unseal options', (tpm) => tpm.seal.unseal(Buffer.from('x'), PASSWORD)],
  ['keys.create options', (tpm) => tpm.keys.create(PASSWORD)],
  ['nv.read offset', (tpm) => tpm.nv.read(0x01800001, PASSWORD)],
  ['nv.write offset', (tpm) => tpm.nv.write(0x01800001, Buffer.from('x'), PASSWORD)],
])('%s', async (_name, use) => {
  const tpm = await context.open();
  const error = await use(tpm).catch((each) => each);
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).not.toContain(PASSWORD);
  expect(error.message).toContain('given a string');
});

test('a misspelt or missing PCR selection does not seal to nothing', async () => {
  const tpm = await context.open();
  const data = Buffer.from('x');
  for (const options of [{ pcrs: [7] }, { pcrSelection: null }]) {
    await expect(tpm.seal.seal({ data, ...options })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  }
});
