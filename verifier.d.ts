/**
 * The server's half of attestation: pure functions that need no TPM, in the process that asks for
 * the proof or in any other. All are synchronous.
 *
 * Every function throws {@link TpmError} with code `INVALID_ARGUMENT`, naming the argument, for
 * arguments of a wrong type and for bytes that do not parse; with `NOT_SUPPORTED` on platforms
 * that the package has no native part for (macOS).
 */
import type { KeyObject } from 'node:crypto';
import type { Bytes, HashAlgorithm, SignatureScheme } from './index.js';

export { TpmError, type TpmErrorCode } from './index.js';

// --- Attestations ---------------------------------------------------------------------------------

/** TPMS_CLOCK_INFO, Part 2 10.11.1. */
export interface ClockInfo {
  /** Milliseconds that the TPM has been powered, over all boots. */
  clock: number;
  /** Resets since the last TPM2_Clear. */
  resetCount: number;
  /** Restarts and resumes since the last reset. */
  restartCount: number;
  /** No greater value of `clock` was reported before. */
  safe: boolean;
}

interface AttestBase {
  /** TPM2B_NAME of the signer with its ancestors. */
  qualifiedSigner: Buffer;
  /** The qualifying data, often a nonce. */
  extraData: Buffer;
  /** `resetCount` and `restartCount` carry a constant offset for keys of the owner hierarchy. */
  clockInfo: ClockInfo;
  /** `0x` and 16 hexadecimal digits; masked for keys of the owner hierarchy. */
  firmwareVersion: string;
}

/** PCR indices by bank, ascending: `{ sha256: [0, 1, 7] }`. */
export type PcrIndices = Record<string, number[]>;

/** TPMS_ATTEST, Part 2 10.12.12: one shape for each type of attestation. */
export type Attest =
  /** TPM2_Quote */
  | QuoteAttest
  /** TPM2_Certify */
  | (AttestBase & { type: 'certify'; certify: { name: Buffer; qualifiedName: Buffer } })
  /** TPM2_CertifyCreation */
  | (AttestBase & { type: 'creation'; creation: { objectName: Buffer; creationHash: Buffer } })
  /** TPM2_GetTime; `time` is milliseconds since power-on */
  | (AttestBase & {
      type: 'time';
      time: { time: number; clockInfo: ClockInfo; firmwareVersion: string };
    })
  /** TPM2_NV_Certify */
  | (AttestBase & { type: 'nv'; nv: { indexName: Buffer; offset: number; contents: Buffer } })
  /** TPM2_NV_Certify of size 0 */
  | (AttestBase & { type: 'nvDigest'; nvDigest: { indexName: Buffer; nvDigest: Buffer } })
  /** TPM2_GetSessionAuditDigest */
  | (AttestBase & {
      type: 'sessionAudit';
      sessionAudit: { exclusive: boolean; sessionDigest: Buffer };
    })
  /** TPM2_GetCommandAuditDigest; `auditCounter` is decimal */
  | (AttestBase & {
      type: 'commandAudit';
      commandAudit: {
        auditCounter: string;
        digestAlg: string;
        auditDigest: Buffer;
        commandDigest: Buffer;
      };
    });

export interface QuoteAttest extends AttestBase {
  type: 'quote';
  quote: {
    pcrSelect: PcrIndices;
    /** Over the selected PCRs' values, by the hash of the signature. */
    pcrDigest: Buffer;
  };
}

/**
 * Reads an attestation. Nothing is verified but that it begins with TPM_GENERATED.
 *
 * @param attest TPMS_ATTEST as it was signed, or TPM2B_ATTEST
 */
export function parseAttest(attest: Bytes): Attest;

// --- Public areas ---------------------------------------------------------------------------------

/** TPMA_OBJECT, Part 2 8.3. */
export type ObjectAttribute =
  | 'fixedTPM'
  | 'stClear'
  | 'fixedParent'
  | 'sensitiveDataOrigin'
  | 'userWithAuth'
  | 'adminWithPolicy'
  | 'noDA'
  | 'encryptedDuplication'
  | 'restricted'
  | 'decrypt'
  | 'sign'
  | 'x509sign';

