// A signing key that never leaves the TPM: made, used, kept as a blob, loaded again.
//   node examples/sign-verify.mjs [FILE]
// Signs FILE (default: this program) with a P-256 and an RSA key; node:crypto verifies.
import { createHash, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Tpm, TpmError } from 'node-tpm2';

const message = await readFile(process.argv[2] ?? new URL(import.meta.url));
const digest = createHash('sha256').update(message).digest();

/**
 * node:crypto's own verdict, with nothing of the TPM's but the public key.
 * @param {import('node-tpm2').KeyHandle} key
 * @param {Buffer} signature
 */
function verifies(key, signature) {
  const { publicKey } = key;
  return publicKey.asymmetricKeyType === 'ec'
    ? verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    : verify('sha256', message, publicKey, signature);
}

/** @param {import('node-tpm2').TpmHandle} tpm @param {'ecc' | 'rsa'} type */
async function signWith(tpm, type) {
  const key = await tpm.keys.create({ type, auth: Buffer.from('a key of its own needs a secret') });
  const signature = await key.sign(digest);
  console.log(`✓ ${type}: ${signature.length} bytes, verified: ${verifies(key, signature)}`);

  // This is what an application stores. Without this TPM it is of no use; with it, whoever has the
  // blob and the auth value can sign.
  const stored = JSON.stringify({
    public: key.export().public.toString('base64'),
    private: key.export().private.toString('base64'),
  });
  await key.close();

  const read = JSON.parse(stored);
  const blob = {
    public: Buffer.from(read.public, 'base64'),
    private: Buffer.from(read.private, 'base64'),
  };
  const again = await tpm.keys.load(blob, { auth: Buffer.from('a key of its own needs a secret') });
  try {
    const second = await again.sign(digest);
    console.log(
      `✓ ${type}: loaded from ${stored.length} characters, verified: ${verifies(again, second)}`,
    );
    if (!verifies(key, signature) || !verifies(again, second)) process.exitCode = 1;
  } finally {
    await again.close();
  }
}

let tpm;
try {
  tpm = await Tpm.open();
  await signWith(tpm, 'ecc');
  await signWith(tpm, 'rsa');
} catch (error) {
  if (!(error instanceof TpmError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  ${error.suggestion ?? ''}`);
  process.exitCode = 1;
} finally {
  await tpm?.close();
}
