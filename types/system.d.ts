// The TPM itself, and its PCRs.
/// <reference types="node" />
import type { KeyObject } from 'node:crypto';
import type { Bytes, CallOptions, HashAlgorithm } from './common.js';

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
export type PcrSelectionByBank = {
  readonly [bank in HashAlgorithm]?: readonly number[] | undefined;
};

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
