// The emulated Platform Crypto Provider: life cycle of handles and keys, namespaces, properties.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as tpm from '../../broker/tpm_commands.mjs';
import { u32le, utf16 } from '../../broker/wire.mjs';
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
const PERM = 0x80090010;
const BAD_KEYSET = 0x80090016;
const INVALID_HANDLE = 0x80090026;
const INVALID_PARAMETER = 0x80090027;
const BUFFER_TOO_SMALL = 0x80090028;
const NOT_SUPPORTED = 0x80090029;
const NOT_OPEN = 'an NCrypt handle was used that is not open';
const MACHINE = FLAG.machine | FLAG.silent;
const windows = emulatedWindows();

async function provider(probe) {
  const { status, handle } = await openProvider(probe);
  assert.equal(status, 0);
  return handle;
}

/** A finalised identity key; returns its open handle. */
async function made(probe, from, name, { flags = FLAG.silent, descriptor } = {}) {
  const { status, handle } = await createKey(probe, from, name, { flags });
  assert.equal(status, 0);
  assert.equal(await setProperty(probe, handle, 'PCP_KEY_USAGE_POLICY', 8), 0);
  if (descriptor)
    assert.equal(await setProperty(probe, handle, 'Security Descr', descriptor, 4), 0);
  assert.equal(await finalize(probe, handle), 0);
  return handle;
}

const sid = (...parts) =>
  Buffer.concat([Buffer.from([1, parts.length, 0, 0, 0, 0, 0, 5]), ...parts.map(u32le)]);
function allow(mask, who) {
  const size = Buffer.from([0, 0, 8 + who.length, 0]);
  return Buffer.concat([size, u32le(mask), who]);
}
// D:(A;;GA;;;SY)(A;;GA;;;BA), and (A;;GRGX;;;BU) for users; self-relative.
function descriptor({ users }) {
  const entries = [allow(0x10000000, sid(18)), allow(0x10000000, sid(32, 544))];
  if (users) entries.push(allow(0xa0000000, sid(32, 545)));
  const body = Buffer.concat(entries);
  const acl = Buffer.from([2, 0, 8 + body.length, 0, entries.length, 0, 0, 0]);
  const head = Buffer.from([1, 0, 4, 0x80, ...new Array(12).fill(0), 20, 0, 0, 0]);
  return Buffer.concat([head, acl, body]);
}

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

test('keys outlive their process; user, SYSTEM and machine keys are apart', async () => {
  const system = await windows.start({ elevated: 'system' });
  const probes = { admin: windows.admin, user: windows.user, system };
  const from = {};
  for (const [who, probe] of Object.entries(probes)) from[who] = await provider(probe);
  const key = await made(windows.admin, from.admin, 'apart');
  const open = async (who, name, flags) => {
    const { status, handle } = await openKey(probes[who], from[who], name, flags);
    if (status === 0) assert.equal(await free(probes[who], handle), 0);
    return status;
  };
  assert.equal(await open('user', 'apart'), 0); // the same account without elevation
  assert.equal(await open('system', 'apart'), BAD_KEYSET);
  assert.equal(await open('admin', 'apart', MACHINE), BAD_KEYSET);
  const machine = await made(system, from.system, 'apart', {
    flags: MACHINE,
    descriptor: descriptor({ users: true }),
  });
  assert.equal(await open('user', 'apart', MACHINE), 0);
  assert.equal(await open('admin', 'apart', MACHINE), 0);
  assert.equal(await deleteKey(system, machine), 0);
  assert.equal(await open('user', 'apart', MACHINE), BAD_KEYSET);
  assert.equal(await open('user', 'apart'), 0);

  const list = async (who, flags) => {
    const { status, values } = await probes[who].call('NCryptEnumKeys', from[who], flags);
    assert.equal(status, 0x8009002a);
    return values.map((bytes) => bytes.toString('utf16le'));
  };
  assert.deepEqual(await list('user', 0), ['apart', 'RSA']);
  assert.deepEqual(await list('system', 0), []);
  assert.equal(await free(windows.admin, key), 0);
  for (const [who, probe] of Object.entries(probes)) assert.equal(await free(probe, from[who]), 0);
});

