/// <reference types="node" />
import type { Bytes, CallOptions, HandleLike } from './common.js';

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
  /** Bytes, 1 to what the TPM allows, which is often 2048; more is INVALID_ARGUMENT. */
  size: number;
  /** The index's password, at most 32 bytes; zero bytes at its end do not count. */
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
   * else the owner, else the empty password, else the platform. Of EK certificates, nonces and
   * templates the empty password goes before the owner.
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
