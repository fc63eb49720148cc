// The Platform Crypto Provider: NCrypt handles, persisted identity keys, activation.

import { eccPublicBlob, opaqueBlob, parsePublic, rsaPublicBlob } from './key_blobs.mjs';
import { KeyStore, namespaceOf } from './key_store.mjs';
import { NcryptError, NTE, toText } from './ncrypt_status.mjs';
import { getProperty, setProperty } from './pcp_properties.mjs';
import { grantsUserRead, parseSecurityDescriptor } from './security_descriptor.mjs';
import { USER } from './settings.mjs';
import * as tpm from './tpm_commands.mjs';
import { sized, u32le, u64le, utf16 } from './wire.mjs';

const PROVIDER_NAME = 'Microsoft Platform Crypto Provider';
const FLAG = { machine: 0x20, silent: 0x40, overwrite: 0x80, ignoreDeviceState: 0x1000 };
const ALGORITHMS = {
  RSA: { type: 'rsa', bits: 2048 },
  ECDSA_P256: { type: 'ecc', curve: 3, bits: 256 },
  ECDSA_P384: { type: 'ecc', curve: 4, bits: 384 },
  ECDSA_P521: { type: 'ecc', curve: 5, bits: 521 },
};
export const IDENTITY_KEY = 8;

/** An open provider handle; it owns one TBS context, in which its keys are loaded. */
class Provider {
  kind = 'provider';
  keys = new Set();

  constructor(id, process) {
    Object.assign(this, { id, process });
  }

  ownsHandle(handle) {
    return [...this.keys].some((key) => key.handle === handle);
  }
}

/** An open key handle. `record` is what is or will be persisted. */
class Key {
  kind = 'key';
  finalized = false;
  handle = 0; // in the provider's context, once loaded
  nonce = Buffer.alloc(0);
  usage = 0;
  idBinding = null; // of the creating handle only
  activation = null;
  overwrite = false;
  schemeStatus = 0; // that this Windows answers at the end to a scheme it does not know

  constructor(id, provider, namespace, record) {
    Object.assign(this, { id, provider, namespace, record, process: provider.process });
  }
}

export class PcpService {
  #objects = new Map();
  #nextId = 0x6c000010;

  /** @param {import('./state.mjs').State} state @param {string} folder of the persisted keys */
  constructor(state, folder) {
    this.state = state;
    this.store = new KeyStore(folder);
    this.functions = {
      NCryptOpenStorageProvider: this.#openProvider,
      NCryptCreatePersistedKey: this.#createKey,
      NCryptOpenKey: this.#openKey,
      NCryptSetProperty: this.#setProperty,
      NCryptGetProperty: this.#getProperty,
      NCryptFinalizeKey: this.#finalize,
      NCryptDeleteKey: this.#delete,
      NCryptFreeObject: this.#free,
      NCryptFreeBuffer: this.#freeBuffer,
      NCryptExportKey: this.#export,
      NCryptEnumKeys: this.#enumerate,
      NCryptIsAlgSupported: this.#isAlgorithmSupported,
    };
  }

  get settings() {
    return this.state.settings.values;
  }

  /** Runs a TPM command in the context of a provider, where nothing is blocked. */
  submit(provider) {
    return (bytes) => this.state.manager.submit(provider.context.resources, bytes);
  }

  /** Handles of a process that are still open. */
  of(process) {
    return [...this.#objects.values()].filter((object) => object.process === process);
  }

  /** The end of a process: all of its handles go. */
  async abandon(process) {
    for (const object of this.of(process)) {
      this.#objects.delete(object.id);
      if (object.kind === 'provider') await this.state.tbs.close(object.context);
    }
  }

  #add(object) {
    this.#objects.set(object.id, object);
    return { status: 0, values: [u64le(object.id)] };
  }

