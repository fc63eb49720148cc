// TPM2_MakeCredential in software, for an RSA endorsement key: what a verifier does before it asks
// for an activation.
import { constants, createCipheriv, createHmac, publicEncrypt, randomBytes } from 'node:crypto';
import { sized, u32 } from '../../broker/wire.mjs';

// KDFa with SHA-256 for at most 256 bits.
function kdfa(key, label, context, bits) {
  const parts = [u32(1), Buffer.from(`${label}\0`, 'latin1'), context, u32(bits)];
  const full = createHmac('sha256', key).update(Buffer.concat(parts)).digest();
  return full.subarray(0, bits / 8);
}

/** @returns {Buffer} TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, one after the other */
export function makeCredential(ekKey, akName, secret) {
  const seed = randomBytes(32);
  const encryptedSecret = publicEncrypt(
    {
      key: ekKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from('IDENTITY\0', 'latin1'),
    },
    seed,
  );
  const aes = createCipheriv('aes-128-cfb', kdfa(seed, 'STORAGE', akName, 128), Buffer.alloc(16));
  const encrypted = Buffer.concat([aes.update(sized(secret)), aes.final()]);
  const hmac = createHmac('sha256', kdfa(seed, 'INTEGRITY', Buffer.alloc(0), 256))
    .update(encrypted)
    .update(akName)
    .digest();
  return Buffer.concat([sized(Buffer.concat([sized(hmac), encrypted])), sized(encryptedSecret)]);
}
