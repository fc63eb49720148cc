// Every argument of the functions for the TPM itself, PCRs and NV with what it must not be:
// INVALID_ARGUMENT that names it, and nothing is sent to the TPM.
import { createHash } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { beforeAll, describe } from 'vitest';
import {
  BY_BANK,
  badInput,
  bytes,
  isRecord,
  NOT_A_BANK,
  NOT_A_BOOLEAN,
  NOT_A_HANDLE,
  NOT_A_LIMIT,
  NOT_A_NUMBER,
  NOT_A_SELECTION,
  NOT_A_SIGNAL,
  NOT_AN_AUTH,
  NOT_AN_OBJECT,
  NOT_BYTES,
} from './helpers/bad-values.mjs';
import { useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm({ once: true });
const DIGEST = createHash('sha256').update('x').digest();
let tpm;
beforeAll(async () => {
  tpm = await context.open();
});

const { row, both, run } = badInput();

const random = (tpm) => tpm.random.bytes;
both('random.bytes', random, 'randomBytes', 'count', [...NOT_A_NUMBER, undefined, 2 ** 21], (v) => [
  v,
]);
const NOT_STIRRED = [...NOT_BYTES, bytes(0), bytes(2 ** 20 + 1), undefined];
row('tpm.random.stir', 'data', NOT_STIRRED, (tpm, v) => tpm.random.stir(v));
// An object there would be the call's own options; null is the default, as undefined is.
row('tpm.selfTest', 'full', ['true', 1, 0, [], 1n], (tpm, v) => tpm.selfTest(v));

const readPcr = (tpm) => tpm.pcr.read;
both(
  'pcr.read',
  readPcr,
  'pcrRead',
  'selection',
  [...NOT_A_SELECTION, ...BY_BANK, undefined],
  (v) => [v],
);
// An object there would be the call's own options.
const NOT_A_NAME = NOT_A_BANK.filter((v) => typeof v !== 'object');
both('pcr.read', readPcr, 'pcrRead', 'bank', NOT_A_NAME, (v) => [[0], v]);
row('tpm.pcr.read', 'bank', ['sha256'], (tpm, v) => tpm.pcr.read({ sha1: [0] }, v));
const extend = (tpm) => tpm.pcr.extend;
both('pcr.extend', extend, 'pcrExtend', 'index', [...NOT_A_NUMBER, 24, undefined], (v) => [
  v,
  DIGEST,
]);
both(
  'pcr.extend',
  extend,
  'pcrExtend',
  'digest',
  [...NOT_BYTES, bytes(0), bytes(31), bytes(33), bytes(20)],
  (v) => [16, v],
);
both('pcr.extend', extend, 'pcrExtend', 'digest', [bytes(32), bytes(0)], (v) => [16, v, 'sha1']);
both('pcr.extend', extend, 'pcrExtend', 'bank', NOT_A_NAME, (v) => [16, DIGEST, v]);
row('tpm.pcr.event', 'index', [...NOT_A_NUMBER, 24], (tpm, v) => tpm.pcr.event(v, DIGEST));
row('tpm.pcr.event', 'data', [...NOT_BYTES, bytes(0), bytes(1025)], (tpm, v) =>
  tpm.pcr.event(16, v),
);
row('tpm.pcr.reset', 'index', [...NOT_A_NUMBER, 24], (tpm, v) => tpm.pcr.reset(v));

const OUTSIDE_OBJECTS = [0, 0x01c00002, '0x40000001', '0x82000000', undefined];
both(
  'readPublic',
  (tpm) => tpm.readPublic.bind(tpm),
  'readPublic',
  'handle',
  [...NOT_A_HANDLE, ...OUTSIDE_OBJECTS],
  (v) => [v],
);

const OUTSIDE_NV = [0, '0x81010001', '0x02000000', undefined];
const NOT_OWNERS = [
  '0x01c00002',
  '0x01c0000a',
  '0x01c0000B',
  '0x017fffff',
  '0x01c00000',
  0x01400001,
];
const NV = '0x01800055';
const nv = (name) => (tpm) => tpm.nv[name];
both(
  'nv.readPublic',
  nv('readPublic'),
  'nvReadPublic',
  'handle',
  [...NOT_A_HANDLE, ...OUTSIDE_NV],
  (v) => [v],
);
both('nv.read', nv('read'), 'nvRead', 'handle', [...NOT_A_HANDLE, ...OUTSIDE_NV], (v) => [v]);
both('nv.read', nv('read'), 'nvRead', 'offset', ['0', 1.5, -1, 65536, {}, true], (v) => [NV, v, 1]);
both('nv.read', nv('read'), 'nvRead', 'size', ['0', 1.5, -1, 65536, {}, true], (v) => [
  NV,
  0,
  v,
  bytes(1),
]);
both('nv.read', nv('read'), 'nvRead', 'auth', NOT_AN_AUTH, (v) => [NV, 0, 1, v, undefined]);
both(
  'nv.read',
  nv('read'),
  'nvRead',
  'ownerAuth',
  NOT_AN_AUTH.filter((v) => !isRecord(v)),
  (v) => [NV, 0, 1, undefined, v],
);
both('nv.write', nv('write'), 'nvWrite', 'handle', [...NOT_A_HANDLE, ...OUTSIDE_NV], (v) => [
  v,
  DIGEST,
]);
both('nv.write', nv('write'), 'nvWrite', 'data', [...NOT_BYTES, bytes(0), bytes(65536)], (v) => [
  NV,
  v,
]);
both('nv.write', nv('write'), 'nvWrite', 'offset', ['0', 1.5, -1, 65536, true], (v) => [
  NV,
  DIGEST,
  v,
]);
both('nv.write', nv('write'), 'nvWrite', 'auth', NOT_AN_AUTH, (v) => [NV, DIGEST, 0, v, undefined]);
both('nv.define', nv('define'), 'nvDefine', 'options', NOT_AN_OBJECT, (v) => [v]);
both(
  'nv.define',
  nv('define'),
  'nvDefine',
  'handle',
  [...NOT_A_HANDLE, ...NOT_OWNERS, undefined],
  (v) => [{ handle: v, size: 1 }],
);
both('nv.define', nv('define'), 'nvDefine', 'size', [...NOT_A_NUMBER, 0, 65536, undefined], (v) => [
  { handle: NV, size: v },
]);
both('nv.define', nv('define'), 'nvDefine', 'auth', [...NOT_AN_AUTH, bytes(33)], (v) => [
  { handle: NV, size: 1, auth: v },
]);
both('nv.define', nv('define'), 'nvDefine', 'ownerAuth', NOT_AN_AUTH, (v) => [
  { handle: NV, size: 1, ownerAuth: v },
]);
both('nv.define', nv('define'), 'nvDefine', 'attributes', ['x', -1, 2 ** 32, 1.5, {}], (v) => [
  { handle: NV, size: 1, attributes: v },
]);
both(
  'nv.undefine',
  nv('undefine'),
  'nvUndefine',
  'handle',
  [...NOT_A_HANDLE, ...NOT_OWNERS, undefined],
  (v) => [v],
);
both('nv.undefine', nv('undefine'), 'nvUndefine', 'ownerAuth', ['x', 7, [1], bytes(65)], (v) => [
  NV,
  v,
]);

const LOCKOUT = { maxTries: 5, recoveryTime: 1, lockoutRecovery: 1 };
row('tpm.lockout.reset', 'options', NOT_AN_OBJECT, (tpm, v) => tpm.lockout.reset(v));
row('tpm.lockout.reset', 'lockoutAuth', NOT_AN_AUTH, (tpm, v) =>
  tpm.lockout.reset({ lockoutAuth: v }),
);
row('tpm.lockout.configure', 'options', NOT_AN_OBJECT, (tpm, v) => tpm.lockout.configure(v));
row('tpm.lockout.configure', 'lockoutAuth', NOT_AN_AUTH, (tpm, v) =>
  tpm.lockout.configure({ ...LOCKOUT, lockoutAuth: v }),
);
for (const name of Object.keys(LOCKOUT)) {
  const values = [...NOT_A_NUMBER, 2 ** 32, undefined];
  if (name === 'maxTries') values.push(0);
  row('tpm.lockout.configure', name, values, (tpm, v) =>
    tpm.lockout.configure({ ...LOCKOUT, [name]: v }),
  );
}

// What is a call's own, as one extra last argument or as members of its options.
const lastArgument = {
  info: (tpm, o) => tpm.info(o),
  capabilities: (tpm, o) => tpm.capabilities(o),
  clock: (tpm, o) => tpm.clock(o),
  selfTest: (tpm, o) => tpm.selfTest(o),
  'selfTest, full': (tpm, o) => tpm.selfTest(true, o),
  'random.bytes': (tpm, o) => tpm.random.bytes(1, o),
  'random.stir': (tpm, o) => tpm.random.stir(DIGEST, o),
  'pcr.read': (tpm, o) => tpm.pcr.read([0], o),
  'pcr.read, bank': (tpm, o) => tpm.pcr.read([0], 'sha256', o),
  'pcr.extend': (tpm, o) => tpm.pcr.extend(16, DIGEST, o),
  'pcr.event': (tpm, o) => tpm.pcr.event(16, DIGEST, o),
  'pcr.reset': (tpm, o) => tpm.pcr.reset(16, o),
  'pcr.banks': (tpm, o) => tpm.pcr.banks(o),
  'nv.readPublic': (tpm, o) => tpm.nv.readPublic(NV, o),
  'nv.define': (tpm, o) => tpm.nv.define({ handle: NV, size: 1, ...o }),
  'nv.read': (tpm, o) => tpm.nv.read(NV, o),
  'nv.write': (tpm, o) => tpm.nv.write(NV, DIGEST, o),
  'nv.undefine': (tpm, o) => tpm.nv.undefine(NV, o),
  readPublic: (tpm, o) => tpm.readPublic('0x81010001', o),
  'attest.ekCertificate': (tpm, o) => tpm.attest.ekCertificate(o),
  'lockout.status': (tpm, o) => tpm.lockout.status(o),
  'lockout.reset': (tpm, o) => tpm.lockout.reset(o),
  'lockout.configure': (tpm, o) => tpm.lockout.configure({ ...LOCKOUT, ...o }),
};
for (const [what, call] of Object.entries(lastArgument)) {
  row(`tpm.${what}`, 'timeout', NOT_A_LIMIT, (tpm, v) => call(tpm, { timeout: v }));
  row(`tpm.${what}`, 'signal', NOT_A_SIGNAL, (tpm, v) => call(tpm, { signal: v }));
}
row('tpm.pcr.read', 'arguments', [1], (tpm, v) => tpm.pcr.read([0], 'sha256', v, v));

row('Tpm.open', 'options', NOT_AN_OBJECT, (_tpm, v) => Tpm.open(v));
row(
  'Tpm.open',
  'tcti',
  ['', 7, {}, 'bogus:x', 'swtpm:port=99999', 'a\0b', 'mssim:port=x'],
  (_tpm, v) => Tpm.open({ tcti: v }),
);
row('Tpm.open', 'encrypt', NOT_A_BOOLEAN, (_tpm, v) => Tpm.open({ encrypt: v }));
row('Tpm.open', 'auth', NOT_AN_OBJECT, (_tpm, v) => Tpm.open({ auth: v }));
for (const name of ['owner', 'endorsement', 'lockout', 'parent']) {
  row('Tpm.open', `auth.${name}`, NOT_AN_AUTH, (_tpm, v) => Tpm.open({ auth: { [name]: v } }));
}
row('Tpm.open', 'parentName', ['x', 7, {}, bytes(21), bytes(67)], (_tpm, v) =>
  Tpm.open({ parentName: v }),
);
row('Tpm.open', 'timeout', NOT_A_LIMIT, (_tpm, v) => Tpm.open({ timeout: v }));
row('Tpm.open', 'signal', NOT_A_SIGNAL, (_tpm, v) => Tpm.open({ signal: v }));

describe('bad arguments', () => run(() => tpm));
