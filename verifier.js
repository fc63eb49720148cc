// The server's half: what needs no TPM, for attestation that is checked elsewhere than it was made.
import { createPublicKey, KeyObject } from 'node:crypto';
import { types } from 'node:util';
import * as check from './lib/arguments.js';
import { pure } from './lib/connection.js';
import { invalid, TpmError } from './lib/errors.js';
import native from './native.cjs';

export { TpmError };

const SCHEMES = ['rsassa', 'rsapss', 'ecdsa'];
/** A TPMS_PCR_SELECTION names PCRs up to this one. */
const LAST_PCR = 255;
const FIRMWARE = /^0x[0-9a-f]{16}$/i;
const HEX = /^(?:[0-9a-f]{2})*$/i;

/** @param {string} name @param {object} request */
function run(name, request) {
  // Where there are no binaries at all that is by design; elsewhere the loader knows what is amiss.
  if (!native.binding && process.platform !== 'linux' && process.platform !== 'win32') {
    throw new TpmError(
      'NOT_SUPPORTED',
      `The verifier of node-tpm2 runs on Linux and Windows only, not on ${process.platform}.`,
    );
  }
  return pure(name, request);
}

/** Bytes, also as JSON has kept a Buffer. */
function revivedBytes(name, value) {
  const kept = value?.type === 'Buffer' && Array.isArray(value.data);
  return check.bytes(name, kept ? Buffer.from(value.data) : value);
}

/** A public key or certificate as bytes: DER, PEM or a KeyObject. */
function keyBytes(name, value) {
  if (value instanceof KeyObject && value.type === 'public') {
    return value.export({ type: 'spki', format: 'der' });
  }
  if (typeof value === 'string' && value !== '') return Buffer.from(value);
  if (types.isUint8Array(value) && value.length > 0) return value;
  throw invalid(name, 'a public key as DER, PEM or KeyObject', value);
}

const hexDigest = (name, bank, value) => {
  const size = check.HASH_SIZES[bank];
  if (types.isUint8Array(value) && value.length === size) {
    return Buffer.from(value).toString('hex');
  }
  if (typeof value === 'string' && value.length === 2 * size && HEX.test(value)) return value;
  throw invalid(name, `${size} bytes, or ${2 * size} hexadecimal digits`, value);
};

/** `{ sha256: { 0: hex, ... }, ... }` as a list. */
function pcrValues(value) {
  const banks = check.record('pcrs', value, 'PCR values by bank and index');
  return Object.entries(banks).flatMap(([bank, values]) => {
    check.hash('pcrs, bank', bank);
    if (values === undefined) return [];
    check.record(`pcrs.${bank}`, values, 'values by PCR index');
    return Object.entries(values).map(([key, digest]) => {
      const name = `pcrs.${bank}[${key}]`;
      const index = /^\d{1,3}$/.test(key) ? Number(key) : -1;
      check.integer(name, index, 0, LAST_PCR);
      return { bank, index, digest: hexDigest(name, bank, digest) };
    });
  });
}

/** An earlier quote: its message, or what parseAttest() or verifyQuote() made of it. */
function previousQuote(value) {
  if (types.isUint8Array(value)) {
    try {
      return run('parseAttest', { attest: value });
    } catch (error) {
      if (error.code !== 'INVALID_ARGUMENT') throw error;
      throw new TpmError('INVALID_ARGUMENT', error.message.replace(/^attest/, 'previous'));
    }
  }
  const member = (name, given) => check.record(name, given, 'an object');
  const { clockInfo, firmwareVersion, qualifiedSigner } = member('previous', value);
  const { clock, resetCount, restartCount, safe } = member('previous.clockInfo', clockInfo);
  if (typeof firmwareVersion !== 'string' || !FIRMWARE.test(firmwareVersion)) {
    throw invalid('previous.firmwareVersion', '0x and 16 hexadecimal digits', firmwareVersion);
  }
  const counter = (name, count, last) =>
    check.integer(`previous.clockInfo.${name}`, count, 0, last);
  return {
    qualifiedSigner: revivedBytes('previous.qualifiedSigner', qualifiedSigner),
    clockInfo: {
      clock: counter('clock', clock, Number.MAX_SAFE_INTEGER),
      resetCount: counter('resetCount', resetCount, 0xffffffff),
      restartCount: counter('restartCount', restartCount, 0xffffffff),
      safe: check.boolean('previous.clockInfo.safe', safe),
    },
    firmwareVersion: firmwareVersion.toLowerCase(),
  };
}

function signerArguments(options) {
  return {
    akPublicKey: check.optional(options.akPublicKey, (given) => keyBytes('akPublicKey', given)),
    akPublic: check.optional(options.akPublic, (given) =>
      check.bytes('akPublic', given, { min: 1 }),
    ),
    scheme: check.optional(options.scheme, (given) => check.oneOf('scheme', given, SCHEMES)),
    hash: check.optional(options.hash, (given) => check.hash('hash', given)),
  };
}

