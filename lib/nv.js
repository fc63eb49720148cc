// tpm.nv: the TPM's own storage.
import * as check from './arguments.js';

const OWNER_RANGE = {
  first: 0x01800000,
  last: 0x01bfffff,
  what: 'an owner NV index (EK and manufacturer indices are not touched)',
};
const MAX_INDEX_SIZE = 65535;

const positionAuth = (name, value) =>
  check.optionalPosition(value, (given) => check.auth(name, given));

export async function readPublic(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 1);
  const [handle] = positional;
  return connection.run('nvReadPublic', { handle: check.nvHandle('handle', handle) }, call);
}

export async function read(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 5);
  const [handle, offset, size, auth, ownerAuth] = positional;
  const request = {
    handle: check.nvHandle('handle', handle),
    offset: check.integer('offset', offset ?? 0, 0, MAX_INDEX_SIZE),
    size: check.optionalPosition(size, (given) => check.integer('size', given, 0, MAX_INDEX_SIZE)),
    auth: positionAuth('auth', auth),
    ownerAuth: positionAuth('ownerAuth', ownerAuth),
  };
  return connection.run('nvRead', request, call);
}

export async function write(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 2, 5);
  const [handle, data, offset, auth, ownerAuth] = positional;
  const request = {
    handle: check.nvHandle('handle', handle),
    data: check.bytes('data', data, { min: 1, max: MAX_INDEX_SIZE }),
    offset: check.integer('offset', offset ?? 0, 0, MAX_INDEX_SIZE),
    auth: positionAuth('auth', auth),
    ownerAuth: positionAuth('ownerAuth', ownerAuth),
  };
  return connection.run('nvWrite', request, call);
}

export async function define(connection, value) {
  const options = check.callable(value, ['handle', 'size', 'auth', 'ownerAuth', 'attributes']);
  const request = {
    handle: check.handle('handle', options.handle, OWNER_RANGE),
    size: check.integer('size', options.size, 1, MAX_INDEX_SIZE),
    auth: check.optionalAuth('auth', options.auth, check.MAX_OWN_AUTH) ?? new Uint8Array(),
    ownerAuth: check.optionalAuth('ownerAuth', options.ownerAuth),
    attributes: check.optional(options.attributes, (given) =>
      check.integer('attributes', given, 0, 0xffffffff),
    ),
  };
  return connection.run('nvDefine', request, check.callOptions(options));
}

export async function undefine(connection, ...args) {
  const { positional, call } = check.splitCallOptions(args, 1, 2);
  const [handle, ownerAuth] = positional;
  const request = {
    handle: check.handle('handle', handle, OWNER_RANGE),
    ownerAuth: positionAuth('ownerAuth', ownerAuth),
  };
  return connection.run('nvUndefine', request, call);
}

export function nvNamespace(connection) {
  return {
    read: (...args) => read(connection, ...args),
    write: (...args) => write(connection, ...args),
    readPublic: (...args) => readPublic(connection, ...args),
    define: (options) => define(connection, options),
    undefine: (...args) => undefine(connection, ...args),
  };
}
