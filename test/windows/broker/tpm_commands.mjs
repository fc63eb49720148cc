// The TPM commands that the emulated Platform Crypto Provider gives, each a function that takes
// `submit` (bytes to response) first.
import { BRANCHES, CC, IDENTITY_POLICY } from './identity_policy.mjs';
import { Reader, sized, u8, u16, u32 } from './wire.mjs';

export const SRK = 0x81000001;
export const EK = 0x81010001;
export const ALG = {
  rsa: 0x0001,
  sha1: 0x0004,
  aes: 0x0006,
  sha256: 0x000b,
  null: 0x0010,
  rsassa: 0x0014,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
};
const RH_OWNER = 0x40000001;
const RH_ENDORSEMENT = 0x4000000b;
const RS_PASSWORD = 0x40000009;
const IDENTITY_ATTRIBUTES = 0x00050472;
const SRK_ATTRIBUTES = 0x00030472;

/** The TPM refused a command. */
export class TpmRefused extends Error {
  constructor(purpose, code) {
    super(`${purpose}: the TPM answered 0x${code.toString(16)}`);
    this.code = code;
  }
}

const password = () => Buffer.concat([u32(RS_PASSWORD), u16(0), u8(1), u16(0)]);
// An unbound, unsalted session whose key has no auth value: the HMAC is empty.
const policy = (session) => Buffer.concat([u32(session), u16(0), u8(1), u16(0)]);

async function run(submit, purpose, code, { handles = [], auths = [], body = [] }) {
  const area = Buffer.concat(auths);
  const rest = Buffer.concat([
    ...handles.map(u32),
    ...(auths.length > 0 ? [u32(area.length), area] : []),
    ...body,
  ]);
  const tag = auths.length > 0 ? 0x8002 : 0x8001;
  const response = await submit(Buffer.concat([u16(tag), u32(10 + rest.length), u32(code), rest]));
  const reader = new Reader(response);
  reader.take(6);
  const status = reader.u32();
  if (status !== 0) throw new TpmRefused(purpose, status);
  return reader;
}

// After the handle that a response with sessions begins with, or at once, comes parameterSize.
const parameters = (reader) => new Reader(reader.take(reader.u32()));

export const flush = (submit, handle) =>
  run(submit, 'FlushContext', 0x165, { body: [u32(handle)] });

export async function readPublic(submit, handle) {
  const reader = await run(submit, 'ReadPublic', 0x173, { handles: [handle] });
  return { publicArea: reader.sized(), name: reader.sized() };
}

/** Makes the RSA storage key of Windows and keeps it at 0x81000001. */
export async function provisionSrk(submit) {
  const template = Buffer.concat([
    ...[u16(ALG.rsa), u16(ALG.sha256), u32(SRK_ATTRIBUTES), u16(0)],
    ...[u16(ALG.aes), u16(128), u16(ALG.cfb), u16(ALG.null), u16(2048), u32(0)],
    sized(Buffer.alloc(256)),
  ]);
  const made = await run(submit, 'CreatePrimary', 0x131, {
    handles: [RH_OWNER],
    auths: [password()],
    body: [sized(Buffer.alloc(4)), sized(template), u16(0), u32(0)],
  });
  const primary = made.u32();
  await run(submit, 'EvictControl', 0x120, {
    handles: [RH_OWNER, primary],
    auths: [password()],
    body: [u32(SRK)],
  });
  await flush(submit, primary);
}

// TCG EK Credential Profile, template L-2: PolicySecret(endorsement), AES-128, P-256.
const EK_POLICY = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
const EK_ATTRIBUTES = 0x000300b2;

/** Makes the P-256 endorsement key; the caller flushes its handle. */
export async function createEccEndorsementKey(submit) {
  const template = Buffer.concat([
    ...[u16(ALG.ecc), u16(ALG.sha256), u32(EK_ATTRIBUTES), sized(Buffer.from(EK_POLICY, 'hex'))],
    ...[u16(ALG.aes), u16(128), u16(ALG.cfb), u16(ALG.null), u16(3), u16(ALG.null)],
    ...[sized(Buffer.alloc(32)), sized(Buffer.alloc(32))],
  ]);
  const made = await run(submit, 'CreatePrimary', 0x131, {
    handles: [RH_ENDORSEMENT],
    auths: [password()],
    body: [sized(Buffer.alloc(4)), sized(template), u16(0), u32(0)],
  });
  return made.u32();
}

