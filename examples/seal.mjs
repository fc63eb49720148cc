// Secrets that only this TPM gives back: plain, behind a password, bound to the boot state.
//   node examples/seal.mjs
// Extends PCR 16, the debug PCR, to show what a changed state does, and resets it.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import process from 'node:process';
import { Tpm, TpmError } from 'node-tpm2';

const STATE_PCR = 16;

/** The code of the error that `promise` has to fail with. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TpmError) return error.code;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the TPM gave the secret away' });
}

/**
 * More than the 128 bytes that a TPM seals: the data by AES-256-GCM, its key by the TPM.
 * @param {import('node-tpm2').TpmHandle} tpm
 * @param {Buffer} data
 */
async function sealMuch(tpm, data) {
  const key = randomBytes(32);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(data), cipher.final()]);
  const sealedKey = await tpm.seal.seal({ data: key });
  key.fill(0);
  return { sealedKey, iv, body, tag: cipher.getAuthTag() };
}

/** @param {import('node-tpm2').TpmHandle} tpm */
async function unsealMuch(tpm, { sealedKey, iv, body, tag }) {
  const key = await tpm.seal.unseal(sealedKey);
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(tag);
  key.fill(0);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

let tpm;
try {
  tpm = await Tpm.open();
  const secret = randomBytes(32);

  const plain = await tpm.seal.seal({ data: secret });
  assert.deepEqual(await tpm.seal.unseal(plain), secret);
  console.log(`✓ sealed 32 bytes as a blob of ${plain.length}, and unsealed them`);

  const auth = Buffer.from('correct horse battery staple');
  const locked = await tpm.seal.seal({ data: secret, auth });
  assert.deepEqual(await tpm.seal.unseal(locked, { auth }), secret);
  console.log('✓ with a password: unsealed with it');

  const bound = await tpm.seal.seal({ data: secret, pcrSelection: [STATE_PCR] });
  assert.deepEqual(await tpm.seal.unseal(bound), secret);
  console.log(`✓ bound to PCR ${STATE_PCR}: unsealed in the same state`);

  await tpm.pcr.extend(STATE_PCR, createHash('sha256').update('something changed').digest());
  try {
    console.log(`✓ after an extend of PCR ${STATE_PCR}: ${await refusal(tpm.seal.unseal(bound))}`);
  } finally {
    await tpm.pcr.reset(STATE_PCR);
  }

  const much = Buffer.alloc(100_000, 'a configuration file ');
  assert.deepEqual(await unsealMuch(tpm, await sealMuch(tpm, much)), much);
  console.log(`✓ ${much.length} bytes under a sealed AES key`);
} catch (error) {
  if (!(error instanceof TpmError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  ${error.suggestion ?? ''}`);
  process.exitCode = 1;
} finally {
  await tpm?.close();
}
