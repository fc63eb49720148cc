// Every argument of the functions for keys, seals and attestation with what it must not be, and blobs
// that are none: INVALID_ARGUMENT that names it, and nothing is sent to the TPM.
import { createHash } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  BY_BANK,
  badInput,
  bytes,
  NOT_A_BANK,
  NOT_A_BOOLEAN,
  NOT_A_LIMIT,
  NOT_A_SELECTION,
  NOT_A_SIGNAL,
  NOT_AN_AUTH,
  NOT_AN_OBJECT,
  NOT_BYTES,
} from './helpers/bad-values.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm({ once: true });
const DIGEST = createHash('sha256').update('x').digest();
let tpm;
const made = {}; // keys and blobs of this file's TPM

beforeAll(async () => {
  tpm = await context.open();
  made.ecc = (await tpm.keys.create({ type: 'ecc' })).export();
  made.rsa = (await tpm.keys.create({ type: 'rsa', decrypt: true })).export();
  made.decryptOnly = (await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true })).export();
  made.pss = (await tpm.keys.create({ type: 'rsa', scheme: 'rsapss', hash: 'sha384' })).export();
  made.ak = (await tpm.attest.provisionAk()).export();
  made.sealed = await tpm.seal.seal({ data: DIGEST });
  made.bound = await tpm.seal.seal({ data: DIGEST, pcrSelection: { sha1: [3], sha256: [4, 5] } });
});

const { row, both, run } = badInput();

const create = (tpm) => tpm.keys.create;
const creating = (argument, values, options) =>
  both('keys.create', create, 'createKey', argument, values, (v) => [options(v)]);
creating('options', NOT_AN_OBJECT, (v) => v);
creating('type', ['', 'ECC', 'dsa', 7, {}], (v) => ({ type: v }));
creating('sign', NOT_A_BOOLEAN, (v) => ({ sign: v }));
creating('decrypt', NOT_A_BOOLEAN, (v) => ({ type: 'rsa', decrypt: v }));
creating('decrypt', [true], (v) => ({ type: 'ecc', decrypt: v }));
creating('sign', [false], (v) => ({ type: 'rsa', sign: v }));
creating('hash', NOT_A_BANK, (v) => ({ hash: v }));
creating('scheme', ['', 'pss', 'rsassa', 'rsapss', 7, {}], (v) => ({ type: 'ecc', scheme: v }));
creating('scheme', ['ecdsa'], (v) => ({ type: 'rsa', scheme: v }));
creating('scheme', ['rsassa', 'rsapss'], (v) => ({ type: 'rsa', decrypt: true, scheme: v }));
creating('hash', ['sha256'], (v) => ({ type: 'rsa', decrypt: true, hash: v }));
creating('auth', [...NOT_AN_AUTH, bytes(33)], (v) => ({ auth: v }));
creating('timeout', NOT_A_LIMIT, (v) => ({ timeout: v }));
creating('signal', NOT_A_SIGNAL, (v) => ({ signal: v }));

const BLOBS = ['x', 7, null, undefined, {}, [], true, bytes(100)];
row('tpm.keys.load', 'blob', BLOBS, (tpm, v) => tpm.keys.load(v));
row('tpm.keys.load', 'blob.public', NOT_BYTES, (tpm, v) =>
  tpm.keys.load({ ...made.ecc, public: v }),
);
row('tpm.keys.load', 'blob.private', NOT_BYTES, (tpm, v) =>
  tpm.keys.load({ ...made.ecc, private: v }),
);
row('tpm.keys.load', 'auth', [...NOT_AN_AUTH, bytes(33)], (tpm, v) =>
  tpm.keys.load(made.ecc, { auth: v }),
);
row('tpm.keys.load', 'options', NOT_AN_OBJECT, (tpm, v) => tpm.keys.load(made.ecc, v));