// --- Results: absent members are left out -------------------------------------------------------

function withoutNull(record) {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

const attestRecord = (record) => (record === null ? null : withoutNull(record));

const checkRecord = ({ name, ok, reason }) =>
  reason === null ? { name, ok } : { name, ok, reason };

function publicRecord(record) {
  const result = withoutNull(record);
  let key;
  Object.defineProperty(result, 'publicKey', {
    get() {
      const der = result.publicKeyDer;
      if (der) key ??= createPublicKey({ key: der, format: 'der', type: 'spki' });
      return key;
    },
  });
  return result;
}

// --- The functions; index.d.ts' neighbour verifier.d.ts documents their shapes --------------------

/**
 * TPMS_ATTEST (or TPM2B_ATTEST) as a record. Nothing is verified.
 * @param {Uint8Array} attest
 */
export function parseAttest(attest) {
  return attestRecord(run('parseAttest', { attest: check.bytes('attest', attest) }));
}

/**
 * TPM2B_PUBLIC (or TPMT_PUBLIC) as a record, with the object's Name and its key.
 * @param {Uint8Array} publicArea
 */
export function parsePublic(publicArea) {
  return publicRecord(run('parsePublic', { public: check.bytes('public', publicArea) }));
}

/**
 * What tpm2_makecredential writes, or TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET one after the
 * other, as activateCredential() takes it.
 * @param {Uint8Array} credential
 */
export function parseCredential(credential) {
  return run('parseCredential', { credential: check.bytes('credential', credential) });
}

/**
 * TPM2_MakeCredential in software: a secret that only the TPM with this EK gives out, and only
 * where it also holds the key named `akName`.
 */
export function makeCredential(value) {
  const options = check.options('options', value, ['ekPublic', 'akName', 'secret']);
  return run('makeCredential', {
    ekPublic: keyBytes('ekPublic', options.ekPublic),
    akName: check.bytes('akName', options.akName, { min: 1, max: 68 }),
    secret: check.bytes('secret', options.secret, { min: 1, max: 64 }),
  });
}

const SIGNER_OPTIONS = ['akPublicKey', 'akPublic', 'scheme', 'hash'];
/** Also what quote() gives beside these, for callers that spread its result. */
const QUOTE_OPTIONS = [
  ...['message', 'signature', 'qualifyingData', 'pcrs', 'previous', 'signatureTpmt'],
  ...SIGNER_OPTIONS,
];

/** Whether a quote is by this key, of these PCRs and in answer to this nonce. */
export function verifyQuote(value) {
  const options = check.options('options', value, QUOTE_OPTIONS);
  const { ok, checks, attest } = run('verifyQuote', {
    message: check.bytes('message', options.message),
    signature: check.bytes('signature', options.signature),
    signer: requireSigner(signerArguments(options)),
    qualifyingData: check.bytes('qualifyingData', options.qualifyingData),
    pcrs: check.optional(options.pcrs, pcrValues),
    previous: check.optional(options.previous, previousQuote),
  });
  return { ok, checks: checks.map(checkRecord), attest: attestRecord(attest) };
}

function requireSigner(signer) {
  if (!signer.akPublicKey && !signer.akPublic) {
    throw invalid('akPublicKey', 'a public key here, or a TPM2B_PUBLIC as akPublic', undefined);
  }
  return signer;
}

const CREATION_PARTS = ['public', 'creationData', 'message', 'signature'];

function creationParts(options) {
  const { binding } = options;
  if (binding === undefined) return options;
  for (const name of CREATION_PARTS) {
    if (options[name] !== undefined) throw invalid(name, 'nothing beside binding', options[name]);
  }
  const bytes = check.isRecord(binding) ? binding.public : binding;
  return run('parseCreation', { binding: check.bytes('binding', bytes, { min: 1 }) });
}

/** Whether the signer certifies this object's creation, with these creation data. */
export function verifyCreation(value) {
  const members = ['binding', ...CREATION_PARTS, 'qualifyingData', ...SIGNER_OPTIONS];
  const options = check.options('options', value, members);
  const parts = creationParts(options);
  const verdict = run('verifyCreation', {
    public: check.bytes('public', parts.public),
    creationData: check.bytes('creationData', parts.creationData),
    message: check.bytes('message', parts.message),
    signature: check.bytes('signature', parts.signature),
    signer: signerArguments(options),
    qualifyingData: check.optional(options.qualifyingData, (given) =>
      check.bytes('qualifyingData', given),
    ),
  });
  return {
    ok: verdict.ok,
    checks: verdict.checks.map(checkRecord),
    attest: attestRecord(verdict.attest),
    creation: verdict.creation,
    public: publicRecord(verdict.public),
    ...(parts.keyName ? { keyName: parts.keyName, scope: parts.scope } : {}),
  };
}
