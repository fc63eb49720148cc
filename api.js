// The public API: Tpm, TpmHandle, and the flat forms of every base function.
import * as attest from './lib/attest.js';
import { connect, isAvailable } from './lib/connection.js';
import { withFlatConnection } from './lib/flat.js';
import * as keys from './lib/keys.js';
import * as nv from './lib/nv.js';
import * as sealing from './lib/seal.js';
import * as system from './lib/system.js';

export { AkHandle } from './lib/attest.js';
export { TpmError } from './lib/errors.js';
export { KeyHandle } from './lib/keys.js';

/** An open TPM. Its namespaces group what can be asked of it; close() lets go of it. */
export class TpmHandle {
  #connection;

  /** @internal Use Tpm.open(). */
  constructor(connection) {
    this.#connection = connection;
    this.random = system.randomNamespace(connection);
    this.lockout = system.lockoutNamespace(connection);
    this.pcr = system.pcrNamespace(connection);
    this.nv = nv.nvNamespace(connection);
    this.keys = keys.keysNamespace(connection);
    this.seal = sealing.sealNamespace(connection);
    this.attest = attest.attestNamespace(connection);
  }

  info(...args) {
    return system.info(this.#connection, ...args);
  }

  capabilities(...args) {
    return system.capabilities(this.#connection, ...args);
  }

  selfTest(...args) {
    return system.selfTest(this.#connection, ...args);
  }

  clock(...args) {
    return system.clock(this.#connection, ...args);
  }

  readPublic(...args) {
    return system.readPublic(this.#connection, ...args);
  }

  close() {
    return this.#connection.close();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

// A flat form: the same arguments, on the share that the flat functions have together.
const flat =
  (operation) =>
  (...args) =>
    withFlatConnection((connection) => operation(connection, ...args));

const flatKey = ({ publicKeyDer, blob }) => ({ publicKeyDer, keyBlob: blob });
const flatAk = ({ publicKeyDer, blob }) => ({ akPublicDer: publicKeyDer, akBlob: blob });

export const Tpm = Object.freeze({
  isAvailable,
  open: async (options) => new TpmHandle(await connect(options)),

  getFixedProperties: flat(system.info),
  info: flat(system.info),
  randomBytes: flat(system.randomBytes),
  pcrRead: flat(system.pcrRead),
  pcrExtend: flat(system.pcrExtend),
  readPublic: flat(system.readPublic),
  readEkCertificate: flat(attest.ekCertificate),

  nvRead: flat(nv.read),
  nvWrite: flat(nv.write),
  nvReadPublic: flat(nv.readPublic),
  nvDefine: flat(nv.define),
  nvUndefine: flat(nv.undefine),

  createKey: flat(async (connection, options) =>
    flatKey(await keys.createKey(connection, options)),
  ),
  signKeyBlob: flat(keys.signKeyBlob),
  decryptKeyBlob: flat(keys.decryptKeyBlob),
  seal: flat(sealing.seal),
  unseal: flat(sealing.unseal),

  provisionAk: flat(async (connection, options) =>
    flatAk(await attest.provisionAk(connection, options)),
  ),
  quote: flat(attest.quote),
  activateCredential: flat(attest.activateCredential),
});
