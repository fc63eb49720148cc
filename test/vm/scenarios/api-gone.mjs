// The TPM dies under an open connection that has a key loaded.
import assert from 'node:assert/strict';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';

test('calls fail, one after another, and close() does not', async (t) => {
  const tpm = await Tpm.open();
  const key = await tpm.keys.create({ type: 'ecc' });
  await key.sign(Buffer.alloc(32, 1));
  await t.killTpm();
  for (const call of [
    () => key.sign(Buffer.alloc(32, 1)),
    () => tpm.random.bytes(16),
    () => tpm.pcr.read([0]),
  ]) {
    await assert.rejects(call, { name: 'TpmError' });
  }
  await tpm.close();
  await assert.rejects(tpm.random.bytes(16), { name: 'TpmError', code: 'CLOSED' });
});

test('it is not available', async () => {
  assert.equal(await Tpm.isAvailable(), false);
});
