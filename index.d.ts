/// <reference types="node" />
// TPM 2.0 for Node.js. Sections are those of the TCG's "Trusted Platform Module Library",
// Part 2 (structures) and Part 3 (commands).
//
// Every asynchronous function rejects with a TpmError. Every function that takes arguments checks
// them first: what does not fit is INVALID_ARGUMENT that names the argument, and nothing is sent.
// Functions take Buffers or Uint8Arrays and copy them before they return; they give Buffers.

import type { KeyObject } from 'node:crypto';

/** Octets on the way in. On the way out they are always a Buffer of its own memory. */
export type Bytes = Uint8Array;

/** A TPM handle: a number, or hexadecimal digits with or without `0x` (`'0x81010001'`). */
export type HandleLike = number | string;

/** Hash algorithms that a PCR bank or a signature may have, with digests of 20, 32, 48, 64 bytes. */
export type HashAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** How a key signs. `ecdsa` is for elliptic-curve keys, the other two are for RSA keys. */
export type SignatureScheme = 'ecdsa' | 'rsassa' | 'rsapss';

// --- Errors ---------------------------------------------------------------------------------------

/**
 * Why a call failed. Stable within a major version: branch on it.
 * docs/errors.md says when each occurs and what to do about it.
 */
export type TpmErrorCode =
  | 'TPM_UNAVAILABLE'
  | 'ACCESS_DENIED'
  | 'REQUIRES_ELEVATION'
  | 'COMMAND_BLOCKED'
  | 'NOT_SUPPORTED'
  | 'INVALID_ARGUMENT'
  | 'KEY_NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'MARSHALLING_ERROR'
  | 'TRANSPORT_ERROR'
  | 'AUTH_FAILED'
  | 'TPM_RC'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'CLOSED'
  | 'RESOURCE_EXHAUSTED'
  | 'INTEGRITY';

/** What a TpmError carries beside its code and message. Each may be absent. */
export interface TpmErrorDetails {
  /** What to do about it, for people. */
  suggestion?: string;
  /** The TPM's response code as it was received (Part 2, 6.6), a resource manager's layer included. */
  tpmRc?: number;
  /** Windows: the status of TBS or of the Platform Crypto Provider. */
  hresult?: number;
  /** The command that failed: `'TPM2_Load'`. */
  command?: string;
  /** The name of `tpmRc`: `'TPM_RC_AUTH_FAIL'`. */
  rcName?: string;
  /** What `tpmRc` points at: `'session 1'`, `'parameter 2 inPublic'`, `'handle 1 keyHandle'`. */
  rcSubject?: string;
}

/** What every rejected promise and every throw of this package is. Holds no secret. */
export class TpmError extends Error implements TpmErrorDetails {
  constructor(code: TpmErrorCode, message: string, details?: TpmErrorDetails & { cause?: unknown });
  readonly name: 'TpmError';
  readonly code: TpmErrorCode;
  readonly suggestion?: string;
  readonly tpmRc?: number;
  readonly hresult?: number;
  readonly command?: string;
  readonly rcName?: string;
  readonly rcSubject?: string;
}

// --- Opening --------------------------------------------------------------------------------------

/** Limits of one call. */
export interface CallOptions {
  /** Rejects with ABORTED when it fires. What is queued is not sent; what runs is cancelled where the TPM can. */
  signal?: AbortSignal | undefined;
  /** Milliseconds, 1 to 2147483647; rejects with TIMEOUT when they have passed. Default: none. */
  timeout?: number | undefined;
}

/** Auth values of an owned TPM, at most 64 bytes each; trailing zero bytes do not count (Part 1). */
export interface HierarchyAuth {
  /** TPM_RH_OWNER: making the storage parent, NV indices. */
  owner?: Bytes | undefined;
  /** TPM_RH_ENDORSEMENT: making the EK, and its policy in activateCredential(). */
  endorsement?: Bytes | undefined;
  /** TPM_RH_LOCKOUT: lockout.reset() and lockout.configure(). */
  lockout?: Bytes | undefined;
  /** A persistent storage parent that has an auth value of its own. */
  parent?: Bytes | undefined;
}