test('machine keys need elevation, and a DACL that lets users in', async () => {
  const [admin, user] = [windows.admin, windows.user];
  const from = { admin: await provider(admin), user: await provider(user) };
  const denied = await createKey(user, from.user, 'fleet', { flags: MACHINE });
  assert.equal(await setProperty(user, denied.handle, 'PCP_KEY_USAGE_POLICY', 8), 0);
  assert.equal(await finalize(user, denied.handle), PERM);
  assert.equal(await free(user, denied.handle), 0);
  await windows.control.change({ machineDeniedAt: 'create', machineDeniedStatus: 0x8009002d });
  assert.equal((await createKey(user, from.user, 'fleet', { flags: MACHINE })).status, 0x8009002d);

  const closed = await made(admin, from.admin, 'closed', { flags: MACHINE });
  assert.equal((await openKey(user, from.user, 'closed', MACHINE)).status, PERM);
  const admins = descriptor({ users: false });
  const half = await made(admin, from.admin, 'half', { flags: MACHINE, descriptor: admins });
  assert.equal((await openKey(user, from.user, 'half', MACHINE)).status, PERM);
  const users = descriptor({ users: true });
  const open = await made(admin, from.admin, 'open', { flags: MACHINE, descriptor: users });
  const opened = await openKey(user, from.user, 'open', MACHINE);
  assert.equal(opened.status, 0);
  const told = await getProperty(user, opened.handle, 'Security Descr', { flags: 4 });
  assert.deepEqual(told.bytes, users);
  assert.equal(await deleteKey(user, opened.handle), 0x8009002d);
  assert.equal(await free(user, opened.handle), 0);
  for (const key of [closed, half, open]) assert.equal(await deleteKey(admin, key), 0);
  assert.equal(await free(admin, from.admin), 0);
  assert.equal(await free(user, from.user), 0);
});

test('security descriptors: flag 4, self-relative, a DACL within bounds', async () => {
  const from = await provider(windows.admin);
  const { handle } = await createKey(windows.admin, from, 'described', { flags: MACHINE });
  const set = (value, flags) => setProperty(windows.admin, handle, 'Security Descr', value, flags);
  const good = descriptor({ users: true });
  assert.equal(good.length, 96); // what the SDDL text of the notes becomes under Wine
  const change = (at, value) => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  for (const [why, value, flags] of [
    ['no flag', good, 0],
    ['another flag', good, 1],
    ['absolute', change(3, 0), 4],
    ['no DACL', change(2, 0), 4],
    ['DACL outside', change(16, 200), 4],
    ['ACL too long', change(22, 200), 4],
    ['too many entries', change(24, 9), 4],
    ['revision', change(0, 2), 4],
    ['cut', good.subarray(0, 90), 4],
    ['empty', Buffer.alloc(0), 4],
  ]) {
    assert.equal(await set(value, flags), INVALID_PARAMETER, why);
  }
  assert.equal(await set(good, 4), 0);
  assert.equal(await free(windows.admin, handle), 0);
  assert.equal(await free(windows.admin, from), 0);
});

test('Security Descr Support: 1, 0, or not known', async () => {
  const from = await provider(windows.user);
  const get = () => getProperty(windows.user, from, 'Security Descr Support');
  assert.equal((await get()).bytes.readUInt32LE(), 1);
  await windows.control.change({ securityDescrSupport: 0 });
  assert.equal((await get()).bytes.readUInt32LE(), 0);
  await windows.control.change({ securityDescrSupport: 'absent' });
  assert.equal((await get()).status, NOT_SUPPORTED);
  assert.equal(await free(windows.user, from), 0);
});