const sign = (argument, values, args, blob = () => made.ecc) => {
  row('key.sign', argument, values, async (tpm, v) =>
    (await tpm.keys.load(blob())).sign(...args(v)),
  );
  row('Tpm.signKeyBlob', argument, values, (_tpm, v) => {
    const [digest, options] = args(v);
    if (argument === 'options') return Tpm.signKeyBlob(v);
    return Tpm.signKeyBlob({ keyBlob: blob(), digest, ...options });
  });
};
sign('digest', [...NOT_BYTES, undefined, bytes(0), bytes(31), bytes(33), bytes(64)], (v) => [v]);
sign('digest', [bytes(32)], (v) => [v, { hash: 'sha512' }]);
sign('options', NOT_AN_OBJECT, (v) => [DIGEST, v]);
sign('hash', NOT_A_BANK, (v) => [DIGEST, { hash: v }]);
sign(
  'hash',
  ['sha256'],
  (v) => [DIGEST, { hash: v }],
  () => made.pss,
);
sign('scheme', ['', 'rsassa', 'rsapss', 'x', 7], (v) => [DIGEST, { scheme: v }]);
sign(
  'scheme',
  ['ecdsa'],
  (v) => [DIGEST, { scheme: v }],
  () => made.rsa,
);
sign(
  'scheme',
  ['rsassa'],
  (v) => [bytes(48), { scheme: v }],
  () => made.pss,
);
sign('auth', [...NOT_AN_AUTH, bytes(33)], (v) => [DIGEST, { auth: v }]);
sign(
  'key',
  [DIGEST],
  (v) => [v],
  () => made.decryptOnly,
);
row('Tpm.signKeyBlob', 'keyBlob', BLOBS, (_tpm, v) =>
  Tpm.signKeyBlob({ keyBlob: v, digest: DIGEST }),
);

const decrypt = (argument, values, args, blob = () => made.rsa) => {
  row('key.decrypt', argument, values, async (tpm, v) =>
    (await tpm.keys.load(blob())).decrypt(...args(v)),
  );
  row('Tpm.decryptKeyBlob', argument, values, (_tpm, v) => {
    const [cipher, options] = args(v);
    if (argument === 'options') return Tpm.decryptKeyBlob(v);
    return Tpm.decryptKeyBlob({ keyBlob: blob(), cipher, ...options });
  });
};
decrypt('cipher', [...NOT_BYTES, undefined, ...[0, 1, 255, 257, 512, 513].map(bytes)], (v) => [v]);
decrypt('options', NOT_AN_OBJECT, (v) => [bytes(256), v]);
decrypt('hash', NOT_A_BANK, (v) => [bytes(256), { hash: v }]);
decrypt('auth', [...NOT_AN_AUTH, bytes(33)], (v) => [bytes(256), { auth: v }]);
decrypt(
  'key',
  [bytes(256)],
  (v) => [v],
  () => made.ecc,
);
decrypt(
  'key',
  [bytes(256)],
  (v) => [v],
  () => made.pss,
);
row('Tpm.decryptKeyBlob', 'keyBlob', BLOBS, (_tpm, v) =>
  Tpm.decryptKeyBlob({ keyBlob: v, cipher: bytes(256) }),
);

const seal = (tpm) => tpm.seal.seal;
const sealing = (argument, values, options) =>
  both('seal.seal', seal, 'seal', argument, values, (v) => [options(v)]);
sealing('options', NOT_AN_OBJECT, (v) => v);
sealing('data', [...NOT_BYTES, undefined, bytes(0)], (v) => ({ data: v }));
sealing(
  'pcrSelection',
  NOT_A_SELECTION.filter((v) => v !== null),
  (v) => ({ data: DIGEST, pcrSelection: v }),
);
sealing('pcrSelection', BY_BANK, (v) => ({ data: DIGEST, pcrSelection: v }));
sealing('bank', NOT_A_BANK, (v) => ({ data: DIGEST, pcrSelection: [0], bank: v }));
sealing('bank', NOT_A_BANK, (v) => ({ data: DIGEST, bank: v }));
sealing('auth', [...NOT_AN_AUTH, bytes(33)], (v) => ({ data: DIGEST, auth: v }));
const unseal = (tpm) => tpm.seal.unseal;
both(
  'seal.unseal',
  unseal,
  'unseal',
  'blob',
  [...NOT_BYTES, undefined, bytes(0), bytes(10), bytes(300)],
  (v) => [v],
);
both('seal.unseal', unseal, 'unseal', 'options', NOT_AN_OBJECT, (v) => [made.sealed, v]);
both('seal.unseal', unseal, 'unseal', 'auth', NOT_AN_AUTH, (v) => [made.sealed, { auth: v }]);

