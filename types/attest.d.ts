/// <reference types="node" />
import type { KeyObject } from 'node:crypto';
import type { Bytes, CallOptions, HandleLike, HashAlgorithm, SignatureScheme } from './common.js';
import type { AkBlob, KeyBlobLike, WrappedKey } from './keys.js';
import type { PcrSelection, PcrValuesByBank } from './system.js';

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
  /**
   * Where it is persistent; null when it was made from its template for this call, or when Windows
   * names it but it was not found persistent.
   */
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
   * TPM comes before that of the same kind in NV. It is not verified.
   */
  ekCertificate(call?: CallOptions): Promise<Buffer | null>;
  /** Makes an attestation key. It is not stored in the TPM: keep `export()`. */
  provisionAk(options?: ProvisionAkOptions): Promise<AkHandle>;
  /** An AkHandle for a blob that was exported. Asks the TPM only when it is used. */
  load(blob: KeyBlobLike): Promise<AkHandle>;
  /** As AkHandle.quote(), for a blob. */
  quote(options: QuoteFlatOptions): Promise<QuoteResult>;
  /**
   * The EK: the persistent one that matches the template, else made from it, without keeping it. On
   * Windows it is the one that Windows names, and only where it names none the one above.
   */
  ek(options?: EkOptions): Promise<EkResult>;
}