/** How to reach a TPM, and what holds for every call on the handle. */
export interface OpenOptions extends CallOptions {
  /**
   * Which TPM: `'device:/dev/tpmrm0'`, `'swtpm:path=/run/tpm.sock'`,
   * `'swtpm:host=127.0.0.1,port=2321'`, `'mssim:host=127.0.0.1,port=2321'`.
   * Default: NODE_TPM2_TCTI, else TPM2TOOLS_TCTI from the environment (not in set-uid processes),
   * else the platform's own: on Linux /dev/tpmrm0, then /dev/tpm0 with a warning in `info()`.
   */
  tcti?: string | undefined;
  /** Parameter encryption of what carries a secret. Default true; false is for debugging. */
  encrypt?: boolean | undefined;
  auth?: HierarchyAuth | undefined;
  /**
   * The Name of the storage parent that is expected, 22 to 66 bytes: nameAlg and digest (Part 1, 16).
   * Another one is INTEGRITY, before a session is salted to it. See docs/security.md.
   */
  parentName?: Bytes | undefined;
}

// --- The TPM itself -------------------------------------------------------------------------------

/** Dictionary-attack protection: TPM_PT_PERMANENT and the lockout properties (Part 2, 6.13). */
export interface LockoutStatus {
  /** True when protected objects cannot be authorised now. */
  inLockout: boolean;
  /** Failed authorisations that are counted now. */
  counter: number;
  /** Failed authorisations that lead to lockout. */
  maxTries: number;
  /** Seconds after which one failure is forgotten. */
  recoveryTime: number;
  /** Seconds after which the lockout auth may be tried again when it failed. */
  lockoutRecovery: number;
}

/** Who the TPM is and what it can do. */
export interface TpmInfo {
  /** Four characters of TPM_PT_MANUFACTURER, padded with spaces: `'IFX '`, `'IBM '`. */
  manufacturer: string;
  /** Four decimal numbers of 16 bits each: `'7.85.4555.0'`. */
  firmwareVersion: string;
  /** A guess from the names that software TPMs give themselves. No security decision rests on it. */
  isVirtual: boolean;
  /** TPM_PT_FAMILY_INDICATOR: `'2.0'`. */
  spec: string;
  vendorString: string;
  /** The specification's revision: `'1.38'`. */
  specRevision: string;
  specYear: number;
  /** The way to this TPM, as a tcti string. */
  tcti: string;
  /** Set when /dev/tpm0 was taken for want of /dev/tpmrm0; otherwise null. */
  warning: string | null;
  /** Bytes of the longest digest. */
  maxDigest: number;
  lockout: LockoutStatus;
  /** Banks that have PCRs: `['sha1', 'sha256']`; more names than HashAlgorithm are possible. */
  pcrBanks: string[];
  /** Names of the TCG Algorithm Registry; `0x....` for one that is not known here. */
  algorithms: string[];
  /** `'P-256'`, `'BN_P256'`, ...; `0x....` for one that is not known here. */
  curves: string[];
  /** Key lengths of 1024, 2048, 3072 and 4096 that TPM2_TestParms accepts. */
  rsaSizes: number[];
}

/** One algorithm of TPM_CAP_ALGS. */
export interface AlgorithmInfo {
  name: string;
  /** TPM_ALG_ID. */
  id: number;
  /** Bits of TPMA_ALGORITHM (Part 2, 8.2). */
  attributes: (
    | 'asymmetric'
    | 'symmetric'
    | 'hash'
    | 'object'
    | 'signing'
    | 'encrypting'
    | 'method'
  )[];
}

/** What TPM2_GetCapability says (Part 3, 30.2). */
export interface TpmCapabilities {
  algorithms: AlgorithmInfo[];
  /** `'TPM2_Load'`, ...; `0x........` for one that is not known here. */
  commands: string[];
  eccCurves: string[];
  /** The PCRs of each bank. */
  pcrBanks: Record<string, number[]>;
  /** Handles that exist; transient ones and sessions as this connection sees them. */
  handles: { transient: number[]; persistent: number[]; nv: number[]; sessions: number[] };
  /** TPM_PT_FIXED and TPM_PT_VAR by name; `0x...` for one that is not known here. */
  properties: Record<string, number>;
}

