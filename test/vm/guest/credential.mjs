// The verifier's half of credential activation for an RSA-2048 EK, from the specification (Part 1,
// 24 and annex B.10.4) with node:crypto only, so that it shares nothing with what it checks.
import {
  constants,
  createCipheriv,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

const SEED_SIZE = 32;
const AES_128 = 128;
const HMAC_SHA_256 = 256;

/**
 * @param {Buffer} modulus of the EK, whose exponent is 65537
 * @param {Buffer} name of the object, without size prefix
 * @param {Buffer} secret
 * @returns {{ credentialBlob: Buffer, secret: Buffer }} as activateCredential takes them
 */
export function makeCredential(modulus, name, secret) {
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const seed = randomBytes(SEED_SIZE);
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const encryptedSeed = publicEncrypt(
    { key, ...padding, oaepLabel: Buffer.from('IDENTITY\0') },
    seed,
  );

  const cipherKey = kdfa(seed, 'STORAGE', name, AES_128);
  const cipher = createCipheriv('aes-128-cfb', cipherKey, Buffer.alloc(16));
  const identity = Buffer.concat([cipher.update(sized(secret)), cipher.final()]);
  const hmacKey = kdfa(seed, 'INTEGRITY', Buffer.alloc(0), HMAC_SHA_256);
  const integrity = createHmac('sha256', hmacKey).update(identity).update(name).digest();
  return { credentialBlob: Buffer.concat([sized(integrity), identity]), secret: encryptedSeed };
}

// One block of SHA-256 is enough for both keys.
function kdfa(seed, label, context, bits) {
  const hmac = createHmac('sha256', seed).update(uint32(1)).update(`${label}\0`).update(context);
  return hmac
    .update(uint32(bits))
    .digest()
    .subarray(0, bits / 8);
}

function sized(bytes) {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
