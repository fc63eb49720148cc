// The properties of the Platform Crypto Provider and of its keys.
import { eccPublicBlob, parsePublic, rsaPublicBlob } from './key_blobs.mjs';
import { NcryptError, NTE } from './ncrypt_status.mjs';
import { parseSecurityDescriptor } from './security_descriptor.mjs';
import { USER } from './settings.mjs';
import * as tpm from './tpm_commands.mjs';
import { Reader, u32le, u64le, utf16 } from './wire.mjs';

const DACL_SECURITY_INFORMATION = 4;
const NONCE_SIZE = 20;
const RSA_LENGTHS = [1024, 2048];

const fail = (status) => {
  throw new NcryptError(status);
};
const terminated = (text) => Buffer.concat([utf16(text), Buffer.alloc(2)]);
function dword(value) {
  return value.length === 4 ? value.readUInt32LE() : fail(NTE.INVALID_PARAMETER);
}

// A Windows that does not know the scheme says so now, or when the key is finalised; one that knows
// no hash for it says that now, and refuses a key that was made half.
function refuseScheme(key, { settings }, property) {
  if (settings.schemeProperties) return;
  if (settings.schemeAt === 'property' || settings.schemeAt === property) {
    fail(settings.schemeStatus);
  }
  key.schemeStatus = settings.schemeStatus;
}

// What can be set while a key is being made: (key, value, flags, service).
const CREATION = {
  Length(key, value) {
    const bits = dword(value);
    const allowed = key.record.type === 'rsa' ? RSA_LENGTHS : [key.record.bits];
    if (!allowed.includes(bits)) fail(NTE.INVALID_PARAMETER);
    key.record.bits = bits;
  },
  PCP_KEY_USAGE_POLICY(key, value) {
    key.record.usage = dword(value);
  },
  PCP_RSA_SCHEME(key, value, _flags, service) {
    refuseScheme(key, service, 'scheme');
    if (key.record.type !== 'rsa' || dword(value) !== tpm.ALG.rsassa) fail(NTE.INVALID_PARAMETER);
  },
  PCP_RSA_SCHEME_HASH_ALG(key, value, _flags, service) {
    refuseScheme(key, service, 'hash');
    const hash = dword(value);
    const allowed = key.record.type === 'rsa' && [tpm.ALG.sha1, tpm.ALG.sha256].includes(hash);
    if (!allowed) fail(NTE.INVALID_PARAMETER);
    key.record.hash = hash;
  },
  PCP_TPM12_IDBINDING(key, value) {
    if (value.length !== NONCE_SIZE) fail(NTE.INVALID_PARAMETER);
    key.nonce = Buffer.from(value);
  },
  'Security Descr'(key, value, flags) {
    if (flags !== DACL_SECURITY_INFORMATION) fail(NTE.INVALID_PARAMETER);
    if (!parseSecurityDescriptor(value)) fail(NTE.INVALID_PARAMETER);
    key.record.securityDescriptor = Buffer.from(value);
  },
};

