// tpm.keys and KeyHandle.
import * as check from './arguments.js';
import { parseKeyBlob, WrappedKey } from './blobs.js';
import { invalid } from './errors.js';

const SCHEMES = ['ecdsa', 'rsassa', 'rsapss'];

const CREATE_OPTIONS = ['type', 'sign', 'decrypt', 'scheme', 'hash', 'auth'];
const SIGN_OPTIONS = ['hash', 'scheme', 'auth'];
const DECRYPT_OPTIONS = ['hash', 'auth'];

function createArguments(value) {
  const options = check.callable(value, CREATE_OPTIONS);
  const { type = 'ecc', decrypt = false } = options;
  const sign = options.sign ?? true;
  check.oneOf('type', type, ['ecc', 'rsa']);
  check.boolean('sign', sign);
  check.boolean('decrypt', decrypt);
  if (!sign && !decrypt) throw invalid('sign', 'sign or decrypt to be true', sign);
  if (decrypt && type === 'ecc') {
    throw invalid('decrypt', "false for type 'ecc': elliptic-curve keys do not decrypt", decrypt);
  }
  const scheme = check.optional(options.scheme, (given) => check.oneOf('scheme', given, SCHEMES));
  if (scheme && (scheme === 'ecdsa') !== (type === 'ecc')) {
    throw invalid('scheme', type === 'ecc' ? "'ecdsa'" : "'rsassa' or 'rsapss'", scheme);
  }
  const hash = check.optional(options.hash, (given) => check.hash('hash', given));
  if (decrypt) {
    // Chosen at each use: a key that signs and decrypts must not have one (Part 2, 12.2.3.5).
    for (const [name, given] of Object.entries({ scheme, hash })) {
      if (given) throw invalid(name, 'nothing beside decrypt: true', given);
    }
  }
  return {
    request: {
      type,
      sign,
      decrypt,
      scheme,
      hash,
      auth: check.optionalAuth('auth', options.auth, check.MAX_OWN_AUTH) ?? new Uint8Array(),
    },
    call: check.callOptions(options),
  };
}

/** The auth value of a key, which is at most as long as its Name's digest. */
function keyAuth(info, value) {
  const algorithmSize = 2; // the algorithm before the digest
  return check.optionalAuth('auth', value, info.name.length - algorithmSize);
}

function signArguments(info, digest, options) {
  const fixedHash = info.hash === 'null' || info.scheme === 'null' ? undefined : info.hash;
  const hash = check.hash('hash', options.hash ?? fixedHash ?? 'sha256');
  if (!info.sign) throw invalid('key', 'a key that signs', undefined);
  if (fixedHash && hash !== fixedHash) {
    throw invalid('hash', `'${fixedHash}', which is fixed in the key`, hash);
  }
  const size = check.HASH_SIZES[hash];
  const scheme = check.optional(options.scheme, (given) => check.oneOf('scheme', given, SCHEMES));
  if (scheme && (scheme === 'ecdsa') !== (info.type === 'ecc')) {
    throw invalid('scheme', info.type === 'ecc' ? "'ecdsa'" : "'rsassa' or 'rsapss'", scheme);
  }
  if (scheme && info.scheme !== 'null' && scheme !== info.scheme) {
    throw invalid('scheme', `'${info.scheme}', which is fixed in the key`, scheme);
  }
  return {
    digest: check.bytes('digest', digest, { min: size, max: size }),
    hash,
    scheme,
    auth: keyAuth(info, options.auth),
    call: check.callOptions(options),
  };
}

function decryptArguments(info, cipher, options) {
  if (info.type !== 'rsa' || !info.decrypt) {
    throw invalid('key', 'an RSA key that was created with decrypt: true', undefined);
  }
  return {
    cipher: check.bytes('cipher', cipher, { min: info.modulusSize, max: info.modulusSize }),
    hash: check.hash('hash', options.hash ?? 'sha256'),
    auth: keyAuth(info, options.auth),
    call: check.callOptions(options),
  };
}

/** A wrapped key and the TPM that can use it. Stays loaded in the TPM while it is in use. */
export class KeyHandle extends WrappedKey {
  #auth;

  /** @internal */
  constructor(connection, blob, info, auth = new Uint8Array()) {
    super(connection, blob, info);
    this.#auth = Uint8Array.from(auth);
  }

  async sign(digest, value) {
    const options = check.callable(value, SIGN_OPTIONS);
    const { call, ...request } = signArguments(this._info, digest, options);
    return this._run('keySign', { ...request, auth: request.auth ?? this.#auth }, call);
  }

  async decrypt(cipher, value) {
    const options = check.callable(value, DECRYPT_OPTIONS);
    const { call, ...request } = decryptArguments(this._info, cipher, options);
    return this._run('keyDecrypt', { ...request, auth: request.auth ?? this.#auth }, call);
  }
}

export async function createKey(connection, options) {
  const { request, call } = createArguments(options);
  return connection.run('keyCreate', request, call);
}

/** tpm.keys */
export function keysNamespace(connection) {
  return {
    async create(options) {
      const { request, call } = createArguments(options);
      // Of our own memory: the caller may wipe his while the TPM works.
      const auth = Uint8Array.from(request.auth);
      const { blob } = await connection.run('keyCreate', request, call);
      return new KeyHandle(connection, blob, parseKeyBlob('blob', blob).info, auth);
    },
    async load(value, options) {
      const { auth } = check.options('options', options, ['auth']);
      const { blob, info } = parseKeyBlob('blob', value);
      const checked = keyAuth(info, auth);
      connection.assertOpen();
      return new KeyHandle(connection, blob, info, checked);
    },
  };
}

/** The flat forms: each takes the blob that it works on. */
export async function signKeyBlob(connection, value) {
  const options = check.callable(value, ['keyBlob', 'digest', ...SIGN_OPTIONS]);
  const { blob, info } = parseKeyBlob('keyBlob', options.keyBlob);
  const { call, ...request } = signArguments(info, options.digest, options);
  const auth = request.auth ?? new Uint8Array();
  return connection.run('keySign', { blob, ...request, auth }, call);
}

export async function decryptKeyBlob(connection, value) {
  const options = check.callable(value, ['keyBlob', 'cipher', ...DECRYPT_OPTIONS]);
  const { blob, info } = parseKeyBlob('keyBlob', options.keyBlob);
  const { call, ...request } = decryptArguments(info, options.cipher, options);
  const auth = request.auth ?? new Uint8Array();
  return connection.run('keyDecrypt', { blob, ...request, auth }, call);
}