  #newId() {
    this.#nextId += 0x10;
    return this.#nextId;
  }

  #find(call, kind) {
    const object = this.#objects.get(Number(call.args[0].readBigUInt64LE()));
    if (object?.process === call.process && (!kind || object.kind === kind)) return object;
    this.state.violation(call, 'an NCrypt handle was used that is not open');
    throw new NcryptError(NTE.INVALID_HANDLE);
  }

  #mustBeSilent(call, flags) {
    if ((flags & FLAG.silent) === 0) this.state.violation(call, 'without NCRYPT_SILENT_FLAG');
  }

  #openProvider = (call) => {
    const [name, flags] = [toText(call.args[0]), call.args[1].readUInt32LE()];
    const { provider, providerReady, tpm: chip } = this.settings;
    if (provider === 'missing') throw new NcryptError(NTE.PROV_DLL_NOT_FOUND);
    if (provider === 'bad' || name !== PROVIDER_NAME) throw new NcryptError(NTE.BAD_PROVIDER);
    const ignore = (flags & FLAG.ignoreDeviceState) !== 0;
    if (chip === 'absent' && !ignore) throw new NcryptError(NTE.DEVICE_NOT_FOUND);
    if (!providerReady && !ignore) throw new NcryptError(NTE.DEVICE_NOT_READY);
    const object = new Provider(this.#newId(), call.process);
    object.context = this.state.tbs.open(call.process, object);
    return this.#add(object);
  };

  #namespace(call, flags) {
    const machine = (flags & FLAG.machine) !== 0;
    return namespaceOf(machine, call.elevated);
  }

  #denyMachine(call, namespace) {
    if (namespace === 'machine' && call.elevated === USER) {
      throw new NcryptError(this.settings.machineDeniedStatus);
    }
  }

  #createKey = (call) => {
    const provider = this.#find(call, 'provider');
    const [, algorithmText, nameText, , flagBytes] = call.args;
    const [algorithm, name] = [toText(algorithmText), toText(nameText)];
    const flags = flagBytes.readUInt32LE();
    this.#mustBeSilent(call, flags);
    const spec = ALGORITHMS[algorithm];
    if (!spec) throw new NcryptError(NTE.NOT_SUPPORTED);
    if (!name || name.includes('\0')) throw new NcryptError(NTE.INVALID_PARAMETER);
    const namespace = this.#namespace(call, flags);
    if (this.settings.machineDeniedAt === 'create') this.#denyMachine(call, namespace);
    const overwrite = (flags & FLAG.overwrite) !== 0 && this.settings.overwriteHonoured;
    if (this.store.has(namespace, name) && !overwrite) throw new NcryptError(NTE.EXISTS);
    const key = new Key(this.#newId(), provider, namespace, {
      ...{ name, algorithm, ...spec, hash: tpm.ALG.sha1, usage: 0, securityDescriptor: null },
    });
    key.overwrite = overwrite;
    provider.keys.add(key);
    return this.#add(key);
  };

  #openKey = async (call) => {
    const provider = this.#find(call, 'provider');
    const [name, flags] = [toText(call.args[1]), call.args[3].readUInt32LE()];
    this.#mustBeSilent(call, flags);
    const namespace = this.#namespace(call, flags);
    const record = this.store.read(namespace, name);
    if (!record) throw new NcryptError(NTE.BAD_KEYSET);
    if (namespace === 'machine' && call.elevated === USER) {
      const entries =
        record.securityDescriptor && parseSecurityDescriptor(record.securityDescriptor);
      if (!entries || !grantsUserRead(entries)) throw new NcryptError(NTE.PERM);
    }
    const key = new Key(this.#newId(), provider, namespace, record);
    key.finalized = true;
    key.handle = await tpm.load(this.submit(provider), record);
    provider.keys.add(key);
    return this.#add(key);
  };

  #setProperty = async (call) => {
    const object = this.#find(call);
    const [, nameText, value, flags] = call.args;
    await setProperty(this, call, object, toText(nameText), value, flags.readUInt32LE());
    return { status: 0 };
  };

  #getProperty = async (call) => {
    const object = this.#find(call);
    const [, nameText, flags, capacity] = call.args;
    const value = await getProperty(this, call, object, toText(nameText), flags.readUInt32LE());
    return value.certificates
      ? { status: 0, values: [null, null, null, ...value.certificates] }
      : inBuffer(value, capacity.readUInt32LE());
  };

  #finalize = async (call) => {
    const key = this.#find(call, 'key');
    this.#mustBeSilent(call, call.args[1].readUInt32LE());
    if (key.finalized) throw new NcryptError(NTE.BAD_KEY_STATE);
    this.#denyMachine(call, key.namespace);
    const { record, namespace } = key;
    // Only identity keys are emulated.
    if (record.usage !== IDENTITY_KEY) throw new NcryptError(NTE.NOT_SUPPORTED);
    if (this.store.has(namespace, record.name) && !key.overwrite) throw new NcryptError(NTE.EXISTS);

    if (key.schemeStatus) throw new NcryptError(key.schemeStatus);
    const submit = this.submit(key.provider);
    const made = await tpm.create(submit, tpm.identityTemplate(record), key.nonce);
    key.handle = await tpm.load(submit, made);
    const { attest, signature } = await tpm.certifyCreation(submit, key.handle, made, key.nonce);
    const binding = [made.publicArea, made.creationData, attest].map(sized);
    key.idBinding = Buffer.concat([...binding, signature]);
    const { privateArea, publicArea, creationHash, creationTicket } = made;
    Object.assign(record, { privateArea, publicArea, creationHash, creationTicket });
    this.store.write(namespace, record);
    key.finalized = true;
    return { status: 0 };
  };

  async #release(key) {
    this.#objects.delete(key.id);
    key.provider.keys.delete(key);
    if (key.handle !== 0) await tpm.flush(this.submit(key.provider), key.handle);
  }

  #delete = async (call) => {
    const key = this.#find(call, 'key');
    this.#mustBeSilent(call, call.args[1].readUInt32LE());
    if (!key.finalized) throw new NcryptError(NTE.BAD_KEY_STATE);
    this.#denyMachine(call, key.namespace);
    if (this.store.has(key.namespace, key.record.name)) {
      this.store.remove(key.namespace, key.record.name);
    }
    await this.#release(key);
    return { status: 0 };
  };

  #free = async (call) => {
    const object = this.#find(call);
    if (object.kind === 'key') {
      await this.#release(object);
      return { status: 0 };
    }
    if (object.keys.size > 0) {
      this.state.violation(call, 'the provider was freed before its keys');
      for (const key of object.keys) this.#objects.delete(key.id);
    }
    this.#objects.delete(object.id);
    await this.state.tbs.close(object.context);
    return { status: 0 };
  };

  #freeBuffer = (call) => {
    this.state.violation(call, 'NCryptFreeBuffer of what NCrypt did not give out');
    return { status: NTE.INVALID_PARAMETER };
  };

  #export = (call) => {
    const key = this.#find(call, 'key');
    const [, type, , capacity] = call.args;
    if (!key.finalized) throw new NcryptError(NTE.BAD_KEY_STATE);
    const parsed = parsePublic(key.record.publicArea);
    const blob = {
      RSAPUBLICBLOB: () => parsed.type === 'rsa' && rsaPublicBlob(parsed),
      ECCPUBLICBLOB: () => parsed.type === 'ecc' && eccPublicBlob(parsed),
      OpaqueKeyBlob: () => opaqueBlob(key.record),
    }[toText(type)]?.();
    if (!blob) throw new NcryptError(NTE.NOT_SUPPORTED);
    return inBuffer(blob, capacity.readUInt32LE());
  };

  #enumerate = (call) => {
    this.#find(call, 'provider');
    const [, index, flags] = call.args.map((bytes) => bytes.readUInt32LE());
    const record = this.store.list(this.#namespace(call, flags))[index];
    return { status: 0, values: record ? [utf16(record.name), utf16(record.algorithm)] : [] };
  };

  #isAlgorithmSupported = (call) => {
    this.#find(call, 'provider');
    return { status: toText(call.args[1]) in ALGORITHMS ? 0 : NTE.NOT_SUPPORTED };
  };
}

// A capacity of 0xffffffff is the call without a buffer, which asks for the size.
function inBuffer(bytes, capacity) {
  const size = u32le(bytes.length);
  if (capacity === 0xffffffff) return { status: 0, values: [null, size] };
  if (capacity < bytes.length) return { status: NTE.BUFFER_TOO_SMALL, values: [null, size] };
  return { status: 0, values: [bytes, size] };
}