const provision = (tpm) => tpm.attest.provisionAk;
const provisioning = (argument, values, options) =>
  both('attest.provisionAk', provision, 'provisionAk', argument, values, (v) => [options(v)]);
provisioning('options', NOT_AN_OBJECT, (v) => v);
provisioning('algorithm', ['', 'ECC', 'dsa', 7, {}], (v) => ({ algorithm: v }));
provisioning('keyName', ['', 7, {}, 'a\0b', 'x'.repeat(256)], (v) => ({ keyName: v }));
provisioning('scope', ['', 'all', 7], (v) => ({ scope: v }));
provisioning('overwrite', NOT_A_BOOLEAN, (v) => ({ overwrite: v }));

const quoting = (argument, values, options) => {
  both(
    'attest.quote',
    (tpm) => tpm.attest.quote,
    'quote',
    argument,
    values,
    (v) => {
      const given = options(v);
      return [argument === 'options' ? given : { akBlob: made.ak, ...given }];
    },
  );
  row('ak.quote', argument, values, async (tpm, v) =>
    (await tpm.attest.load(made.ak)).quote(options(v)),
  );
};
const nonce = { pcrSelection: [0], qualifyingData: DIGEST };
quoting('options', NOT_AN_OBJECT, (v) => v);
quoting('pcrSelection', [...NOT_A_SELECTION, ...BY_BANK, undefined], (v) => ({
  ...nonce,
  pcrSelection: v,
}));
quoting('bank', NOT_A_BANK, (v) => ({ ...nonce, bank: v }));
quoting('qualifyingData', [...NOT_BYTES.filter((v) => v !== null), bytes(0), bytes(65)], (v) => ({
  ...nonce,
  qualifyingData: v,
}));
quoting('includePcrs', NOT_A_BOOLEAN, (v) => ({ ...nonce, includePcrs: v }));
row('Tpm.quote', 'akBlob', BLOBS, (_tpm, v) => Tpm.quote({ ...nonce, akBlob: v }));
row('tpm.attest.load', 'akBlob', BLOBS, (tpm, v) => tpm.attest.load(v));
row('Tpm.quote', 'akBlob', [0], () => Tpm.quote({ ...nonce, akBlob: made.decryptOnly }));

const activating = (argument, values, options) => {
  row('ak.activateCredential', argument, values, async (tpm, v) =>
    (await tpm.attest.load(made.ak)).activateCredential(options(v)),
  );
  row('Tpm.activateCredential', argument, values, (_tpm, v) => {
    const given = options(v);
    return Tpm.activateCredential(argument === 'options' ? given : { akBlob: made.ak, ...given });
  });
};
const credential = { credentialBlob: bytes(68), secret: bytes(256) };
activating('options', NOT_AN_OBJECT, (v) => v);
activating('credentialBlob', [...NOT_BYTES, undefined, bytes(0), bytes(1025)], (v) => ({
  ...credential,
  credentialBlob: v,
}));
activating('secret', [...NOT_BYTES, undefined, bytes(0), bytes(1025)], (v) => ({
  ...credential,
  secret: v,
}));
activating('ek', ['dsa', '', '0x80000000', 7, {}, 0x82000000], (v) => ({ ...credential, ek: v }));
row('tpm.attest.ek', 'type', ['', 'dsa', 7], (tpm, v) => tpm.attest.ek({ type: v }));
row('tpm.attest.ek', 'options', NOT_AN_OBJECT, (tpm, v) => tpm.attest.ek(v));