test('endorsement key and certificates, in real stores', async () => {
  const from = { admin: await provider(windows.admin), user: await provider(windows.user) };
  const stores = async (who, name = 'PCP_EKCERT') => {
    const { status, values } = await windows[who].call('CertificateStore', from[who], name);
    return { status, last: values.at(-1)?.readUInt32LE(), certificates: values.slice(0, -1) };
  };
  const { bytes } = await getProperty(windows.user, from.user, 'PCP_EKPUB');
  assert.deepEqual([bytes.toString('latin1', 0, 4), bytes.readUInt32LE(4)], ['RSA1', 2048]);
  const modulus = bytes.subarray(24 + bytes.readUInt32LE(8));
  const present = await stores('admin');
  assert.deepEqual([present.status, present.last, present.certificates.length], [0, 0x80092004, 1]);
  const certificate = new X509Certificate(present.certificates[0]);
  const jwk = certificate.publicKey.export({ format: 'jwk' });
  assert.deepEqual(Buffer.from(jwk.n, 'base64url'), modulus);
  const ecc = await stores('admin', 'PCP_ECC_EKNVCERT');
  assert.equal(new X509Certificate(ecc.certificates[0]).publicKey.asymmetricKeyType, 'ec');

  assert.deepEqual(await stores('user'), { status: 0, last: 0x80092004, certificates: [] });
  await windows.control.change({ userEkCertificates: 'error' });
  assert.equal((await stores('user')).status, PERM);
  await windows.control.change({ userEkCertificates: 'present' });
  assert.equal((await stores('user')).certificates.length, 1);
  await windows.control.change({ ekCertificates: 'empty' });
  assert.deepEqual((await stores('admin')).certificates, []);
  await windows.control.change({ ekCertificates: 'none' });
  assert.equal((await stores('admin')).status, 0x80090011);
  const asked = await getProperty(windows.admin, from.admin, 'PCP_SRKPUB', {
    capacity: NULL_BUFFER,
  });
  assert.deepEqual([asked.status, asked.size], [0, 24 + 3 + 256]);
  assert.equal(await free(windows.admin, from.admin), 0);
  assert.equal(await free(windows.user, from.user), 0);
});

test('exports and the small properties', async () => {
  const from = await provider(windows.user);
  const key = await made(windows.user, from, 'exports');
  const exported = async (type) => {
    const { status, values } = await windows.user.call('NCryptExportKey', key, type, 4096);
    return { status, bytes: values[0] };
  };
  const binding = (await getProperty(windows.user, key, 'PCP_TPM12_IDBINDING')).bytes;
  const modulus = binding.subarray(2 + 312 - 256, 2 + 312);
  const rsa = (await exported('RSAPUBLICBLOB')).bytes;
  assert.equal(rsa.toString('latin1', 0, 4), 'RSA1');
  assert.deepEqual(rsa.subarray(-256), modulus);
  assert.equal((await exported('ECCPUBLICBLOB')).status, NOT_SUPPORTED);
  const opaque = (await exported('OpaqueKeyBlob')).bytes;
  assert.deepEqual([opaque.toString('latin1', 0, 4), opaque.readUInt32LE(4)], ['PCPM', 0x38]);
  assert.deepEqual(opaque.subarray(0x38, 0x38 + 314), binding.subarray(0, 314));

  const get = async (name) => (await getProperty(windows.user, key, name)).bytes;
  assert.deepEqual(await get('Name'), utf16('exports\0'));
  assert.match((await get('Unique Name')).toString('utf16le'), /[0-9a-f]{40}\.PCPKEY\0$/);
  assert.equal((await get('Length')).readUInt32LE(), 2048);
  assert.equal((await get('Provider Handle')).readBigUInt64LE(), from);
  const supported = (name) => windows.user.call('NCryptIsAlgSupported', from, name);
  assert.equal((await supported('RSA')).status, 0);
  assert.equal((await supported('DH')).status, NOT_SUPPORTED);
  assert.equal(await deleteKey(windows.user, key), 0);
  assert.equal(await free(windows.user, from), 0);
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
  let leaks = [];
  while (leaks.length === 0) leaks = await windows.control.leaks();
  assert.deepEqual({ ...leaks[0], pid: 0 }, { pid: 0, contexts: 0, providers: 1, keys: 1 });
  while ((await windows.control.loaded()).objects > 0);
});
