// Storage inside the TPM: defined, written, read, behind a password, removed.
//   node examples/nv-smoke.mjs [INDEX]
// INDEX: two free indices from here on are used, default 0x01800100. Needs the owner's
// authorisation, which is empty on a TPM that nobody has taken ownership of.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { Tpm, TpmError } from 'node-tpm2';

const first = Number(process.argv[2] ?? 0x01800100);
const hex = (handle) => `0x${handle.toString(16).padStart(8, '0')}`;

/** @param {import('node-tpm2').TpmHandle} tpm */
async function ownersIndex(tpm, handle) {
  const data = randomBytes(1500); // longer than what one command carries
  await tpm.nv.define({ handle, size: data.length });
  try {
    await tpm.nv.write(handle, data);
    assert.deepEqual(await tpm.nv.read(handle), data);
    await tpm.nv.write(handle, Buffer.from('patched'), 100);
    const part = await tpm.nv.read(handle, 100, 7);
    console.log(`✓ ${hex(handle)}: ${data.length} bytes written and read, 7 changed: "${part}"`);
    const { dataSize, type, attributes } = await tpm.nv.readPublic(handle);
    console.log(`✓ ${hex(handle)}: ${type}, ${dataSize} bytes, attributes ${hex(attributes)}`);
  } finally {
    await tpm.nv.undefine(handle);
  }
}

/** @param {import('node-tpm2').TpmHandle} tpm */
async function indexWithPassword(tpm, handle) {
  const auth = randomBytes(16);
  const data = Buffer.from('for those who know the password');
  await tpm.nv.define({ handle, size: data.length, auth });
  try {
    await tpm.nv.write(handle, data, 0, auth);
    assert.deepEqual(await tpm.nv.read(handle, 0, undefined, auth), data);
    const refused = await tpm.nv.read(handle).catch((error) => error);
    assert.equal(refused.code, 'AUTH_FAILED');
    console.log(`✓ ${hex(handle)}: read with its password, refused without`);
  } finally {
    await tpm.nv.undefine(handle);
  }
}

let tpm;
try {
  tpm = await Tpm.open();
  await ownersIndex(tpm, first);
  await indexWithPassword(tpm, first + 1);
  const left = (await tpm.capabilities()).handles.nv;
  console.log(`✓ removed; the TPM has ${left.length} other NV indices`);
} catch (error) {
  if (!(error instanceof TpmError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  ${error.suggestion ?? ''}`);
  process.exitCode = 1;
} finally {
  await tpm?.close();
}