// A call's limits are checked wherever they can be given.
const limited = {
  'seal.seal': (o) => tpm.seal.seal({ data: DIGEST, ...o }),
  'seal.unseal': (o) => tpm.seal.unseal(made.sealed, o),
  'key.sign': async (o) => (await tpm.keys.load(made.ecc)).sign(DIGEST, o),
  'key.decrypt': async (o) => (await tpm.keys.load(made.rsa)).decrypt(bytes(256), o),
  'Tpm.signKeyBlob': (o) => Tpm.signKeyBlob({ keyBlob: made.ecc, digest: DIGEST, ...o }),
  'Tpm.decryptKeyBlob': (o) => Tpm.decryptKeyBlob({ keyBlob: made.rsa, cipher: bytes(256), ...o }),
  'attest.ek': (o) => tpm.attest.ek(o),
  'attest.provisionAk': (o) => tpm.attest.provisionAk(o),
  'attest.quote': (o) => tpm.attest.quote({ akBlob: made.ak, ...nonce, ...o }),
  'ak.quote': async (o) => (await tpm.attest.load(made.ak)).quote({ ...nonce, ...o }),
  'ak.activateCredential': async (o) =>
    (await tpm.attest.load(made.ak)).activateCredential({ ...credential, ...o }),
  'Tpm.activateCredential': (o) => Tpm.activateCredential({ akBlob: made.ak, ...credential, ...o }),
};
for (const [what, call] of Object.entries(limited)) {
  row(what, 'timeout', NOT_A_LIMIT, (_tpm, v) => call({ timeout: v }));
  row(what, 'signal', NOT_A_SIGNAL, (_tpm, v) => call({ signal: v }));
}

describe('bad arguments', () => run(() => tpm));

describe('malformed blobs', () => {
  /** Every proper prefix, and something behind the end. */
  const mangled = (whole) => [
    ...Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)),
    Buffer.concat([whole, bytes(1)]),
  ];

  test.each(['ecc', 'rsa', 'ak'])('%s key: every prefix of both halves', async (which) => {
    const blob = made[which];
    const load = which === 'ak' ? tpm.attest.load : tpm.keys.load;
    const { commands } = await recordCommands(async () => {
      for (const half of ['public', 'private']) {
        for (const bad of mangled(blob[half])) {
          const error = await errorOf(load({ ...blob, [half]: bad }));
          const about = `${half}, ${bad.length} bytes`;
          expect({ about, code: error.code }).toEqual({ about, code: 'INVALID_ARGUMENT' });
        }
      }
    });
    expect(commands).toEqual([]);
  });

  test.each(['sealed', 'bound'])('%s: every prefix', async (which) => {
    const { commands } = await recordCommands(async () => {
      for (const bad of mangled(made[which])) {
        const error = await errorOf(tpm.seal.unseal(bad));
        const about = `${bad.length} bytes`;
        expect({ about, code: error.code }).toEqual({ about, code: 'INVALID_ARGUMENT' });
      }
    });
    expect(commands).toEqual([]);
  });

  test("blobs of Windows' Platform Crypto Provider are NOT_SUPPORTED as keys", async () => {
    const { commands } = await recordCommands(async () => {
      for (const magic of ['PCP1', 'PCP2']) {
        const blob = { public: Buffer.concat([Buffer.from(magic), bytes(40)]), private: bytes(0) };
        for (const use of [
          () => tpm.keys.load(blob),
          () => Tpm.signKeyBlob({ keyBlob: blob, digest: DIGEST }),
          () => Tpm.decryptKeyBlob({ keyBlob: blob, cipher: bytes(256) }),
        ]) {
          const error = await errorOf(use());
          expect(error.code).toBe('NOT_SUPPORTED');
          expect(error.message + error.suggestion).toMatch(/attest|Platform Crypto Provider/);
        }
      }
    });
    expect(commands).toEqual([]);
  });
});