/** TPM2_ReadClock (Part 3, 29.1). */
export interface TpmClock {
  /** Milliseconds since the TPM was powered or reset. */
  time: number;
  /** Milliseconds that the TPM has been powered since it was last cleared; survives power-off. */
  clock: number;
  /** TPM resets since TPM2_Clear. */
  resetCount: number;
  /** Restarts and resumes since the last reset. */
  restartCount: number;
  /** False when `clock` may have been this value before, after an unorderly shutdown. */
  safe: boolean;
}

/** The public part of an object in the TPM. */
export interface ReadPublicResult {
  handle: number;
  /** `'rsa'` or `'ecc'`. */
  type: string;
  nameAlg: string;
  /** TPMA_OBJECT as a number (Part 2, 8.3). */
  attributes: number;
  /** The bare Name: nameAlg and digest, 34 bytes for SHA-256, without a size in front. */
  name: Buffer;
  qualifiedName: Buffer;
  /** TPM2B_PUBLIC. */
  public: Buffer;
  /** SubjectPublicKeyInfo. */
  publicKeyDer: Buffer;
  publicKey: KeyObject;
}

export interface LockoutResetOptions extends CallOptions {
  /** Instead of Tpm.open()'s `auth.lockout`. */
  lockoutAuth?: Bytes | undefined;
}

export interface LockoutConfigureOptions extends LockoutResetOptions {
  /** Failures until lockout, at least 1. */
  maxTries: number;
  /** Seconds until one failure is forgotten; 0 turns the protection off. */
  recoveryTime: number;
  /** Seconds until the lockout auth may be tried again when it failed; 0: after a reset. */
  lockoutRecovery: number;
}

/** Dictionary-attack protection (Part 3, 25). */
export interface LockoutNamespace {
  status(call?: CallOptions): Promise<LockoutStatus>;
  /** TPM2_DictionaryAttackLockReset (Part 3, 25.2): forgets the counted failures. */
  reset(options?: LockoutResetOptions): Promise<void>;
  /** TPM2_DictionaryAttackParameters (Part 3, 25.3). */
  configure(options: LockoutConfigureOptions): Promise<void>;
}

export interface RandomNamespace {
  /**
   * Bytes of the TPM's generator, TPM2_GetRandom (Part 3, 16.1): one command for every 64.
   * @param count 0 to 1048576
   */
  bytes(count: number, call?: CallOptions): Promise<Buffer>;
  /**
   * Adds to the generator's state, TPM2_StirRandom (Part 3, 16.2): one command for every 128 bytes.
   * @param data 1 to 1048576 bytes
   */
  stir(data: Bytes, call?: CallOptions): Promise<void>;
}

// --- PCRs -----------------------------------------------------------------------------------------

/** PCRs by bank: `{ sha1: [0], sha256: [0, 7] }`. */
export type PcrSelectionByBank = { readonly [bank in HashAlgorithm]?: readonly number[] };

/** PCRs of one bank, 0 to 23, or of several. */
export type PcrSelection = readonly number[] | PcrSelectionByBank;

/** Lower-case hexadecimal digests by PCR. */
export type PcrValues = Record<number, string>;

/** The same by bank. This is what verifyQuote() takes as `pcrs`. */
export type PcrValuesByBank = { [bank in HashAlgorithm]?: PcrValues };

