// What all of the API has in common: octets, handles, names of algorithms, errors, options of calls.
/// <reference types="node" />

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
