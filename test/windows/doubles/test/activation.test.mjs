// Activation by setting and getting a property, through a real TPM2_ActivateCredential. The other
// side, TPM2_MakeCredential, is done in software here.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { nameOf, splitBinding } from './attestation.mjs';
import { makeCredential } from './credential.mjs';
import {
  createKey,
  deleteKey,
  finalize,
  free,
  getProperty,
  NULL_BUFFER,
  openKey,
  openProvider,
  setProperty,
} from './probe.mjs';
import { emulatedWindows } from './setup.mjs';

const SECRET = Buffer.from('000600112233445566778899aabbccdd', 'hex'); // begins like a TPM2B
const ACTIVATION = 'PCP_TPM12_IDACTIVATION';
const windows = emulatedWindows();

// Makes a key and a credential for it; the key stays open.
async function prepared(probe, { algorithm = 'RSA' } = {}) {
  const { handle: provider } = await openProvider(probe);
  const { handle: key } = await createKey(probe, provider, 'activated', { algorithm });
  assert.equal(await setProperty(probe, key, 'PCP_KEY_USAGE_POLICY', 8), 0);
  assert.equal(await finalize(probe, key), 0);
  const binding = (await getProperty(probe, key, 'PCP_TPM12_IDBINDING')).bytes;
  const blob = (await getProperty(probe, provider, 'PCP_EKPUB')).bytes;
  const exponentSize = blob.readUInt32LE(8);
  const jwk = {
    kty: 'RSA',
    e: blob.subarray(24, 24 + exponentSize).toString('base64url'),
    n: blob.subarray(24 + exponentSize).toString('base64url'),
  };
  const name = nameOf(splitBinding(Buffer.from(binding)).publicArea);
  const ek = createPublicKey({ key: jwk, format: 'jwk' });
  return { provider, key, name, ek, credential: makeCredential(ek, name, SECRET) };
}

async function release(probe, { provider, key }) {
  assert.equal(await deleteKey(probe, key), 0);
  assert.equal(await free(probe, provider), 0);
}

test('an administrator gets the raw secret, from the making handle and from another', async () => {
  for (const algorithm of ['RSA', 'ECDSA_P256']) {
    const all = await prepared(windows.admin, { algorithm });
    const opened = await openKey(windows.admin, all.provider, 'activated');
    for (const key of [all.key, opened.handle]) {
      assert.equal(await setProperty(windows.admin, key, ACTIVATION, all.credential), 0);
      const { status, bytes } = await getProperty(windows.admin, key, ACTIVATION, {
        capacity: 256,
      });
      assert.equal(status, 0);
      assert.deepEqual(bytes, SECRET);
    }
    assert.equal(await free(windows.admin, opened.handle), 0);
    await release(windows.admin, all);
    assert.deepEqual(await windows.control.loaded(), { objects: 0, sessions: 0 });
  }
});

test('without a buffer the size is told', async () => {
  const all = await prepared(windows.admin);
  const get = (capacity) => getProperty(windows.admin, all.key, ACTIVATION, { capacity });
  assert.equal((await get(256)).status, 0x80090029); // nothing was set
  assert.equal(await setProperty(windows.admin, all.key, ACTIVATION, all.credential), 0);
  const { status, size } = await get(NULL_BUFFER);
  assert.deepEqual([status, size], [0, SECRET.length]);
  assert.equal((await get(SECRET.length - 1)).status, 0x80090028);
  await release(windows.admin, all);
});

test('a standard user is refused, in either of the ways that were seen', async () => {
  const all = await prepared(windows.user);
  assert.equal(await setProperty(windows.user, all.key, ACTIVATION, all.credential), 0);
  const get = async () => (await getProperty(windows.user, all.key, ACTIVATION)).status;
  assert.equal(await get(), 0x80090030);
  await windows.control.change({ userActivationStatus: 0x80280084 });
  assert.equal(await get(), 0x80280084);
  await release(windows.user, all);
});

test('credentials for another key, changed ones and malformed ones', async () => {
  const all = await prepared(windows.admin);
  const attempt = async (credential) => {
    const set = await setProperty(windows.admin, all.key, ACTIVATION, credential);
    return set || (await getProperty(windows.admin, all.key, ACTIVATION)).status;
  };
  const otherName = Buffer.from(all.name);
  otherName[10] ^= 1;
  const changed = Buffer.from(all.credential);
  changed[8] ^= 1;
  const integrity = 0x802801df; // TPM_RC_INTEGRITY of the first parameter
  assert.equal(await attempt(makeCredential(all.ek, otherName, SECRET)), integrity);
  assert.equal(await attempt(changed), integrity);
  for (const cut of [0, 1, 40, all.credential.length - 1]) {
    assert.equal(await attempt(all.credential.subarray(0, cut)), 0x80090027, `cut at ${cut}`);
  }
  assert.equal(await attempt(Buffer.concat([all.credential, Buffer.alloc(1)])), 0x80090027);
  assert.equal(await attempt(all.credential), 0);
  await release(windows.admin, all);
  assert.deepEqual(await windows.control.loaded(), { objects: 0, sessions: 0 });
});
