// tpm.seal: data that only this TPM gives out, and only in the state that was asked for.
import * as check from './arguments.js';
import { pure } from './connection.js';
import { invalid } from './errors.js';

const NO_AUTH = new Uint8Array();

export async function seal(connection, value) {
  const options = check.callable(value, ['data', 'pcrSelection', 'bank', 'auth']);
  if (options.pcrSelection === null) throw invalid('pcrSelection', 'a PCR selection', null);
  const request = {
    data: check.bytes('data', options.data, { min: 1, max: 128 }),
    selection:
      check.optional(options.pcrSelection, (given) =>
        check.pcrSelection('pcrSelection', given, options.bank),
      ) ?? [],
    auth: check.optionalAuth('auth', options.auth, check.MAX_OWN_AUTH) ?? NO_AUTH,
  };
  check.optional(options.bank, (given) => check.hash('bank', given));
  return connection.run('seal', request, check.callOptions(options));
}

export async function unseal(connection, blob, value) {
  const options = check.callable(value, ['auth']);
  const request = {
    blob: check.bytes('blob', blob, { min: 1, max: 8192 }),
    auth: check.optionalAuth('auth', options.auth) ?? NO_AUTH,
  };
  const call = check.callOptions(options);
  pure('checkSealBlob', { blob: request.blob });
  return connection.run('unseal', request, call);
}

export function sealNamespace(connection) {
  return {
    seal: (options) => seal(connection, options),
    unseal: (blob, options) => unseal(connection, blob, options),
  };
}
