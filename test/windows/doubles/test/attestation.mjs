// Reads what an identity key is made of, and judges it as a verifier would. Used for the real
// Windows key of the shared vectors and for the emulation's keys alike.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { Reader } from '../../broker/wire.mjs';

const HASHES = { 4: 'sha1', 11: 'sha256' };

/** Splits a PCP_TPM12_IDBINDING value. */
export function splitBinding(bytes) {
  const reader = new Reader(bytes);
  return {
    publicArea: reader.sized(),
    creationData: reader.sized(),
    attest: reader.sized(),
    signature: reader.rest(),
  };
}

export function parseRsaPublic(bytes) {
  const reader = new Reader(bytes);
  const fields = {
    type: reader.u16(),
    nameAlg: reader.u16(),
    attributes: reader.u32(),
    policy: reader.sized().toString('hex'),
    symmetric: reader.u16(),
    scheme: reader.u16(),
    hash: reader.u16(),
    bits: reader.u16(),
    exponent: reader.u32(),
    modulus: reader.sized(),
  };
  return { ...fields, left: reader.left };
}

export function parseCreationData(bytes) {
  const reader = new Reader(bytes);
  const fields = {
    selections: reader.u32(),
    pcrDigest: reader.sized().toString('hex'),
    locality: reader.u8(),
    parentNameAlg: reader.u16(),
    parentName: reader.sized(),
    parentQualifiedName: reader.sized(),
    outsideInfo: reader.sized(),
  };
  return { ...fields, left: reader.left };
}

export function parseAttest(bytes) {
  const reader = new Reader(bytes);
  const head = {
    magic: reader.u32(),
    type: reader.u16(),
    signer: reader.sized(),
    extraData: reader.sized(),
  };
  reader.take(17 + 8); // clock and firmware version
  return { ...head, attested: reader.rest() };
}

export function parseSignature(bytes) {
  const reader = new Reader(bytes);
  const fields = { scheme: reader.u16(), hash: reader.u16(), bytes: reader.sized() };
  return { ...fields, left: reader.left };
}

/** What must be alike for every identity key of a kind: everything but what is random or hashed. */
export function shape({ publicArea, creationData, attest, signature }) {
  const rsa = parseRsaPublic(publicArea);
  const creation = parseCreationData(creationData);
  const statement = parseAttest(attest);
  const attested = new Reader(statement.attested);
  const signed = parseSignature(signature);
  return {
    sizes: [publicArea, creationData, attest, signature].map(({ length }) => length),
    public: { ...rsa, modulus: rsa.modulus.length },
    creation: {
      ...creation,
      parentName: creation.parentName.subarray(0, 2).toString('hex') + creation.parentName.length,
      parentQualifiedName: creation.parentQualifiedName.length,
      outsideInfo: creation.outsideInfo.length,
    },
    attest: {
      magic: statement.magic,
      type: statement.type,
      signer: statement.signer.length,
      extraData: statement.extraData.length,
      objectName: attested.sized().length,
      creationHash: attested.sized().length,
      left: attested.left,
    },
    signature: { ...signed, bytes: signed.bytes.length },
  };
}

export const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
export const nameOf = (publicArea) => Buffer.concat([Buffer.from([0, 11]), sha256(publicArea)]);

export function rsaKey(publicArea) {
  const { modulus, exponent } = parseRsaPublic(publicArea);
  const e = Buffer.from((exponent || 65537).toString(16).padStart(6, '0'), 'hex');
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: e.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

export function signatureHolds(publicArea, message, signature) {
  const { hash, bytes } = parseSignature(signature);
  return verify(HASHES[hash], message, rsaKey(publicArea), bytes);
}

/** The reasons to refuse a creation attestation; none for a good one. */
export function doubts({ publicArea, creationData, attest, signature }) {
  const { magic, type, attested } = parseAttest(attest);
  const reader = new Reader(attested);
  const found = [];
  if (magic !== 0xff544347 || type !== 0x801a) found.push('no creation attestation');
  if (!reader.sized().equals(nameOf(publicArea))) found.push('of another key');
  if (!reader.sized().equals(sha256(creationData))) found.push('of other creation data');
  if (!signatureHolds(publicArea, attest, signature)) found.push('signature');
  const { parentName, parentQualifiedName } = parseCreationData(creationData);
  const qualified = sha256(parentQualifiedName, nameOf(publicArea));
  if (!parseAttest(attest).signer.subarray(2).equals(qualified)) found.push('qualified signer');
  if (!parentName.subarray(0, 2).equals(Buffer.from([0, 11]))) found.push('parent');
  return found;
}