/** Extends all banks of one PCR. `digests`: algorithm id to digest. */
export const extendPcr = (submit, pcr, digests) =>
  run(submit, 'PCR_Extend', 0x182, {
    handles: [pcr],
    auths: [password()],
    body: [u32(digests.size), ...[...digests].flatMap(([alg, digest]) => [u16(alg), digest])],
  });

/** One PCR of one bank. */
export async function readPcr(submit, alg, pcr) {
  const select = Buffer.alloc(3);
  select[pcr >> 3] = 1 << (pcr & 7);
  const reader = await run(submit, 'PCR_Read', 0x17e, { body: [u32(1), u16(alg), u8(3), select] });
  reader.take(4 + 4 + 2 + 1 + 3 + 4);
  return reader.sized();
}

/** The TPMT_PUBLIC template of an identity key. `spec`: { type, bits, curve, hash }. */
export function identityTemplate({ type, bits, curve, hash }) {
  const head = [
    u16(type === 'rsa' ? ALG.rsa : ALG.ecc),
    u16(ALG.sha256),
    u32(IDENTITY_ATTRIBUTES),
    sized(IDENTITY_POLICY),
    u16(ALG.null),
  ];
  return Buffer.concat(
    type === 'rsa'
      ? [...head, u16(ALG.rsassa), u16(hash), u16(bits), u32(0), u16(0)]
      : [...head, u16(ALG.ecdsa), u16(hash), u16(curve), u16(ALG.null), u16(0), u16(0)],
  );
}

/** Makes a key under the SRK; `nonce` becomes the creation data's outsideInfo. */
export async function create(submit, template, nonce) {
  const reader = parameters(
    await run(submit, 'Create', 0x153, {
      handles: [SRK],
      auths: [password()],
      body: [sized(Buffer.alloc(4)), sized(template), sized(nonce), u32(0)],
    }),
  );
  const made = {
    privateArea: reader.sized(),
    publicArea: reader.sized(),
    creationData: reader.sized(),
    creationHash: reader.sized(),
  };
  return { ...made, creationTicket: reader.rest() };
}

/** Loads a key under the SRK and returns its handle. */
export async function load(submit, { privateArea, publicArea }) {
  const reader = await run(submit, 'Load', 0x157, {
    handles: [SRK],
    auths: [password()],
    body: [sized(privateArea), sized(publicArea)],
  });
  return reader.u32();
}

/** The key's own statement that this TPM made it. */
export async function certifyCreation(submit, handle, { creationHash, creationTicket }, nonce) {
  const reader = parameters(
    await run(submit, 'CertifyCreation', 0x14a, {
      handles: [handle, handle],
      auths: [password()],
      body: [sized(nonce), sized(creationHash), u16(ALG.null), creationTicket],
    }),
  );
  return { attest: reader.sized(), signature: reader.rest() };
}

async function startPolicy(submit) {
  const reader = await run(submit, 'StartAuthSession', 0x176, {
    handles: [0x40000007, 0x40000007],
    body: [sized(Buffer.alloc(16, 7)), u16(0), u8(1), u16(ALG.null), u16(ALG.sha256)],
  });
  return reader.u32();
}

/** Recovers a credential's secret, authorised by the identity key's policy and the EK's. */
export async function activateCredential(submit, handle, { idObject, encryptedSecret }) {
  const sessions = [];
  try {
    const forKey = await startPolicy(submit);
    sessions.push(forKey);
    const forEk = await startPolicy(submit);
    sessions.push(forEk);
    await run(submit, 'PolicyCommandCode', CC.policyCommandCode, {
      handles: [forKey],
      body: [u32(CC.activateCredential)],
    });
    await run(submit, 'PolicyAuthValue', CC.policyAuthValue, { handles: [forKey] });
    await run(submit, 'PolicyOR', CC.policyOr, {
      handles: [forKey],
      body: [u32(BRANCHES.length), ...BRANCHES.map(sized)],
    });
    await run(submit, 'PolicySecret', 0x151, {
      handles: [RH_ENDORSEMENT, forEk],
      auths: [password()],
      body: [u16(0), u16(0), u16(0), u32(0)],
    });
    const reader = await run(submit, 'ActivateCredential', CC.activateCredential, {
      handles: [handle, EK],
      auths: [policy(forKey), policy(forEk)],
      body: [sized(idObject), sized(encryptedSecret)],
    });
    return Buffer.from(parameters(reader).sized());
  } finally {
    for (const session of sessions) await flush(submit, session);
  }
}
