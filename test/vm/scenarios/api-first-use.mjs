// Operations that need an object and the encrypting session at once, each as the first on a new
// connection: starting the session takes the storage parent, and on /dev/tpmrm0, where little is
// kept, neither may push out the object that the command is about.
import assert from 'node:assert/strict';
import { constants, createHash, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';

const DATA = randomBytes(32);
const PASSWORD = Buffer.from('password');
const PCR = 23;

async function withTpm(body) {
  const tpm = await Tpm.open();
  try {
    return await body(tpm);
  } finally {
    await tpm.close();
  }
}

function testFirstUse(name, prepare, use) {
  test(name, async (t) => {
    const prepared = await withTpm(prepare);
    await withTpm(async (tpm) => {
      assert.deepEqual(await t.call(`${name}, first use`, () => use(tpm, prepared)), DATA);
      assert.deepEqual(await t.call(`${name}, again`, () => use(tpm, prepared)), DATA);
    });
  });
}

testFirstUse(
  'seal.unseal',
  (tpm) => tpm.seal.seal({ data: DATA }),
  (tpm, blob) => tpm.seal.unseal(blob),
);

testFirstUse(
  'seal.unseal, with auth',
  (tpm) => tpm.seal.seal({ data: DATA, auth: PASSWORD }),
  (tpm, blob) => tpm.seal.unseal(blob, { auth: PASSWORD }),
);

testFirstUse(
  'seal.unseal, bound to a PCR',
  (tpm) => tpm.seal.seal({ data: DATA, pcrSelection: [PCR] }),
  (tpm, blob) => tpm.seal.unseal(blob),
);

testFirstUse(
  'key.decrypt',
  async (tpm) => {
    const key = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    const publicKey = createPublicKey({ key: key.publicKeyDer, format: 'der', type: 'spki' });
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    return { blob: key.export(), cipher: publicEncrypt({ key: publicKey, ...padding }, DATA) };
  },
  async (tpm, { blob, cipher }) => (await tpm.keys.load(blob)).decrypt(cipher),
);

test('key.sign', async (t) => {
  const blob = await withTpm(async (tpm) => (await tpm.keys.create({ type: 'ecc' })).export());
  const digest = createHash('sha256').update(DATA).digest();
  await withTpm(async (tpm) => {
    const key = await tpm.keys.load(blob);
    await t.call('key.sign, first use', () => key.sign(digest));
    await t.call('key.sign, again', () => key.sign(digest));
    assert.deepEqual(t.sent, ['Sign']);
  });
});