/** TPMT_PUBLIC, Part 2 12.2.4. */
export interface PublicArea {
  /** `'rsa'`, `'ecc'`, `'keyedhash'`, `'symcipher'` */
  type: string;
  nameAlg: string;
  attributes: Record<ObjectAttribute, boolean>;
  attributesRaw: number;
  authPolicy: Buffer;
  /** The scheme that the key is bound to, such as `'rsassa'`; absent when it is chosen at use. */
  scheme?: string;
  /** The scheme's hash. */
  hash?: string;
  /** Of storage keys and symmetric keys. */
  symmetric?: { algorithm: string; bits: number; mode: string };
  /** RSA: bits of the modulus. */
  bits?: number;
  /** RSA. */
  exponent?: number;
  /** ECC: `'P-256'`, `'P-384'`, `'P-521'`, or the name of another curve. */
  curve?: string;
  /** The object's Name (Part 1, 16): its name algorithm and the digest of its public area. */
  name: Buffer;
  /** SubjectPublicKeyInfo; absent for what is no RSA or NIST-curve key, and for templates. */
  publicKeyDer?: Buffer;
  /** The same as a key, made at its first use. Not enumerable. */
  readonly publicKey?: KeyObject;
  /** TPM2B_PUBLIC, whichever form was given. */
  publicArea: Buffer;
}

/**
 * Reads a public area.
 *
 * @param publicArea TPM2B_PUBLIC or TPMT_PUBLIC
 */
export function parsePublic(publicArea: Bytes): PublicArea;

// --- Credentials ----------------------------------------------------------------------------------

/** As `activateCredential()` takes it. */
export interface Credential {
  /** TPMS_ID_OBJECT, without a size in front. */
  credentialBlob: Buffer;
  /** The encrypted seed, without a size in front. */
  secret: Buffer;
}

export interface MakeCredentialOptions {
  /**
   * The endorsement key. Best as TPM2B_PUBLIC, which says its algorithms; of DER or PEM (a
   * SubjectPublicKeyInfo or a certificate) or a KeyObject the profile of the TCG is assumed:
   * SHA-256 and AES-128 for RSA-2048 and P-256, SHA-384 and AES-256 for RSA-3072, RSA-4096 and
   * P-384, SHA-512 and AES-256 for P-521.
   *
   * Whose key it is has to be known otherwise, by the EK certificate.
   */
  ekPublic: Bytes | string | KeyObject;
  /** The attestation key's Name: bare (34 bytes with SHA-256) or as TPM2B_NAME. */
  akName: Bytes;
  /** 1 byte to the size of the EK's name algorithm: up to 32 for the common EKs. */
  secret: Bytes;
}

/**
 * TPM2_MakeCredential (Part 1, 24) in software: encrypts `secret` so that only the TPM that holds
 * the EK can recover it, and only if it holds the key with this Name too. Who sends the secret
 * back has proved both.
 */
export function makeCredential(options: MakeCredentialOptions): Credential;

/**
 * Reads a credential that others made.
 *
 * @param credential what `tpm2_makecredential` writes, or TPM2B_ID_OBJECT and
 *   TPM2B_ENCRYPTED_SECRET one after the other
 */
export function parseCredential(credential: Bytes): Credential;

// --- Verification ---------------------------------------------------------------------------------

/** One finding. `ok` is null, and `reason` `'not checked'`, when what it needs was not given. */
export interface Check<Name extends string = string> {
  name: Name;
  ok: boolean | null;
  /** For people; always there when `ok` is not true. */
  reason?: string;
}

/** Who must have signed: one of the two keys at least, and both are to be the same key. */
export interface SignerOptions {
  /** SubjectPublicKeyInfo or certificate, in DER or PEM, or a KeyObject. */
  akPublicKey?: Bytes | string | KeyObject | undefined;
  /** TPM2B_PUBLIC or TPMT_PUBLIC; what makes the checks `restricted` and `fixedTPM` possible. */
  akPublic?: Bytes | undefined;
  /**
   * How it must be signed. What a TPMT_SIGNATURE and the public area say must be the same; where
   * nobody says anything it is RSASSA or ECDSA with SHA-256. SHA-1 is never assumed: somebody has
   * to name it, and the check's `reason` tells who.
   */
  scheme?: SignatureScheme | undefined;
  hash?: HashAlgorithm | undefined;
}