export interface PcrNamespace {
  /**
   * Reads every selected PCR, in as many TPM2_PCR_Read (Part 3, 22.4) as it takes.
   * INVALID_ARGUMENT for a PCR or bank that this TPM does not have.
   * @param bank default `'sha256'`
   */
  read(selection: readonly number[], bank?: HashAlgorithm, call?: CallOptions): Promise<PcrValues>;
  read(selection: readonly number[], call: CallOptions): Promise<PcrValues>;
  read(selection: PcrSelectionByBank, call?: CallOptions): Promise<PcrValuesByBank>;
  /**
   * Makes the PCR's value the hash of its old value and `digest`, TPM2_PCR_Extend (Part 3, 22.2).
   * Which PCRs a process may extend is the platform's rule; 16 and 23 are free on a PC.
   * INVALID_ARGUMENT for a bank that the TPM does not have.
   * @param digest as long as the bank's hash
   * @param bank default `'sha256'`
   */
  extend(index: number, digest: Bytes, bank?: HashAlgorithm, call?: CallOptions): Promise<void>;
  extend(index: number, digest: Bytes, call: CallOptions): Promise<void>;
  /**
   * Hashes `data` in the TPM and extends every bank, TPM2_PCR_Event (Part 3, 22.3).
   * @param data 1 to 1024 bytes
   * @returns the digest that each bank was extended with
   */
  event(index: number, data: Bytes, call?: CallOptions): Promise<Record<string, Buffer>>;
  /** Back to zeros, TPM2_PCR_Reset (Part 3, 22.8). On a PC only 16 and 23 can be reset. */
  reset(index: number, call?: CallOptions): Promise<void>;
  /** The PCRs of each bank that the TPM has allocated. */
  banks(call?: CallOptions): Promise<Record<string, number[]>>;
}

// --- NV storage -----------------------------------------------------------------------------------

/** The public part of an NV index. */
export interface NvPublic {
  handle: number;
  /** Bytes. */
  dataSize: number;
  /** TPMA_NV as a number (Part 2, 13.4). */
  attributes: number;
  type: 'ordinary' | 'counter' | 'bits' | 'extend' | 'pinfail' | 'pinpass' | 'unknown';
  nameAlg: string;
  /** The bare Name. */
  name: Buffer;
  /** Empty when there is none. */
  authPolicy: Buffer;
}

export interface NvDefineOptions extends CallOptions {
  /** 0x01800000 to 0x01bfffff, the owner's range; others are INVALID_ARGUMENT. */
  handle: HandleLike;
  /** Bytes, 1 to 65535; a TPM's own limit is often 2048. */
  size: number;
  /** The index's password, at most 64 bytes. */
  auth?: Bytes | undefined;
  /** Instead of Tpm.open()'s `auth.owner`. */
  ownerAuth?: Bytes | undefined;
  /**
   * TPMA_NV instead of the default: OWNERREAD, OWNERWRITE and NO_DA; with `auth` AUTHREAD, AUTHWRITE
   * and NO_DA, so that the password alone opens it.
   */
  attributes?: number | undefined;
}

export interface NvNamespace {
  /**
   * TPM2_NV_Read (Part 3, 31.13), in as many commands as the TPM's buffer asks for.
   * The index's attributes decide who authorises: its password when `auth` was given and counts,
   * else the owner, else the empty password, else the platform.
   * KEY_NOT_FOUND when there is no such index, AUTH_FAILED when none of these may read it.
   * @param offset bytes, default 0
   * @param size bytes; default: to the end
   * @param auth the index's password
   * @param ownerAuth instead of Tpm.open()'s `auth.owner`
   */
  read(
    handle: HandleLike,
    offset?: number,
    size?: number,
    auth?: Bytes,
    ownerAuth?: Bytes,
    call?: CallOptions,
  ): Promise<Buffer>;
  read(handle: HandleLike, call: CallOptions): Promise<Buffer>;
  /**
   * TPM2_NV_Write (Part 3, 31.7), in as many commands as the TPM's buffer asks for: a failure half
   * way leaves the first part written. Authorised as read() is.
   * @param data at least 1 byte; must fit the index at `offset`
   */
  write(
    handle: HandleLike,
    data: Bytes,
    offset?: number,
    auth?: Bytes,
    ownerAuth?: Bytes,
    call?: CallOptions,
  ): Promise<void>;
  write(handle: HandleLike, data: Bytes, call: CallOptions): Promise<void>;
  /** TPM2_NV_ReadPublic (Part 3, 31.6). KEY_NOT_FOUND when there is no such index. */
  readPublic(handle: HandleLike, call?: CallOptions): Promise<NvPublic>;
  /** TPM2_NV_DefineSpace (Part 3, 31.3). ALREADY_EXISTS for an index that is there. */
  define(options: NvDefineOptions): Promise<void>;
  /** TPM2_NV_UndefineSpace (Part 3, 31.4): the index and its data are gone. Owner's range only. */
  undefine(handle: HandleLike, ownerAuth?: Bytes, call?: CallOptions): Promise<void>;
  undefine(handle: HandleLike, call: CallOptions): Promise<void>;
}

