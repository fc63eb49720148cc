// Keys under the storage parent, and sealed data.
/// <reference types="node" />
import type { KeyObject } from 'node:crypto';
import type { Bytes, CallOptions, HashAlgorithm, SignatureScheme } from './common.js';
import type { PcrSelection } from './system.js';

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
   * Fixes the scheme in the key. Default: chosen at each signature. With `decrypt` it is
   * INVALID_ARGUMENT, as `hash` is: such a key leaves it open.
   */
  scheme?: SignatureScheme | undefined;
  /** Fixes the scheme in the key with this hash. Default with `scheme`: `'sha256'`. */
  hash?: HashAlgorithm | undefined;
  /**
   * An auth value, at most 32 bytes; zero bytes at its end do not count (Part 1). With one the key
   * counts wrong guesses (dictionary-attack protection); without one it does not.
   */
  auth?: Bytes | undefined;
}

export interface KeyLoadOptions {
  /**
   * The key's auth value, kept by the handle for its calls. At most as long as the digest in the
   * key's Name: 32 bytes for SHA-256.
   */
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
   * @param cipher as long as the key's modulus: 256 bytes for RSA 2048
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
  /** An auth value that unseal() has to give, at most 32 bytes; zero bytes at its end do not count. */
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
