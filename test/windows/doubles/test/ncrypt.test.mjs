// The emulated Platform Crypto Provider: life cycle of handles and keys, namespaces, properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tpm from '../../broker/tpm_commands.mjs';
import { u32le } from '../../broker/wire.mjs';
import { made, provider, until } from './keys.mjs';
import {
  closeContext,
  createKey,
  deleteKey,
  FLAG,
  finalize,
  free,
  getProperty,
  NULL_BUFFER,
  openContext,
  openKey,
  openProvider,
  setProperty,
  submit,
} from './probe.mjs';
import { emulatedWindows } from './setup.mjs';

const BAD_KEY_STATE = 0x8009000b;
const EXISTS = 0x8009000f;
const BAD_KEYSET = 0x80090016;
const INVALID_HANDLE = 0x80090026;
const INVALID_PARAMETER = 0x80090027;
const BUFFER_TOO_SMALL = 0x80090028;
const NOT_SUPPORTED = 0x80090029;
const NOT_OPEN = 'an NCrypt handle was used that is not open';
const windows = emulatedWindows();

test('opening the provider: its name, missing, bad, not ready, no TPM', async () => {
  const open = async (options) => {
    const { status, handle } = await openProvider(windows.user, options);
    if (status === 0) assert.equal(await free(windows.user, handle), 0);
    return status;
  };
  assert.equal(await open(), 0);
  assert.equal(await open({ name: 'Microsoft Software Key Storage Provider' }), 0x80090013);
  for (const [change, status] of [
    [{ provider: 'missing' }, 0x8009001e],
    [{ provider: 'bad' }, 0x80090013],
    [{ provider: 'present', providerReady: false }, 0x80090030],
    [{ providerReady: true, tpm: 'absent' }, 0x80090035],
  ]) {
    await windows.control.change(change);
    assert.equal(await open(), status);
  }
  assert.equal(await open({ flags: 0x1000 }), 0);
});

test('a key that is not finalised cannot be used', async () => {
  const from = await provider(windows.user);
  const { handle } = await createKey(windows.user, from, 'unfinished');
  const get = (name) => getProperty(windows.user, handle, name);
  for (const name of ['PCP_TPM12_IDBINDING', 'PCP_PLATFORMHANDLE', 'Unique Name']) {
    assert.equal((await get(name)).status, BAD_KEY_STATE, name);
  }
  const blob = Buffer.concat([Buffer.from([0, 1, 7]), Buffer.from([0, 1, 7])]);
  const set = await setProperty(windows.user, handle, 'PCP_TPM12_IDACTIVATION', blob);
  assert.equal(set, BAD_KEY_STATE);
  const exported = await windows.user.call('NCryptExportKey', handle, 'RSAPUBLICBLOB', 4096);
  assert.equal(exported.status, BAD_KEY_STATE);
  assert.equal(await deleteKey(windows.user, handle), BAD_KEY_STATE);
  assert.equal(await free(windows.user, handle), 0);
  assert.equal((await openKey(windows.user, from, 'unfinished')).status, BAD_KEYSET);
  assert.equal(await free(windows.user, from), 0);
});

test('what can be set, and when', async () => {
  const from = await provider(windows.user);
  const { handle } = await createKey(windows.user, from, 'settings');
  const set = (name, value) => setProperty(windows.user, handle, name, value);
  assert.equal(await set('Length', 4096), INVALID_PARAMETER);
  assert.equal(await set('Length', Buffer.alloc(2)), INVALID_PARAMETER);
  assert.equal(await set('Length', 2048), 0);
  assert.equal(await set('PCP_TPM12_IDBINDING', Buffer.alloc(32)), INVALID_PARAMETER);
  assert.equal(await set('PCP_TPM12_IDBINDING', Buffer.alloc(20)), 0);
  assert.equal(await set('PCP_RSA_SCHEME', 0x16), INVALID_PARAMETER);
  assert.equal(await set('Colour', 1), NOT_SUPPORTED);
  assert.equal(await finalize(windows.user, handle), NOT_SUPPORTED); // no identity key yet
  assert.equal(await set('PCP_KEY_USAGE_POLICY', 8), 0);
  assert.equal(await finalize(windows.user, handle), 0);
  assert.equal(await finalize(windows.user, handle), BAD_KEY_STATE);
  assert.equal(await set('Length', 1024), BAD_KEY_STATE);
  assert.equal(
    (await createKey(windows.user, from, 'x', { algorithm: 'DSA' })).status,
    NOT_SUPPORTED,
  );
  assert.equal(await deleteKey(windows.user, handle), 0);
  assert.equal(await free(windows.user, from), 0);
});

test('the binding is only on the handle that made the key', async () => {
  const from = await provider(windows.user);
  const maker = await made(windows.user, from, 'binding');
  const get = (handle) => getProperty(windows.user, handle, 'PCP_TPM12_IDBINDING');
  assert.equal((await get(maker)).status, 0);
  const { handle: opened } = await openKey(windows.user, from, 'binding');
  assert.equal((await get(opened)).status, NOT_SUPPORTED);
  const hash = await getProperty(windows.user, opened, 'PCP_KEY_CREATIONHASH');
  assert.deepEqual([hash.status, hash.size], [0, 32]);
  for (const handle of [maker, opened, from]) assert.equal(await free(windows.user, handle), 0);
});