export interface VerifyQuoteOptions extends SignerOptions {
  /** TPMS_ATTEST, the bytes that were signed. */
  message: Bytes;
  /** TPMT_SIGNATURE; RSA octets; ECDSA as r‖s (IEEE P1363) or in DER. */
  signature: Bytes;
  /** What the quote was asked for with: a fresh nonce. */
  qualifyingData: Bytes;
  /** The PCRs that were quoted, all of them and no others: hexadecimal or bytes. */
  pcrs?: Partial<Record<HashAlgorithm, Record<number, string | Bytes>>> | undefined;
  /** An earlier, verified quote by the same key: its message, or the record of it. */
  previous?:
    | Bytes
    | {
        qualifiedSigner: Bytes | { type: 'Buffer'; data: number[] };
        clockInfo: ClockInfo;
        firmwareVersion: string;
      }
    | undefined;
}

export type QuoteCheck = Check<
  /** It begins with TPM_GENERATED. */
  | 'magic'
  /** It is an attestation of PCRs, whole and with nothing behind it. */
  | 'type'
  /** By the key. */
  | 'signature'
  /** The qualifying data, compared in constant time. */
  | 'nonce'
  /** Digest of the values given. */
  | 'pcrs'
  /** The key signs and is restricted: it never signs what was made up outside of the TPM. */
  | 'restricted'
  /** The TPM made the key, and it cannot leave. */
  | 'fixedTPM'
  /** Clock and counters went on since `previous`, and the firmware is the same. */
  | 'rollback'
>;

export interface QuoteVerdict {
  /** No check failed. What was not given was not checked: look at `checks`. */
  ok: boolean;
  checks: QuoteCheck[];
  /** What the message says, whether or not it can be believed; null when it does not parse. */
  attest: Attest | null;
}

/**
 * Verifies a quote. Whatever is wrong with the message or the signature is a verdict, never a
 * throw. Give `akPublic`: a key that is not known to be restricted can sign a forged quote. Take it
 * from where you keep what {@link makeCredential} has proved, not from the sender of the quote.
 */
export function verifyQuote(options: VerifyQuoteOptions): QuoteVerdict;

export type CreationCheck = Check<
  | 'magic'
  | 'type'
  | 'signature'
  | 'nonce'
  /** It is about the object given. */
  | 'name'
  /** Digest of the creation data given. */
  | 'creationData'
  | 'restricted'
  | 'fixedTPM'
>;

/** TPMS_CREATION_DATA, Part 2 15.1. */
export interface CreationData {
  pcrSelect: PcrIndices;
  /** Of those PCRs when the object was made. */
  pcrDigest: Buffer;
  locality: number;
  parentNameAlg: string;
  parentName: Buffer;
  parentQualifiedName: Buffer;
  outsideInfo: Buffer;
}

/** TPM2_CertifyCreation's result. The signer is the object itself when no key is given. */
export interface CreationParts {
  /** TPM2B_PUBLIC or TPMT_PUBLIC of the object. */
  public: Bytes;
  /** TPMS_CREATION_DATA or TPM2B_CREATION_DATA. */
  creationData: Bytes;
  /** TPMS_ATTEST or TPM2B_ATTEST. */
  message: Bytes;
  signature: Bytes;
}

export type VerifyCreationOptions = SignerOptions & {
  /** Given: the check `nonce` is made. */
  qualifyingData?: Bytes | undefined;
} & (
    | CreationParts
    | {
        /**
         * From Windows' Platform Crypto Provider: the bytes of PCP_TPM12_IDBINDING, or the blob
         * of an attestation key as `ak.export()` gives it there.
         */
        binding: Bytes | { public: Bytes };
      }
  );

export interface CreationVerdict {
  ok: boolean;
  checks: CreationCheck[];
  attest: Attest | null;
  /** Null when the creation data do not parse. */
  creation: CreationData | null;
  public: PublicArea;
  /** From an attestation key blob only. */
  keyName?: string;
  scope?: 'user' | 'machine';
}

/**
 * Verifies the certificate of an object's creation. Windows keeps one for its attestation keys. When
 * the object has signed it itself, it proves nothing of a TPM before the key has been activated with
 * {@link makeCredential}: the whole could be made in software. `NOT_SUPPORTED` for the binding of a
 * TPM 1.2.
 */
export function verifyCreation(options: VerifyCreationOptions): CreationVerdict;