// --- Keys -----------------------------------------------------------------------------------------

/**
 * A key as the TPM has wrapped it. Only the TPM that made it can use it; whoever has the blob and
 * that TPM can, when the key has no auth value.
 */
export interface KeyBlob {
  /** TPM2B_PUBLIC. */
  public: Buffer;
  /** TPM2B_PRIVATE, encrypted by the storage parent. */
  private: Buffer;
}

/** The same form, for an attestation key. On Windows it names a key of the Platform Crypto Provider. */
export type AkBlob = KeyBlob;

/** A blob on the way in. */
export interface KeyBlobLike {
  public: Bytes;
  private: Bytes;
}

export interface KeyCreateOptions extends CallOptions {
  /** ECC P-256 or RSA 2048. Default `'ecc'`. */
  type?: 'ecc' | 'rsa' | undefined;
  /** Default true. */
  sign?: boolean | undefined;
  /** RSA only. Default false. One of `sign` and `decrypt` has to be true. */
  decrypt?: boolean | undefined;
  /**
   * Fixes the scheme in the key. Default: chosen at each signature. A key that also decrypts
   * leaves it open.
   */
  scheme?: SignatureScheme | undefined;
  /** Fixes the scheme in the key with this hash. Default with `scheme`: `'sha256'`. */
  hash?: HashAlgorithm | undefined;
  /**
   * An auth value, at most 64 bytes. With one the key counts wrong guesses (dictionary-attack
   * protection); without one it does not.
   */
  auth?: Bytes | undefined;
}

export interface KeyLoadOptions {
  /** The key's auth value, kept by the handle for its calls. */
  auth?: Bytes | undefined;
}

export interface SignOptions extends CallOptions {
  /** The hash that `digest` was made with. Default: the key's own, else `'sha256'`. */
  hash?: HashAlgorithm | undefined;
  /** Default: the key's own, else `'ecdsa'` or `'rsassa'`. */
  scheme?: SignatureScheme | undefined;
  /** Instead of the handle's. */
  auth?: Bytes | undefined;
}

export interface DecryptOptions extends CallOptions {
  /** OAEP's hash. Default `'sha256'`. */
  hash?: HashAlgorithm | undefined;
  /** Instead of the handle's. */
  auth?: Bytes | undefined;
}

/** What KeyHandle and AkHandle have in common. */
export interface WrappedKey extends AsyncDisposable {
  /** Copies, to keep and to load again on the same TPM. */
  export(): KeyBlob;
  /** SubjectPublicKeyInfo, a copy. */
  readonly publicKeyDer: Buffer;
  readonly publicKey: KeyObject;
  /** The bare Name: nameAlg and digest, 34 bytes. */
  readonly name: Buffer;
  /** Lets the TPM forget the key. A later call on the handle loads it again. */
  close(): Promise<void>;
}