test('sizes: without a buffer, with one too small, with one that fits', async () => {
  const from = await provider(windows.user);
  const key = await made(windows.user, from, 'sizes');
  const get = (capacity) => getProperty(windows.user, key, 'PCP_TPM12_IDBINDING', { capacity });
  const asked = await get(NULL_BUFFER);
  assert.deepEqual([asked.status, asked.size], [0, 834]);
  assert.deepEqual([(await get(833)).status, (await get(833)).size], [BUFFER_TOO_SMALL, 834]);
  assert.deepEqual([(await get(834)).status, (await get(834)).bytes.length], [0, 834]);
  assert.equal(await deleteKey(windows.user, key), 0);
  assert.equal(await free(windows.user, from), 0);
});

test('an existing name: 0x80 overwrites, 0x40 does not', async () => {
  const from = await provider(windows.user);
  const first = await made(windows.user, from, 'twice');
  assert.equal((await createKey(windows.user, from, 'twice')).status, EXISTS);
  const quiet = await createKey(windows.user, from, 'twice', { flags: 0 });
  assert.equal(quiet.status, EXISTS);
  windows.expectedViolations = ['without NCRYPT_SILENT_FLAG'];
  const name = async (key) => (await getProperty(windows.user, key, 'PCP_TPM2BNAME')).bytes;
  const before = Buffer.from(await name(first));
  const flags = FLAG.silent | FLAG.overwrite;
  const second = await made(windows.user, from, 'twice', { flags });
  const { handle: opened } = await openKey(windows.user, from, 'twice');
  assert.deepEqual(await name(opened), await name(second));
  assert.notDeepEqual(await name(opened), before);
  await windows.control.change({ overwriteHonoured: false });
  assert.equal((await createKey(windows.user, from, 'twice', { flags })).status, EXISTS);
  for (const key of [first, second, opened]) assert.equal(await free(windows.user, key), 0);
  assert.equal(await free(windows.user, from), 0);
});

test('handles: nothing is freed or used twice', async () => {
  const from = await provider(windows.user);
  const key = await made(windows.user, from, 'handles');
  assert.equal(await deleteKey(windows.user, key), 0);
  assert.equal(await free(windows.user, key), INVALID_HANDLE);
  assert.equal((await getProperty(windows.user, key, 'Length')).status, INVALID_HANDLE);
  assert.equal((await openKey(windows.user, from, 'handles')).status, BAD_KEYSET);
  assert.equal(await free(windows.user, from), 0);
  assert.equal(await free(windows.user, from), INVALID_HANDLE);
  assert.equal((await windows.user.call('NCryptFreeBuffer', 0x1234n)).status, INVALID_PARAMETER);
  const foreign = 'NCryptFreeBuffer of what NCrypt did not give out';
  windows.expectedViolations = [NOT_OPEN, NOT_OPEN, NOT_OPEN, foreign];
});

test('a provider that is freed before its keys is found out', async () => {
  const from = await provider(windows.user);
  const key = await made(windows.user, from, 'orphan');
  assert.equal(await free(windows.user, from), 0);
  assert.equal(await free(windows.user, key), INVALID_HANDLE);
  windows.expectedViolations = ['the provider was freed before its keys', NOT_OPEN];
  assert.deepEqual(await windows.control.loaded(), { objects: 0, sessions: 0 });
});

test("the platform handles: the provider's own context, the key's handle in it", async () => {
  const from = await provider(windows.user);
  const key = await made(windows.user, from, 'platform');
  const own = await openContext(windows.user);
  const { bytes } = await getProperty(windows.user, from, 'PCP_PLATFORMHANDLE');
  const context = bytes.readBigUInt64LE();
  assert.notEqual(context, own.handle);
  const handle = (await getProperty(windows.user, key, 'PCP_PLATFORMHANDLE')).bytes.readUInt32LE();
  const read = async (where) => {
    const send = async (command) => (await submit(windows.user, where, command)).response;
    return tpm.readPublic(send, handle);
  };
  const { name } = await read(context);
  const told = (await getProperty(windows.user, key, 'PCP_TPM2BNAME')).bytes;
  assert.deepEqual(name, told.subarray(2));
  await assert.rejects(read(own.handle), { code: 0x80280401 });

  // What a client must never do, and what is seen of it.
  const flush = Buffer.concat([
    Buffer.from('80010000000e00000165', 'hex'),
    u32le(handle).reverse(),
  ]);
  assert.equal((await submit(windows.user, context, flush)).rc, 0);
  assert.equal(await closeContext(windows.user, context), 0);
  windows.expectedViolations = [
    "a Platform Crypto Provider key's own handle was flushed",
    "the Platform Crypto Provider's own context was closed",
  ];
  assert.equal(await closeContext(windows.user, own.handle), 0);
  await free(windows.user, key);
  await free(windows.user, from);
});

test('a status by rule, and what a process left open', async () => {
  const probe = await windows.start({ elevated: '0' });
  const from = await provider(probe);
  const rule = { fn: 'NCryptGetProperty', property: 'PCP_EKPUB', status: 0x80290407 };
  await windows.control.change({ rules: [rule] });
  assert.equal((await getProperty(probe, from, 'PCP_SRKPUB')).status, 0);
  assert.equal((await getProperty(probe, from, 'PCP_EKPUB')).status, 0x80290407);
  assert.equal((await getProperty(probe, from, 'PCP_EKPUB')).status, 0);
  await made(probe, from, 'left-open');
  await probe.end();
  windows.probes.splice(windows.probes.indexOf(probe), 1);
  const leak = await until('the leak', async () => (await windows.control.leaks())[0]);
  assert.deepEqual({ ...leak, pid: 0 }, { pid: 0, contexts: 0, providers: 1, keys: 1 });
  await until('an empty TPM', async () => (await windows.control.loaded()).objects === 0);
});