function parseActivation(value) {
  try {
    const reader = new Reader(value);
    const activation = { idObject: reader.sized(), encryptedSecret: reader.sized() };
    if (reader.left === 0) return copies(activation);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return fail(NTE.INVALID_PARAMETER);
}

const copies = (bytes) =>
  Object.fromEntries(Object.entries(bytes).map(([name, part]) => [name, Buffer.from(part)]));

/** NCryptSetProperty. */
export function setProperty(service, _call, object, name, value, flags) {
  if (object.kind === 'provider') fail(NTE.NOT_SUPPORTED);
  if (name === 'PCP_TPM12_IDACTIVATION') {
    if (!object.finalized) fail(NTE.BAD_KEY_STATE);
    object.activation = parseActivation(value);
    return;
  }
  if (!Object.hasOwn(CREATION, name)) fail(NTE.NOT_SUPPORTED);
  if (object.finalized) fail(NTE.BAD_KEY_STATE);
  CREATION[name](object, value, flags, service);
}

// Getting performs it, and it takes an administrator: PCP has to speak for the endorsement
// hierarchy.
async function activate(service, key, call) {
  if (!key.activation) fail(NTE.NOT_SUPPORTED);
  if (call.elevated === USER) fail(service.settings.userActivationStatus);
  const submit = service.submit(key.provider);
  return tpm.activateCredential(submit, key.handle, key.activation);
}

function endorsementCertificates(service, call, kind) {
  const { ekCertificates, userEkCertificates } = service.settings;
  const setting =
    call.elevated === USER && ekCertificates === 'present' ? userEkCertificates : ekCertificates;
  if (setting === 'none' || (setting === 'ecc' && kind !== 'ecc')) fail(NTE.NOT_FOUND);
  if (setting === 'error') fail(NTE.PERM);
  const certificate = service.state.certificates[kind];
  return { certificates: setting !== 'empty' && certificate ? [certificate] : [] };
}

async function publicBlob(service, provider, handle) {
  const { publicArea } = await tpm.readPublic(service.submit(provider), handle);
  const parsed = parsePublic(publicArea);
  return parsed.type === 'rsa' ? rsaPublicBlob(parsed) : eccPublicBlob(parsed);
}

async function pcrTable(service, provider) {
  const values = [];
  for (let pcr = 0; pcr < 24; pcr++) {
    values.push(await tpm.readPcr(service.submit(provider), tpm.ALG.sha256, pcr));
  }
  return Buffer.concat(values);
}

const ecCertificates = (service, _provider, call) => endorsementCertificates(service, call, 'ecc');
const rsaCertificates = (service, _provider, call) => endorsementCertificates(service, call, 'rsa');
const told = ({ ekPublic }) => ekPublic && Buffer.from(ekPublic, 'hex');
const rsaEkPublic = (service, provider) =>
  told(service.settings) ?? publicBlob(service, provider, tpm.EK);
// P-256 by the TCG's template, made for the question; Windows keeps it as a file of its own.
async function eccEkPublic(service, provider) {
  if (service.settings.ekPublic) return told(service.settings);
  const submit = service.submit(provider);
  const handle = await tpm.createEccEndorsementKey(submit);
  try {
    return await publicBlob(service, provider, handle);
  } finally {
    await tpm.flush(submit, handle);
  }
}

// (service, provider, call) -> bytes or { certificates }.
const PROVIDER = {
  Name: () => terminated('Microsoft Platform Crypto Provider'),
  'Security Descr Support'(service) {
    const { securityDescrSupport } = service.settings;
    return securityDescrSupport === 'absent'
      ? fail(NTE.NOT_SUPPORTED)
      : u32le(securityDescrSupport);
  },
  PCP_PLATFORMHANDLE: (_service, provider) => u64le(provider.context.id),
  PCP_PLATFORM_TYPE: () =>
    terminated("TPM-Version:2.0 -Level:0-Revision:1.64-VendorID:'NTP2'-Firmware:1.0"),
  PCP_PROVIDER_VERSION: () => terminated('10.0.19041.1'),
  PCP_EKPUB: rsaEkPublic,
  PCP_RSA_EKPUB: rsaEkPublic,
  PCP_ECC_EKPUB: eccEkPublic,
  PCP_SRKPUB: (service, provider) => publicBlob(service, provider, tpm.SRK),
  PCP_EKCERT: rsaCertificates,
  PCP_RSA_EKCERT: rsaCertificates,
  PCP_EKNVCERT: rsaCertificates,
  PCP_RSA_EKNVCERT: rsaCertificates,
  PCP_ECC_EKCERT: ecCertificates,
  PCP_ECC_EKNVCERT: ecCertificates,
  PCP_PCRTABLE: pcrTable,
};

// (service, key, call) -> bytes, of a finalised key.
const KEY = {
  Name: (_service, key) => terminated(key.record.name),
  'Unique Name': (service, key) => terminated(service.store.file(key.namespace, key.record.name)),
  'Algorithm Name': (_service, key) => terminated(key.record.algorithm),
  'Algorithm Group': (_service, key) => terminated(key.record.type === 'rsa' ? 'RSA' : 'ECDSA'),
  Length: (_service, key) => u32le(key.record.bits),
  'Provider Handle': (_service, key) => u64le(key.provider.id),
  PCP_KEY_USAGE_POLICY: (_service, key) => u32le(key.record.usage),
  PCP_PLATFORMHANDLE: (_service, key) => u32le(key.handle),
  PCP_PASSWORD_REQUIRED: () => Buffer.alloc(1),
  PCP_TPM12_IDBINDING: (_service, key) => key.idBinding ?? fail(NTE.NOT_SUPPORTED),
  PCP_TPM12_IDACTIVATION: activate,
  PCP_KEY_CREATIONHASH: (_service, key) => key.record.creationHash,
  PCP_KEY_CREATIONTICKET: (_service, key) => key.record.creationTicket,
  async PCP_TPM2BNAME(service, key) {
    const { name } = await tpm.readPublic(service.submit(key.provider), key.handle);
    return Buffer.concat([Buffer.from([0, name.length]), name]);
  },
  'Security Descr'(_service, key, _call, flags) {
    if (flags !== DACL_SECURITY_INFORMATION) fail(NTE.INVALID_PARAMETER);
    return key.record.securityDescriptor ?? fail(NTE.NOT_FOUND);
  },
};

/** NCryptGetProperty: the bytes, or the certificates that a store will hold. */
export async function getProperty(service, call, object, name, flags) {
  const table = object.kind === 'provider' ? PROVIDER : KEY;
  if (!Object.hasOwn(table, name)) fail(NTE.NOT_SUPPORTED);
  if (object.kind === 'key' && !object.finalized) fail(NTE.BAD_KEY_STATE);
  return table[name](service, object, call, flags);
}
