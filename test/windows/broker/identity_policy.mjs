// The policy that the Platform Crypto Provider gives its identity keys: one of five branches. The
// digests are computed here from the branches; the test compares the result with a real key's.
import { createHash } from 'node:crypto';
import { u32 } from './wire.mjs';

export const CC = {
  activateCredential: 0x147,
  certify: 0x148,
  objectChangeAuth: 0x150,
  policyAuthValue: 0x16b,
  policyCommandCode: 0x16c,
  policyOr: 0x171,
};
const EMPTY = Buffer.alloc(32);
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();

const authValue = (digest) => sha256(digest, u32(CC.policyAuthValue));
const commandCode = (digest, code) => sha256(digest, u32(CC.policyCommandCode), u32(code));

/** The branches, in the order that PolicyOR lists them. */
export const BRANCHES = [
  authValue(EMPTY),
  authValue(commandCode(EMPTY, CC.objectChangeAuth)),
  authValue(commandCode(EMPTY, CC.certify)),
  authValue(commandCode(EMPTY, CC.activateCredential)),
  commandCode(EMPTY, CC.certify),
];

export const IDENTITY_POLICY = sha256(EMPTY, u32(CC.policyOr), ...BRANCHES);
