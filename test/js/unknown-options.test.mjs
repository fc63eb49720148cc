// A misspelt option must not be passed over: it would open another TPM, leave a key without its auth
// value, a seal unbound, or a check of a quote unmade.
import { createHash } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { makeCredential, verifyCreation, verifyQuote } from 'node-tpm2/verifier';
import { beforeAll, expect, test } from 'vitest';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm({ once: true });
const DIGEST = createHash('sha256').update('x').digest();
const NV = '0x01800055';
let tpm;
let key;
let ak;
beforeAll(async () => {
  tpm = await context.open();
  key = await tpm.keys.create({ type: 'rsa', decrypt: true });
  ak = await tpm.attest.provisionAk();
});

const CALLS = {
  'Tpm.open': (o) => Tpm.open(o),
  'Tpm.open, auth': (o) => Tpm.open({ auth: o }),
  info: (o) => tpm.info(o),
  capabilities: (o) => tpm.capabilities(o),
  selfTest: (o) => tpm.selfTest(true, o),
  clock: (o) => tpm.clock(o),
  readPublic: (o) => tpm.readPublic('0x81000001', o),
  'random.bytes': (o) => tpm.random.bytes(8, o),
  'random.stir': (o) => tpm.random.stir(DIGEST, o),
  'pcr.read': (o) => tpm.pcr.read([0], o),
  'pcr.extend': (o) => tpm.pcr.extend(16, DIGEST, o),
  'pcr.event': (o) => tpm.pcr.event(16, DIGEST, o),
  'pcr.reset': (o) => tpm.pcr.reset(16, o),
  'pcr.banks': (o) => tpm.pcr.banks(o),
  'nv.read': (o) => tpm.nv.read(NV, o),
  'nv.write': (o) => tpm.nv.write(NV, DIGEST, o),
  'nv.readPublic': (o) => tpm.nv.readPublic(NV, o),
  'nv.define': (o) => tpm.nv.define({ handle: NV, size: 8, ...o }),
  'nv.undefine': (o) => tpm.nv.undefine(NV, o),
  'lockout.status': (o) => tpm.lockout.status(o),
  'lockout.reset': (o) => tpm.lockout.reset(o),
  'lockout.configure': (o) =>
    tpm.lockout.configure({ maxTries: 5, recoveryTime: 1, lockoutRecovery: 1, ...o }),
  'keys.create': (o) => tpm.keys.create({ type: 'ecc', ...o }),
  'keys.load': (o) => tpm.keys.load(key.export(), o),
  'key.sign': (o) => key.sign(DIGEST, o),
  'key.decrypt': (o) => key.decrypt(Buffer.alloc(256, 1), o),
  'seal.seal': (o) => tpm.seal.seal({ data: DIGEST, ...o }),
  'seal.unseal': (o) => tpm.seal.unseal(DIGEST, o),
  'attest.ekCertificate': (o) => tpm.attest.ekCertificate(o),
  'attest.ek': (o) => tpm.attest.ek(o),
  'attest.provisionAk': (o) => tpm.attest.provisionAk(o),
  'attest.quote': (o) => tpm.attest.quote({ akBlob: ak.export(), pcrSelection: [0], ...o }),
  'ak.quote': (o) => ak.quote({ pcrSelection: [0], ...o }),
  'ak.activateCredential': (o) =>
    ak.activateCredential({ credentialBlob: DIGEST, secret: DIGEST, ...o }),
  'Tpm.signKeyBlob': (o) => Tpm.signKeyBlob({ keyBlob: key.export(), digest: DIGEST, ...o }),
  'Tpm.decryptKeyBlob': (o) => Tpm.decryptKeyBlob({ keyBlob: key.export(), cipher: DIGEST, ...o }),
  'Tpm.activateCredential': (o) =>
    Tpm.activateCredential({ akBlob: ak.export(), credentialBlob: DIGEST, secret: DIGEST, ...o }),
  makeCredential: async (o) => makeCredential({ akName: DIGEST, secret: DIGEST, ...o }),
  verifyQuote: async (o) => verifyQuote({ message: DIGEST, signature: DIGEST, ...o }),
  verifyCreation: async (o) => verifyCreation(o),
};

test.each(Object.keys(CALLS))('%s', async (name) => {
  const { commands } = await recordCommands(async () => {
    const error = await errorOf(CALLS[name]({ misspelt: 'hunter2' }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toMatch(/^(options|auth): expected no members but .*, given 'misspelt'$/);
  });
  expect(commands).toEqual([]);
});

test('with a member too many isAvailable() is false', async () => {
  expect(await Tpm.isAvailable({ tcti: context.tcti })).toBe(true);
  expect(await Tpm.isAvailable({ tcti: context.tcti, misspelt: 1 })).toBe(false);
});

test('what quote() gives can be spread into verifyQuote()', async () => {
  const quoted = await ak.quote({ pcrSelection: [0], qualifyingData: DIGEST, includePcrs: true });
  const verdict = verifyQuote({
    ...quoted,
    akPublic: ak.export().public,
    qualifyingData: DIGEST,
  });
  expect(verdict.ok).toBe(true);
});
