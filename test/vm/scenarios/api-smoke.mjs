// At most twenty calls through the device that TCTI names: enough to see that this way to the TPM
// works, the API itself being tested elsewhere.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';
import { leftovers, NOTHING } from '../guest/tpm-bytes.mjs';

const { TCTI } = process.env;
const digest = createHash('sha256').update('smoke').digest();

function assertSigned(publicKeyDer, message, signature) {
  const key = createPublicKey({ key: publicKeyDer, format: 'der', type: 'spki' });
  assert.ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature));
}

test('the device is usable', async (t) => {
  const tpm = await t.call('Tpm.open', () => Tpm.open({ tcti: TCTI }));
  try {
    const info = await t.call('info', () => tpm.info());
    assert.equal(info.tcti, TCTI);
    assert.equal(info.spec, '2.0');

    const bytes = await t.call('random.bytes(32)', () => tpm.random.bytes(32));
    assert.equal(bytes.length, 32);
    const pcrs = await t.call('pcr.read, all 24', () =>
      tpm.pcr.read(Array.from({ length: 24 }, (_, i) => i)),
    );
    assert.equal(Object.keys(pcrs).length, 24);
    await t.call('pcr.extend', () => tpm.pcr.extend(16, digest));

    const key = await t.call('keys.create', () => tpm.keys.create({ type: 'ecc' }));
    assertSigned(
      key.publicKeyDer,
      'smoke',
      await t.call('key.sign, first', () => key.sign(digest)),
    );
    await t.call('key.sign, again', () => key.sign(digest));
    assert.deepEqual(t.sent, ['Sign']);
    const again = await t.call('keys.load', () => tpm.keys.load(key.export()));
    assertSigned(
      key.publicKeyDer,
      'smoke',
      await t.call('key.sign of the loaded one', () => again.sign(digest)),
    );

    const secret = randomBytes(64);
    const sealed = await t.call('seal.seal', () =>
      tpm.seal.seal({ data: secret, pcrSelection: [16] }),
    );
    assert.deepEqual(await t.call('seal.unseal', () => tpm.seal.unseal(sealed)), secret);
    await t.call('pcr.extend', () => tpm.pcr.extend(16, digest));
    const refused = t.call('seal.unseal, refused', () => tpm.seal.unseal(sealed));
    await assert.rejects(refused, { name: 'TpmError', code: 'AUTH_FAILED' });

    const ak = await t.call('attest.provisionAk', () => tpm.attest.provisionAk());
    const qualifyingData = randomBytes(16);
    const ask = { pcrSelection: [0, 7, 16], qualifyingData };
    const quote = await t.call('ak.quote', () => ak.quote(ask));
    assertSigned(ak.publicKeyDer, quote.message, quote.signature);
    assert.ok(quote.message.includes(qualifyingData));
  } finally {
    await t.call('close', () => tpm.close());
  }
});

// Only root may look underneath the resource manager.
if (process.getuid() === 0) {
  test('nothing is left in the TPM', () => {
    assert.deepEqual(leftovers(), NOTHING);
  });
}