/** A key under the storage parent. It stays in the TPM after its first use, while there is room. */
export class KeyHandle implements WrappedKey {
  private constructor();
  export(): KeyBlob;
  readonly publicKeyDer: Buffer;
  readonly publicKey: KeyObject;
  readonly name: Buffer;
  /**
   * TPM2_Sign (Part 3, 20.2).
   * @param digest as long as the hash's: 32 bytes for SHA-256
   * @returns ECDSA: r and s of 32 bytes each (IEEE P1363); RSA: the signature's 256 bytes
   */
  sign(digest: Bytes, options?: SignOptions): Promise<Buffer>;
  /**
   * TPM2_RSA_Decrypt with OAEP and an empty label (Part 3, 14.3).
   * @param cipher 256 bytes for RSA 2048
   */
  decrypt(cipher: Bytes, options?: DecryptOptions): Promise<Buffer>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface KeysNamespace {
  /** Makes a key in the TPM, TPM2_Create (Part 3, 12.1). It is not stored there: keep `export()`. */
  create(options?: KeyCreateOptions): Promise<KeyHandle>;
  /**
   * A handle for a blob. Parses it, and asks the TPM only when the key is used: a blob of another
   * TPM is INTEGRITY then. What does not parse is INVALID_ARGUMENT, a blob of Windows' Platform
   * Crypto Provider NOT_SUPPORTED.
   */
  load(blob: KeyBlobLike, options?: KeyLoadOptions): Promise<KeyHandle>;
}

// --- Sealed data ----------------------------------------------------------------------------------

export interface SealOptions extends CallOptions {
  /** 1 to 128 bytes. */
  data: Bytes;
  /** Binds to the present values of these PCRs (PolicyPCR, Part 3, 23.7). */
  pcrSelection?: PcrSelection | undefined;
  /** Of `pcrSelection` when that is an array. Default `'sha256'`. */
  bank?: HashAlgorithm | undefined;
  /** An auth value that unseal() has to give, at most 64 bytes. */
  auth?: Bytes | undefined;
}

export interface UnsealOptions extends CallOptions {
  auth?: Bytes | undefined;
}

export interface SealNamespace {
  /** A blob that only this TPM opens (TPM2_Create of a keyed-hash object, Part 3, 12.1). */
  seal(options: SealOptions): Promise<Buffer>;
  /**
   * TPM2_Unseal (Part 3, 12.7). AUTH_FAILED when the PCRs differ from those at sealing or the auth
   * value is wrong, INTEGRITY for another TPM's blob, INVALID_ARGUMENT for what is no seal blob.
   */
  unseal(blob: Bytes, options?: UnsealOptions): Promise<Buffer>;
}

// --- Attestation ----------------------------------------------------------------------------------

export interface ProvisionAkOptions extends CallOptions {
  /** P-256 or RSA 2048. Default `'ecc'`, on Windows `'rsa'`. */
  algorithm?: 'ecc' | 'rsa' | undefined;
  /** Windows: the key's name in the Platform Crypto Provider. Elsewhere without effect. */
  keyName?: string | undefined;
  /** Windows: whose key it is. Default `'user'`. Elsewhere without effect. */
  scope?: 'user' | 'machine' | undefined;
  /** Windows: replace a key of that name. Default false. Elsewhere without effect. */
  overwrite?: boolean | undefined;
}

/** Tpm.provisionAk()'s result. */
export interface ProvisionAkResult {
  /** SubjectPublicKeyInfo. */
  akPublicDer: Buffer;
  akBlob: AkBlob;
}

export interface QuoteOptions extends CallOptions {
  pcrSelection: PcrSelection;
  /** Of `pcrSelection` when that is an array. Default `'sha256'`. */
  bank?: HashAlgorithm | undefined;
  /** The verifier's nonce, 1 to 64 bytes; a TPM may allow no more than its longest digest. */
  qualifyingData?: Bytes | undefined;
  /** Also read the PCRs; the values are those that the quote's digest is of. Default false. */
  includePcrs?: boolean | undefined;
}

export interface QuoteFlatOptions extends QuoteOptions {
  akBlob: KeyBlobLike;
}

/** What a verifier needs, beside the AK's public key and the nonce that it chose. */
export interface QuoteResult {
  /** TPMS_ATTEST as it was signed (Part 2, 10.12). */
  message: Buffer;
  /** ECDSA: r and s (IEEE P1363); RSA: the signature's bytes. */
  signature: Buffer;
  /** The same as TPMT_SIGNATURE (Part 2, 11.3). */
  signatureTpmt: Buffer;
  scheme: SignatureScheme;
  hash: HashAlgorithm;
  /** With `includePcrs`. Always by bank. */
  pcrs?: PcrValuesByBank;
}

export interface ActivateCredentialOptions extends CallOptions {
  /** TPMS_ID_OBJECT, bare or with its size in front (Part 2, 12.4.3). */
  credentialBlob: Bytes;
  /** The encrypted seed, bare or with its size in front (Part 2, 11.4.3). */
  secret: Bytes;
  /** Which EK: by type, or a persistent handle (0x81......). Default: by the shape of `secret`. */
  ek?: 'rsa' | 'ecc' | HandleLike | undefined;
}

export interface ActivateCredentialFlatOptions extends ActivateCredentialOptions {
  akBlob: KeyBlobLike;
}

/** A restricted signing key: it signs what the TPM itself made, and nothing else that looks so. */
export class AkHandle implements WrappedKey {
  private constructor();
  export(): AkBlob;
  readonly publicKeyDer: Buffer;
  readonly publicKey: KeyObject;
  readonly name: Buffer;
  /** TPM2_Quote (Part 3, 18.4). INVALID_ARGUMENT for a PCR that the TPM does not have. */
  quote(options: QuoteOptions): Promise<QuoteResult>;
  /**
   * TPM2_ActivateCredential (Part 3, 12.5): the secret of a makeCredential() for this key's Name
   * and this TPM's EK. On Windows for the RSA EK only, REQUIRES_ELEVATION but for administrators.
   */
  activateCredential(options: ActivateCredentialOptions): Promise<Buffer>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EkOptions extends CallOptions {
  /** RSA 2048 or P-256, the low-range templates of the TCG. Default `'rsa'`. */
  type?: 'rsa' | 'ecc' | undefined;
}

/** The endorsement key's public half. */
export interface EkResult {
  type: 'rsa' | 'ecc';
  /** Where it is persistent; null when it was made from its template for this call. */
  handle: number | null;
  /** The bare Name. */
  name: Buffer;
  /** TPM2B_PUBLIC. */
  public: Buffer;
  /** SubjectPublicKeyInfo. */
  publicKeyDer: Buffer;
  publicKey: KeyObject;
}

export interface AttestNamespace {
  /**
   * The EK certificate that the manufacturer left in NV, DER: the RSA one at 0x01c00002, else the
   * ECC one at 0x01c0000a; null when there is none. On Windows one that the system keeps outside the
   * TPM comes first. It is not verified.
   */
  ekCertificate(call?: CallOptions): Promise<Buffer | null>;
  /** Makes an attestation key. It is not stored in the TPM: keep `export()`. */
  provisionAk(options?: ProvisionAkOptions): Promise<AkHandle>;
  /** An AkHandle for a blob that was exported. Asks the TPM only when it is used. */
  load(blob: KeyBlobLike): Promise<AkHandle>;
  /** As AkHandle.quote(), for a blob. */
  quote(options: QuoteFlatOptions): Promise<QuoteResult>;
  /** The EK: the persistent one that matches the template, else made from it, without keeping it. */
  ek(options?: EkOptions): Promise<EkResult>;
}

// --- The handle -----------------------------------------------------------------------------------

/** An open TPM. Handles of one tcti in a process share one connection and its thread. */
export class TpmHandle implements AsyncDisposable {
  private constructor();
  readonly random: RandomNamespace;
  readonly lockout: LockoutNamespace;
  readonly pcr: PcrNamespace;
  readonly nv: NvNamespace;
  readonly keys: KeysNamespace;
  readonly seal: SealNamespace;
  readonly attest: AttestNamespace;
  info(call?: CallOptions): Promise<TpmInfo>;
  capabilities(call?: CallOptions): Promise<TpmCapabilities>;
  /**
   * TPM2_SelfTest (Part 3, 10.2).
   * @param full default true; false tests only what was not tested yet
   */
  selfTest(full?: boolean, call?: CallOptions): Promise<void>;
  selfTest(call: CallOptions): Promise<void>;
  /** TPM2_ReadClock (Part 3, 29.1). */
  clock(call?: CallOptions): Promise<TpmClock>;
  /**
   * TPM2_ReadPublic (Part 3, 12.4) of a transient or persistent key.
   * KEY_NOT_FOUND when there is none at that handle.
   */
  readPublic(handle: HandleLike, call?: CallOptions): Promise<ReadPublicResult>;
  /**
   * Lets go of the TPM. What this handle has queued is rejected with CLOSED, what runs goes on. The
   * last handle to close flushes what was kept in the TPM. Can be called more than once.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Tpm.createKey()'s result. */
export interface CreateKeyResult {
  /** SubjectPublicKeyInfo. */
  publicKeyDer: Buffer;
  keyBlob: KeyBlob;
}

export interface SignKeyBlobOptions extends SignOptions {
  keyBlob: KeyBlobLike;
  /** As long as the hash's: 32 bytes for SHA-256. */
  digest: Bytes;
}

export interface DecryptKeyBlobOptions extends DecryptOptions {
  keyBlob: KeyBlobLike;
  cipher: Bytes;
}

/**
 * The way in, and the flat forms of the base functions. Flat functions use the default TPM (see
 * OpenOptions.tcti), share one connection, and give it up after a second without calls.
 */
export declare const Tpm: Readonly<{
  /** Whether a TPM 2.0 answers, within 2 seconds. Never throws, never rejects. */
  isAvailable(options?: OpenOptions): Promise<boolean>;
  /**
   * Connects, and asks whether a TPM 2.0 answers. TPM_UNAVAILABLE, ACCESS_DENIED, TRANSPORT_ERROR,
   * NOT_SUPPORTED or INVALID_ARGUMENT otherwise, each with a remedy in `suggestion`.
   */
  open(options?: OpenOptions): Promise<TpmHandle>;

  getFixedProperties: TpmHandle['info'];
  info: TpmHandle['info'];
  randomBytes: RandomNamespace['bytes'];
  pcrRead: PcrNamespace['read'];
  pcrExtend: PcrNamespace['extend'];
  readPublic: TpmHandle['readPublic'];
  readEkCertificate: AttestNamespace['ekCertificate'];
  nvRead: NvNamespace['read'];
  nvWrite: NvNamespace['write'];
  nvReadPublic: NvNamespace['readPublic'];
  nvDefine: NvNamespace['define'];
  nvUndefine: NvNamespace['undefine'];
  /** As keys.create(), without a handle. */
  createKey(options?: KeyCreateOptions): Promise<CreateKeyResult>;
  /** As KeyHandle.sign(), for a blob. */
  signKeyBlob(options: SignKeyBlobOptions): Promise<Buffer>;
  /** As KeyHandle.decrypt(), for a blob. */
  decryptKeyBlob(options: DecryptKeyBlobOptions): Promise<Buffer>;
  seal: SealNamespace['seal'];
  unseal: SealNamespace['unseal'];
  /** As attest.provisionAk(), without a handle. */
  provisionAk(options?: ProvisionAkOptions): Promise<ProvisionAkResult>;
  quote: AttestNamespace['quote'];
  /** As AkHandle.activateCredential(), for a blob. */
  activateCredential(options: ActivateCredentialFlatOptions): Promise<Buffer>;
}>;

// --- Tracing --------------------------------------------------------------------------------------

/**
 * What subscribers of the diagnostics channel `'tpm2'` get for each command, after the call that it
 * belongs to has ended. Secrets are shown as their length.
 */
export interface TraceEvent {
  /** `'TPM2_Load'`. */
  command: string;
  /** The command's handles and parameters as text. */
  request: string;
  /** The response's as text; empty when the TPM refused. */
  response: string;
  /** Of the authorisations: `'password'`, or a session's handle; empty when there were none given. */
  sessions: string;
  /** 0 for success. */
  rc: number;
  /** Empty for success. */
  rcName: string;
  /** From sending to the whole answer. */
  microseconds: number;
  /** Bytes. */
  commandSize: number;
  /** Bytes. */
  responseSize: number;
}
