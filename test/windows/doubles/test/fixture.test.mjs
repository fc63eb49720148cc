// The emulated Platform Crypto Provider against a real Windows key: same template, same policy,
// same scheme, same layout of the creation attestation and the quote.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as tpm from '../../broker/tpm_commands.mjs';
import { Reader, sized, u8, u16, u32 } from '../../broker/wire.mjs';
import * as verifier from './attestation.mjs';
import {
  closeContext,
  createKey,
  deleteKey,
  finalize,
  free,
  getProperty,
  openContext,
  openProvider,
  setProperty,
  submit,
} from './probe.mjs';
import { emulatedWindows } from './setup.mjs';

const FILE = fileURLToPath(
  new URL('../../../../../shared/vectors/pcp/windows_gcp_shielded_vm.json', import.meta.url),
);
const skip = existsSync(FILE) ? false : 'the shared vectors are not beside this clone';
const POLICY = '9dffcbf36c383ae699fb9868dc6dcb89d7153884be2803922c124158bfad22ae';
const SHA1 = 4;
const SHA256 = 11;

function realKey() {
  const { AK, Quote } = JSON.parse(readFileSync(FILE, 'utf8'));
  const bytes = (text) => Buffer.from(text, 'base64');
  return {
    binding: {
      publicArea: bytes(AK.Public),
      creationData: bytes(AK.CreateData),
      attest: bytes(AK.CreateAttestation),
      signature: bytes(AK.CreateSignature),
    },
    quote: { attest: bytes(Quote.Quote), signature: bytes(Quote.Signature) },
  };
}

const windows = emulatedWindows();

async function makeKey(probe, name, { algorithm, properties = {} } = {}) {
  const provider = await openProvider(probe);
  const key = await createKey(probe, provider.handle, name, { algorithm });
  assert.equal(key.status, 0);
  const all = { PCP_KEY_USAGE_POLICY: 8, ...properties };
  for (const [property, value] of Object.entries(all)) {
    assert.equal(await setProperty(probe, key.handle, property, value), 0, property);
  }
  assert.equal(await finalize(probe, key.handle), 0);
  return { provider: provider.handle, key: key.handle };
}

async function bindingOf(probe, key) {
  const { status, bytes } = await getProperty(probe, key, 'PCP_TPM12_IDBINDING');
  assert.equal(status, 0);
  return verifier.splitBinding(Buffer.from(bytes));
}

async function release(probe, { provider, key }) {
  assert.equal(await deleteKey(probe, key), 0);
  assert.equal(await free(probe, provider), 0);
}

// TPM2_Quote in the provider's own context, with the key's default scheme, of SHA-1 PCRs 0 to 23.
async function quote(probe, { provider, key }, qualifyingData) {
  const context = (
    await getProperty(probe, provider, 'PCP_PLATFORMHANDLE')
  ).bytes.readBigUInt64LE();
  const handle = (await getProperty(probe, key, 'PCP_PLATFORMHANDLE')).bytes.readUInt32LE();
  const auth = Buffer.concat([u32(0x40000009), u16(0), u8(0), u16(0)]);
  const selection = Buffer.concat([u32(1), u16(SHA1), u8(3), Buffer.alloc(3, 0xff)]);
  const body = [u32(handle), sized32(auth), sized(qualifyingData), u16(tpm.ALG.null), selection];
  const rest = Buffer.concat(body);
  const bytes = Buffer.concat([u16(0x8002), u32(10 + rest.length), u32(0x158), rest]);
  const { status, rc, response } = await submit(probe, context, bytes);
  assert.deepEqual([status, rc], [0, 0]);
  const reader = new Reader(response);
  reader.take(10);
  const parameters = new Reader(reader.take(reader.u32()));
  return { attest: parameters.sized(), signature: parameters.rest() };
}
const sized32 = (bytes) => Buffer.concat([u32(bytes.length), bytes]);

test('the real key satisfies the checks that the emulation has to satisfy', { skip }, () => {
  const { binding, quote } = realKey();
  assert.deepEqual(verifier.doubts(binding), []);
  assert.equal(verifier.signatureHolds(binding.publicArea, quote.attest, quote.signature), true);
  assert.equal(verifier.parseRsaPublic(binding.publicArea).policy, POLICY);
  const forged = { ...binding, attest: Buffer.from(binding.attest) };
  forged.attest[60] ^= 1;
  assert.deepEqual(verifier.doubts(forged), ['signature']);
});

test('an emulated key looks like the real one', { skip }, async () => {
  const made = await makeKey(windows.admin, 'like-the-real-one');
  const binding = await bindingOf(windows.admin, made.key);
  assert.deepEqual(verifier.shape(binding), verifier.shape(realKey().binding));
  await release(windows.admin, made);
});

test('an emulated quote looks like the real one', { skip }, async () => {
  const made = await makeKey(windows.admin, 'quotes-like-the-real-one');
  const { publicArea } = await bindingOf(windows.admin, made.key);
  const ours = await quote(windows.admin, made, Buffer.alloc(0));
  const real = realKey().quote;
  const looks = ({ attest, signature }) => {
    const { magic, type, signer, extraData, attested } = verifier.parseAttest(attest);
    const signed = verifier.parseSignature(signature);
    return {
      ...{ magic, type, signer: signer.length, extraData: extraData.length },
      attested: attested.length,
      selection: attested.subarray(0, 10).toString('hex'),
      signature: { ...signed, bytes: signed.bytes.length },
    };
  };
  assert.deepEqual(looks(ours), looks(real));
  assert.equal(verifier.signatureHolds(publicArea, ours.attest, ours.signature), true);
  await release(windows.admin, made);
});

