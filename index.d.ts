/// <reference types="node" />
// TPM 2.0 for Node.js. Sections are those of the TCG's "Trusted Platform Module Library",
// Part 2 (structures) and Part 3 (commands).
//
// Every asynchronous function rejects with a TpmError. Every function that takes arguments checks
// them first: what does not fit is INVALID_ARGUMENT that names the argument, and nothing is sent.
// Functions take Buffers or Uint8Arrays and copy them before they return; they give Buffers.

import type {
  ActivateCredentialFlatOptions,
  AttestNamespace,
  ProvisionAkOptions,
  ProvisionAkResult,
} from './types/attest.js';
import type { Bytes, CallOptions, HandleLike, OpenOptions } from './types/common.js';
import type {
  DecryptOptions,
  KeyBlob,
  KeyBlobLike,
  KeyCreateOptions,
  KeysNamespace,
  SealNamespace,
  SignOptions,
} from './types/keys.js';
import type { NvNamespace } from './types/nv.js';
import type {
  LockoutNamespace,
  PcrNamespace,
  RandomNamespace,
  ReadPublicResult,
  TpmCapabilities,
  TpmClock,
  TpmInfo,
} from './types/system.js';

export * from './types/attest.js';
export * from './types/common.js';
export * from './types/keys.js';
export * from './types/nv.js';
export * from './types/system.js';

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
  /**
   * Whether a TPM 2.0 answers, asked with one command, within 2 seconds. Where that has to wait longer
   * behind calls of this process, it is true as long as their connection stands. Never throws, never
   * rejects; false when `signal` fires.
   */
  isAvailable(options?: OpenOptions): Promise<boolean>;
  /**
   * Connects, and asks with one command whether a TPM 2.0 answers, behind what already runs.
   * TPM_UNAVAILABLE, ACCESS_DENIED, TRANSPORT_ERROR, NOT_SUPPORTED or INVALID_ARGUMENT otherwise,
   * each with a remedy in `suggestion`.
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
