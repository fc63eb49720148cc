// tpm.attest and AkHandle.
import * as check from './arguments.js';
import { copyBlob, isProviderBlob, keyObject, parseKeyBlob, WrappedKey } from './blobs.js';
import { pure } from './connection.js';
import { invalid } from './errors.js';

function provisionArguments(value) {
  const options = check.callable(value, ['algorithm', 'keyName', 'scope', 'overwrite']);
  return {
    request: {
      algorithm:
        check.optional(options.algorithm, (given) =>
          check.oneOf('algorithm', given, ['ecc', 'rsa']),
        ) ?? (process.platform === 'win32' ? 'rsa' : 'ecc'),
      keyName: check.optional(options.keyName, (given) =>
        check.string('keyName', given, { max: 255 }),
      ),
      scope:
        check.optional(options.scope, (given) =>
          check.oneOf('scope', given, ['user', 'machine']),
        ) ?? 'user',
      overwrite:
        check.optional(options.overwrite, (given) => check.boolean('overwrite', given)) ?? false,
    },
    call: check.callOptions(options),
  };
}

const QUOTE_OPTIONS = ['pcrSelection', 'bank', 'qualifyingData', 'includePcrs'];
const ACTIVATE_OPTIONS = ['credentialBlob', 'secret', 'ek'];

function quoteArguments(options) {
  return {
    request: {
      selection: check.pcrSelection('pcrSelection', options.pcrSelection, options.bank),
      qualifyingData:
        check.optional(options.qualifyingData, (given) =>
          check.bytes('qualifyingData', given, { min: 1, max: 64 }),
        ) ?? new Uint8Array(),
      includePcrs:
        check.optional(options.includePcrs, (given) => check.boolean('includePcrs', given)) ??
        false,
    },
    call: check.callOptions(options),
  };
}

function activateArguments(options) {
  const { ek } = options;
  const byType = ek === 'rsa' || ek === 'ecc';
  return {
    request: {
      credentialBlob: check.bytes('credentialBlob', options.credentialBlob, { min: 1, max: 1024 }),
      secret: check.bytes('secret', options.secret, { min: 1, max: 1024 }),
      ekType: byType ? ek : undefined,
      ekHandle:
        byType || ek === undefined
          ? undefined
          : check.handle('ek', ek, {
              first: 0x81000000,
              last: 0x81ffffff,
              what: "'rsa', 'ecc' or a persistent handle",
            }),
    },
    call: check.callOptions(options),
  };
}

/** Values by PCR, or by bank and PCR when the selection was by bank. */
export function pcrRecord(values, byBank) {
  const banks = {};
  for (const { bank, index, digest } of values) {
    banks[bank] ??= {};
    banks[bank][index] = digest;
  }
  return byBank ? banks : (Object.values(banks)[0] ?? {});
}

/** An attestation key's blob, whoever made it; the parsed form only where it is a plain TPM key. */
function akBlob(name, value) {
  const blob = copyBlob(check.keyBlob(name, value));
  if (isProviderBlob(blob)) return { blob, info: pure('parseProviderBlob', { blob }) };
  const { info } = parseKeyBlob(name, blob);
  if (!info.sign) throw invalid(name, 'a signing key', undefined);
  return { blob, info };
}

async function runQuote(run, options) {
  const { request, call } = quoteArguments(options);
  const { pcrs, ...quoted } = await run(request, call);
  if (pcrs === null) return quoted;
  // What verifyQuote() takes: always by bank.
  return { ...quoted, pcrs: pcrRecord(pcrs, true) };
}

/** An attestation key: restricted, so that it signs only what the TPM itself made. */
export class AkHandle extends WrappedKey {
  async quote(value) {
    const options = check.callable(value, QUOTE_OPTIONS);
    return runQuote((request, call) => this._run('quote', request, call), options);
  }

  async activateCredential(value) {
    const { request, call } = activateArguments(check.callable(value, ACTIVATE_OPTIONS));
    return this._run('activateCredential', request, call);
  }
}

export async function provisionAk(connection, options) {
  const { request, call } = provisionArguments(options);
  return connection.run('provisionAk', request, call);
}

export async function quote(connection, value) {
  const options = check.callable(value, ['akBlob', ...QUOTE_OPTIONS]);
  const { blob } = akBlob('akBlob', options.akBlob);
  return runQuote((request, call) => connection.run('quote', { blob, ...request }, call), options);
}

export async function activateCredential(connection, value) {
  const options = check.callable(value, ['akBlob', ...ACTIVATE_OPTIONS]);
  const { blob } = akBlob('akBlob', options.akBlob);
  const { request, call } = activateArguments(options);
  return connection.run('activateCredential', { blob, ...request }, call);
}

/** The endorsement key's public half: the persistent one, else made from the TCG template. */
async function endorsementKey(connection, value) {
  const options = check.callable(value, ['type']);
  const type = check.oneOf('type', options.type ?? 'rsa', ['rsa', 'ecc']);
  const result = await connection.run('ek', { type }, check.callOptions(options));
  return { ...result, publicKey: keyObject(result.publicKeyDer) };
}

export async function ekCertificate(connection, call) {
  return connection.run('ekCertificate', {}, check.callOptions(check.callable(call, [])));
}

/** tpm.attest */
export function attestNamespace(connection) {
  return {
    ekCertificate: (call) => ekCertificate(connection, call),
    async provisionAk(options) {
      const { blob } = await provisionAk(connection, options);
      return new AkHandle(connection, blob, akBlob('akBlob', blob).info);
    },
    /** An AkHandle for a blob that was exported before. */
    async load(value) {
      const { blob, info } = akBlob('akBlob', value);
      connection.assertOpen();
      return new AkHandle(connection, blob, info);
    },
    quote: (options) => quote(connection, options),
    ek: (options) => endorsementKey(connection, options),
  };
}
