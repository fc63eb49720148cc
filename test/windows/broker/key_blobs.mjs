// The CNG blobs that the Platform Crypto Provider hands out for TPM public areas.
import { BRANCHES } from './identity_policy.mjs';
import { ALG } from './tpm_commands.mjs';
import { Reader, sized, u16, u32le } from './wire.mjs';

const CURVES = new Map([
  [3, { cng: 'P256', bytes: 32, magic: 0x31534345 }],
  [4, { cng: 'P384', bytes: 48, magic: 0x33534345 }],
  [5, { cng: 'P521', bytes: 66, magic: 0x35534345 }],
]);
const RSA1 = 0x31415352;
const PCPM = 0x4d504350;

/** What the blobs need of a TPMT_PUBLIC. */
export function parsePublic(bytes) {
  const reader = new Reader(bytes);
  const type = reader.u16();
  reader.u16();
  reader.u32();
  reader.sized();
  const symmetric = reader.u16();
  if (symmetric !== ALG.null) reader.take(4);
  const scheme = reader.u16();
  const hash = scheme === ALG.null ? ALG.null : reader.u16();
  if (type === ALG.rsa) {
    const bits = reader.u16();
    const exponent = reader.u32() || 65537;
    return { type: 'rsa', scheme, hash, bits, exponent, modulus: reader.sized() };
  }
  const curve = reader.u16();
  if (reader.u16() !== ALG.null) reader.u16();
  return { type: 'ecc', scheme, hash, curve, x: reader.sized(), y: reader.sized() };
}

/** BCRYPT_RSAKEY_BLOB: a little-endian head, then exponent and modulus, big-endian. */
export function rsaPublicBlob({ bits, exponent, modulus }) {
  const bytes = Buffer.from(exponent.toString(16).padStart(6, '0'), 'hex');
  const head = [RSA1, bits, bytes.length, modulus.length, 0, 0].map(u32le);
  return Buffer.concat([...head, bytes, modulus]);
}

/** BCRYPT_ECCKEY_BLOB of an ECDSA public key. */
export function eccPublicBlob({ curve, x, y }) {
  const { bytes, magic } = CURVES.get(curve);
  const pad = (coordinate) => Buffer.concat([Buffer.alloc(bytes - coordinate.length), coordinate]);
  return Buffer.concat([u32le(magic), u32le(bytes), pad(x), pad(y)]);
}

/** The provider's own blob of a key: a head of 0x38 bytes, both areas, the list of branches. */
export function opaqueBlob({ publicArea, privateArea }) {
  const parts = [sized(publicArea), sized(privateArea)];
  const policies = Buffer.concat(
    [...BRANCHES.slice(0, 4), Buffer.alloc(0), BRANCHES[4]].map(sized),
  );
  const sizes = [parts[0].length, parts[1].length, 0, 0, policies.length, 0, 0, 0, 0];
  const head = Buffer.concat([PCPM, 0x38, 2, 0, ...sizes].map(u32le));
  return Buffer.concat([head, u16(0), Buffer.alloc(2), ...parts, policies]);
}
