// Wrapped keys in JavaScript's hands: checked on the way in, copied on the way out.
import * as check from './arguments.js';
import { LOST, pure } from './connection.js';

/** Windows' attestation keys live in the Platform Crypto Provider; their blobs begin with PCP. */
export function isProviderBlob(blob) {
  const magic = Buffer.from(blob.public).toString('latin1', 0, 4);
  return magic === 'PCP1' || magic === 'PCP2';
}

/**
 * The KeyObject for a SubjectPublicKeyInfo. node:crypto is only loaded when one is asked for: it is
 * a good part of what importing this package would cost.
 */
export function keyObject(der) {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** A blob of our own memory, so that the caller's Buffers may change. */
export function copyBlob(blob) {
  return { public: Buffer.from(blob.public), private: Buffer.from(blob.private) };
}

/** Parses a key blob, without a TPM. NOT_SUPPORTED for the Platform Crypto Provider's. */
export function parseKeyBlob(name, value) {
  const blob = copyBlob(check.keyBlob(name, value));
  return { blob, info: pure('parseKeyBlob', { blob }) };
}

/** What KeyHandle and AkHandle have in common: a wrapped key and the connection it is used on. */
export class WrappedKey {
  #connection;
  #blob;
  #info;
  #publicKey;

  /** @internal */
  constructor(connection, blob, info) {
    this.#connection = connection;
    this.#blob = blob;
    this.#info = info;
  }

  /** Runs an operation on this key. */
  _run(name, request, call) {
    return this.#connection.run(name, { blob: this.#blob, ...request }, call);
  }

  get _info() {
    return this.#info;
  }

  export() {
    return copyBlob(this.#blob);
  }

  get publicKeyDer() {
    return Buffer.from(this.#info.publicKeyDer);
  }

  get publicKey() {
    this.#publicKey ??= keyObject(this.#info.publicKeyDer);
    return this.#publicKey;
  }

  get name() {
    return Buffer.from(this.#info.name);
  }

  /** Gives the TPM's memory back. The key can still be used: it is loaded again then. */
  async close() {
    if (!this.#connection.answered) return;
    try {
      await this._run('keyRelease', {});
    } catch (error) {
      if (!LOST.includes(error.code)) throw error;
    }
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}
