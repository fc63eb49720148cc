// The base suite: every function of the base API through /dev/tpmrm0, in both forms, checked with
// node:crypto and with bytes read beside the package.
import assert from 'node:assert/strict';
import {
  constants,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { Tpm, TpmError } from 'node-tpm2';
import { makeCredential } from '../guest/credential.mjs';
import { test } from '../guest/scenario.mjs';
import {
  commands,
  endorsementModulus,
  evict,
  once,
  persistStorageKey,
  RESOURCE_MANAGED,
} from '../guest/tpm-bytes.mjs';

const MESSAGE = Buffer.from('what is signed');
const DIGEST = createHash('sha256').update(MESSAGE).digest();
const SHA_256 = 0x000b;
const PERSISTENT = 0x81000123;
const RESETTABLE = 23; // resettable, and in no other scenario

/** Opens for one test and closes after it, whatever happens. */
function testWithTpm(name, body) {
  test(name, async (t) => {
    const tpm = await Tpm.open();
    try {
      await body(t, tpm);
    } finally {
      await tpm.close();
    }
  });
}

function spki(publicKeyDer) {
  return createPublicKey({ key: publicKeyDer, format: 'der', type: 'spki' });
}

function assertSigned(publicKeyDer, message, signature) {
  const key = spki(publicKeyDer);
  assert.ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature));
}

function oaep(publicKeyDer, plain) {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  return publicEncrypt({ key: spki(publicKeyDer), ...padding }, plain);
}

/** The PCR as the TPM gives it to a program without the package. */
function rawPcr(index) {
  return once(RESOURCE_MANAGED, commands.pcrRead(SHA_256, [index]))
    .subarray(30, 62)
    .toString('hex');
}

testWithTpm('info', async (t, tpm) => {
  assert.equal(await Tpm.isAvailable(), true);
  const info = await t.call('info', () => tpm.info());
  assert.equal(info.tcti, `device:${RESOURCE_MANAGED}`);
  assert.equal(info.spec, '2.0');
  assert.equal(info.manufacturer, 'IBM ');
  assert.equal(info.isVirtual, true);
  assert.match(info.firmwareVersion, /\d/);
  for (const flat of [await Tpm.info(), await Tpm.getFixedProperties()]) {
    assert.equal(flat.manufacturer, info.manufacturer);
    assert.equal(flat.firmwareVersion, info.firmwareVersion);
  }
});

testWithTpm('random', async (t, tpm) => {
  const bytes = await t.call('random.bytes(32)', () => tpm.random.bytes(32));
  assert.equal(bytes.length, 32);
  assert.deepEqual(t.sent, ['GetRandom']);
  const many = await t.call('random.bytes(200)', () => tpm.random.bytes(200));
  assert.equal(new Set(many.toString('hex').match(/.{32}/g)).size, 12, 'no block twice');
  assert.notDeepEqual(await Tpm.randomBytes(32), await Tpm.randomBytes(32));
  assert.equal((await Tpm.randomBytes(0)).length, 0);
});

testWithTpm('PCRs', async (t, tpm) => {
  const all = Array.from({ length: 24 }, (_, index) => index);
  const pcrs = await t.call('pcr.read, all 24', () => tpm.pcr.read(all));
  for (const index of all) assert.equal(pcrs[index], rawPcr(index), `PCR ${index}`);

  const expected = createHash('sha256').update(Buffer.from(pcrs[RESETTABLE], 'hex')).update(DIGEST);
  await t.call('pcr.extend', () => tpm.pcr.extend(RESETTABLE, DIGEST));
  const once_ = expected.digest();
  assert.equal(rawPcr(RESETTABLE), once_.toString('hex'));
  await Tpm.pcrExtend(RESETTABLE, DIGEST);
  const twice = createHash('sha256').update(once_).update(DIGEST).digest('hex');
  assert.deepEqual(await Tpm.pcrRead([RESETTABLE], 'sha256'), { [RESETTABLE]: twice });
});

