// The emulated Platform Crypto Provider: namespaces, rights, and what can be read.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { u32le, utf16 } from '../../broker/wire.mjs';
import { made, provider } from './keys.mjs';
import {
  createKey,
  deleteKey,
  FLAG,
  finalize,
  free,
  getProperty,
  NULL_BUFFER,
  openKey,
  setProperty,
} from './probe.mjs';
import { emulatedWindows } from './setup.mjs';

const PERM = 0x80090010;
const BAD_KEYSET = 0x80090016;
const INVALID_PARAMETER = 0x80090027;
const NOT_SUPPORTED = 0x80090029;
const MACHINE = FLAG.machine | FLAG.silent;
const windows = emulatedWindows();

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