test('sizes, attributes, policy and scheme of an identity key', async () => {
  const made = await makeKey(windows.user, 'sizes');
  const binding = await bindingOf(windows.user, made.key);
  const { sizes, public: area } = verifier.shape(binding);
  assert.deepEqual(sizes, [312, 115, 139, 262]);
  assert.deepEqual(area, {
    ...{ type: 1, nameAlg: SHA256, attributes: 0x50472, policy: POLICY, symmetric: 0x10 },
    ...{ scheme: 0x14, hash: SHA1, bits: 2048, exponent: 0, modulus: 256, left: 0 },
  });
  assert.deepEqual(verifier.doubts(binding), []);
  await release(windows.user, made);
});

test('the TPM computes the same policy digest from the five branches', async () => {
  const { handle: context } = await openContext(windows.user);
  const send = async (code, handles, body) => {
    const rest = Buffer.concat([...handles.map(u32), ...body]);
    const bytes = Buffer.concat([u16(0x8001), u32(10 + rest.length), u32(code), rest]);
    const { response, rc } = await submit(windows.user, context, bytes);
    assert.equal(rc, 0);
    return response;
  };
  const trial = async (steps) => {
    const start = [sized(Buffer.alloc(16)), u16(0), u8(3), u16(0x10), u16(SHA256)];
    const session = (await send(0x176, [0x40000007, 0x40000007], start)).readUInt32BE(10);
    for (const [code, ...body] of steps) await send(code, [session], body);
    const digest = (await send(0x189, [session], [])).subarray(12);
    await send(0x165, [session], []);
    return digest;
  };
  const authValue = [0x16b];
  const commandCode = (code) => [0x16c, u32(code)];
  const branches = [
    await trial([authValue]),
    await trial([commandCode(0x150), authValue]),
    await trial([commandCode(0x148), authValue]),
    await trial([commandCode(0x147), authValue]),
    await trial([commandCode(0x148)]),
  ];
  const digest = await trial([[0x171, u32(5), ...branches.map(sized)]]);
  assert.equal(digest.toString('hex'), POLICY);
  assert.equal(await closeContext(windows.user, context), 0);
});

test('the nonce becomes outsideInfo and extraData', async () => {
  const nonce = Buffer.from('0102030405060708090a0b0c0d0e0f1011121314', 'hex');
  const properties = { PCP_TPM12_IDBINDING: nonce };
  const made = await makeKey(windows.admin, 'with-nonce', { properties });
  const binding = await bindingOf(windows.admin, made.key);
  assert.deepEqual(verifier.parseCreationData(binding.creationData).outsideInfo, nonce);
  assert.deepEqual(verifier.parseAttest(binding.attest).extraData, nonce);
  assert.deepEqual(verifier.doubts(binding), []);
  await release(windows.admin, made);
});

test('SHA-256 where it was asked for', async () => {
  const properties = { PCP_RSA_SCHEME: 0x14, PCP_RSA_SCHEME_HASH_ALG: 0x0b };
  const made = await makeKey(windows.admin, 'sha256', { properties });
  const binding = await bindingOf(windows.admin, made.key);
  assert.equal(verifier.parseRsaPublic(binding.publicArea).hash, SHA256);
  assert.equal(verifier.parseSignature(binding.signature).hash, SHA256);
  const { attest, signature } = await quote(windows.admin, made, Buffer.from('challenge'));
  assert.equal(verifier.parseSignature(signature).hash, SHA256);
  assert.equal(verifier.parseAttest(attest).extraData.toString(), 'challenge');
  assert.equal(verifier.signatureHolds(binding.publicArea, attest, signature), true);
  await release(windows.admin, made);
});

test('a Windows without the scheme properties keeps SHA-1', async () => {
  await windows.control.change({ schemeProperties: false });
  const provider = await openProvider(windows.admin);
  const key = await createKey(windows.admin, provider.handle, 'old-windows');
  const set = (name, value) => setProperty(windows.admin, key.handle, name, value);
  assert.equal(await set('PCP_RSA_SCHEME', 0x14), 0x80090029);
  assert.equal(await set('PCP_RSA_SCHEME_HASH_ALG', 0x0b), 0x80090029);
  assert.equal(await set('PCP_KEY_USAGE_POLICY', 8), 0);
  assert.equal(await finalize(windows.admin, key.handle), 0);
  const { signature } = await bindingOf(windows.admin, key.handle);
  assert.equal(verifier.parseSignature(signature).hash, SHA1);
  await release(windows.admin, { provider: provider.handle, key: key.handle });
});

test('an ECDSA P-256 identity key has the template that was seen on Windows', async () => {
  const made = await makeKey(windows.admin, 'ecdsa', { algorithm: 'ECDSA_P256' });
  const { publicArea, signature } = await bindingOf(windows.admin, made.key);
  const head = `0023000b000504720020${POLICY}00100018000400030010`;
  assert.equal(publicArea.subarray(0, head.length / 2).toString('hex'), head);
  assert.equal(signature.subarray(0, 4).toString('hex'), '00180004');
  await release(windows.admin, made);
});

test('what is loaded are the doubles', async () => {
  for (const library of ['tbs', 'ncrypt']) {
    const { values } = await windows.admin.call('marker', Buffer.from(`${library}.dll`));
    assert.equal(values[0].toString(), `node-tpm2 ${library} test double`);
  }
});