testWithTpm('NV indices', async (t, tpm) => {
  const handle = '0x01800100';
  const data = randomBytes(1500); // more than one NV_Read holds
  await t.call('nv.define', () => tpm.nv.define({ handle, size: data.length }));
  try {
    await t.call('nv.write, 1500 bytes', () => tpm.nv.write(handle, data));
    const { dataSize } = await t.call('nv.readPublic', () => tpm.nv.readPublic(handle));
    assert.equal(dataSize, data.length);
    assert.deepEqual(await t.call('nv.read, 1500 bytes', () => tpm.nv.read(handle)), data);
    assert.deepEqual(await Tpm.nvRead(handle, 1000, 100), data.subarray(1000, 1100));
    await Tpm.nvWrite(handle, Buffer.from('new'), 10);
    assert.deepEqual(await tpm.nv.read(handle, 10, 3), Buffer.from('new'));
    await assert.rejects(tpm.nv.define({ handle, size: 8 }), { code: 'ALREADY_EXISTS' });
  } finally {
    await t.call('nv.undefine', () => tpm.nv.undefine(handle));
  }
  await assert.rejects(tpm.nv.read(handle), { code: 'KEY_NOT_FOUND' });
});

testWithTpm('ECC keys', async (t, tpm) => {
  const key = await t.call('keys.create ecc', () => tpm.keys.create({ type: 'ecc' }));
  const signature = await t.call('key.sign, first', () => key.sign(DIGEST));
  assert.equal(signature.length, 64);
  assertSigned(key.publicKeyDer, MESSAGE, signature);
  await t.call('key.sign, again', () => key.sign(DIGEST));
  assert.deepEqual(t.sent, ['Sign']);

  const restored = await tpm.keys.load(key.export());
  const from = await t.call('key.sign of a loaded blob', () => restored.sign(DIGEST));
  assertSigned(key.publicKeyDer, MESSAGE, from);
  assert.deepEqual(restored.publicKeyDer, key.publicKeyDer);

  const flat = await Tpm.createKey({ type: 'ecc' });
  const flatSignature = await Tpm.signKeyBlob({ keyBlob: flat.keyBlob, digest: DIGEST });
  assertSigned(flat.publicKeyDer, MESSAGE, flatSignature);
});

testWithTpm('RSA keys', async (t, tpm) => {
  const signer = await t.call('keys.create rsa', () => tpm.keys.create({ type: 'rsa' }));
  assertSigned(signer.publicKeyDer, MESSAGE, await signer.sign(DIGEST));

  const opener = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
  const cipher = oaep(opener.publicKeyDer, MESSAGE);
  assert.deepEqual(await t.call('key.decrypt', () => opener.decrypt(cipher)), MESSAGE);
  const plain = await Tpm.decryptKeyBlob({ keyBlob: opener.export(), cipher });
  assert.deepEqual(plain, MESSAGE);
});

testWithTpm('sealed data', async (t, tpm) => {
  const data = randomBytes(100);
  const sealed = await t.call('seal.seal', () => tpm.seal.seal({ data }));
  assert.deepEqual(await t.call('seal.unseal', () => tpm.seal.unseal(sealed)), data);
  assert.deepEqual(await t.call('seal.unseal, again', () => tpm.seal.unseal(sealed)), data);
  assert.deepEqual(await Tpm.unseal(sealed), data);

  const bound = await Tpm.seal({ data, pcrSelection: [RESETTABLE] });
  const opened = await t.call('seal.unseal, bound to a PCR', () => tpm.seal.unseal(bound));
  assert.deepEqual(opened, data);
  await tpm.pcr.extend(RESETTABLE, DIGEST);
  await assert.rejects(tpm.seal.unseal(bound), { name: 'TpmError', code: 'AUTH_FAILED' });
});

testWithTpm('quotes', async (t, tpm) => {
  const ak = await t.call('attest.provisionAk', () => tpm.attest.provisionAk());
  const qualifyingData = randomBytes(20);
  const ask = { pcrSelection: [0, 7, RESETTABLE], qualifyingData };
  const quotes = [
    await t.call('ak.quote', () => ak.quote(ask)),
    await tpm.attest.quote({ akBlob: ak.export(), ...ask }),
    await Tpm.quote({ akBlob: ak.export(), ...ask }),
  ];
  const digest = createHash('sha256');
  for (const index of ask.pcrSelection) digest.update(Buffer.from(rawPcr(index), 'hex'));
  const pcrDigest = digest.digest();
  for (const { message, signature } of quotes) {
    assertSigned(ak.publicKeyDer, message, signature);
    assert.ok(message.includes(qualifyingData));
    assert.deepEqual(message.subarray(-32), pcrDigest);
  }
  await t.call('ak.quote, again', () => ak.quote(ask));
  assert.deepEqual(t.sent, ['Quote']);

  const flat = await Tpm.provisionAk();
  const { message, signature } = await Tpm.quote({ akBlob: flat.akBlob, ...ask });
  assertSigned(flat.akPublicDer, message, signature);
});

testWithTpm('credential activation', async (t, tpm) => {
  const ak = await tpm.attest.provisionAk();
  const akPublic = ak.export().public.subarray(2); // without the TPM2B's size
  const name = Buffer.concat([
    Buffer.from([0x00, SHA_256]),
    createHash('sha256').update(akPublic).digest(),
  ]);
  const secret = randomBytes(32);
  const credential = makeCredential(endorsementModulus(), name, secret);
  const recovered = await t.call('ak.activateCredential', () => ak.activateCredential(credential));
  assert.deepEqual(recovered, secret);
  const flat = await Tpm.activateCredential({ akBlob: ak.export(), ...credential });
  assert.deepEqual(flat, secret);

  const wrong = { ...credential, credentialBlob: Buffer.from(credential.credentialBlob) };
  wrong.credentialBlob[wrong.credentialBlob.length - 1] ^= 1;
  await assert.rejects(ak.activateCredential(wrong), { name: 'TpmError', code: 'INTEGRITY' });
});

testWithTpm('what this TPM does not have', async (t, tpm) => {
  assert.equal(await t.call('attest.ekCertificate', () => tpm.attest.ekCertificate()), null);
  assert.equal(await Tpm.readEkCertificate(), null);
  await assert.rejects(tpm.readPublic('0x81010001'), { code: 'KEY_NOT_FOUND' });
  await assert.rejects(Tpm.readPublic('0x81010001'), { code: 'KEY_NOT_FOUND' });
});

testWithTpm('a persistent key, made without the package', async (t, tpm) => {
  const { x, y } = persistStorageKey(PERSISTENT);
  try {
    for (const handle of ['0x81000123', '81000123', PERSISTENT]) {
      const read = await t.call('readPublic', () => tpm.readPublic(handle));
      const jwk = spki(read.publicKeyDer).export({ format: 'jwk' });
      assert.deepEqual([jwk.x, jwk.y], [x.toString('base64url'), y.toString('base64url')]);
    }
    assert.deepEqual(t.sent, ['ReadPublic']);
    assert.equal((await Tpm.readPublic('0x81000123')).name.length, 34);
  } finally {
    evict(PERSISTENT);
  }
  await assert.rejects(tpm.readPublic(PERSISTENT), { code: 'KEY_NOT_FOUND' });
});

testWithTpm('bad arguments reach no TPM', async (t, tpm) => {
  const key = await tpm.keys.create({ type: 'ecc' });
  const refused = [
    () => key.sign(DIGEST.subarray(1)),
    () => tpm.keys.create({ type: 'ecc', decrypt: true }),
    () => tpm.pcr.extend(24, DIGEST),
    () => tpm.keys.load({ public: Buffer.from('PCP1'), private: Buffer.alloc(0) }),
  ];
  for (const call of refused) {
    const error = await t.call('refused', call).then(
      () => assert.fail(`accepted: ${call}`),
      (reason) => reason,
    );
    assert.ok(error instanceof TpmError);
    assert.ok(['INVALID_ARGUMENT', 'NOT_SUPPORTED'].includes(error.code), `${call}: ${error.code}`);
    assert.deepEqual(t.commands, [], `${call}`);
  }
});

test('use after close', async () => {
  const tpm = await Tpm.open();
  const key = await tpm.keys.create({ type: 'ecc' });
  await tpm.close();
  await tpm.close();
  await assert.rejects(tpm.random.bytes(1), { name: 'TpmError', code: 'CLOSED' });
  await assert.rejects(key.sign(DIGEST), { name: 'TpmError', code: 'CLOSED' });
});
