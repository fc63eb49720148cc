// The way from a call in JavaScript to one job on the TPM's thread.
import native from '../native.cjs';
import * as check from './arguments.js';
import { fromNative, TpmError } from './errors.js';
import { publish, tracing } from './trace.js';

const { binding } = native;
binding?.setTraceListener(publish);

/** How long isAvailable() waits at most, in milliseconds. */
const PROBE_TIMEOUT = 2000;

/** Errors that end a connection, with everything that was loaded on it. */
export const LOST = ['CLOSED', 'TPM_UNAVAILABLE', 'TRANSPORT_ERROR'];

/** Throws what is wrong when there is no native part, or no TPM on this platform. */
export function requireBinding() {
  if (binding) return binding;
  const { code, message, suggestion } = native.error;
  throw new TpmError(code, message, { suggestion });
}

/** Calls a function that needs no TPM. */
export function pure(name, request) {
  try {
    return requireBinding().pure(name, request);
  } catch (error) {
    throw fromNative(error);
  }
}

// Environment variables choose what code and which device a process talks to: not in a set-uid one.
function environment() {
  const { getuid, geteuid, getgid, getegid } = process;
  const privileged = getuid && (getuid() !== geteuid() || getgid() !== getegid());
  return privileged ? {} : process.env;
}

function checkedTcti(options) {
  if (options.tcti !== undefined) check.string('tcti', options.tcti, { max: 4096 });
  const env = environment();
  const tcti = options.tcti ?? (env.NODE_TPM2_TCTI || env.TPM2TOOLS_TCTI || '');
  try {
    if (tcti !== '') binding?.checkTcti(tcti);
  } catch (error) {
    throw fromNative(error);
  }
  return tcti;
}

const HIERARCHIES = ['owner', 'endorsement', 'lockout', 'parent'];

/** The native form of OpenOptions, checked. */
export function openArguments(value) {
  const options = check.callable(value, ['tcti', 'encrypt', 'auth', 'parentName']);
  const auth = check.options('auth', options.auth, HIERARCHIES);
  const hierarchy = (name) => check.optionalAuth(`auth.${name}`, auth[name]) ?? new Uint8Array();
  return {
    native: {
      encrypt: check.optional(options.encrypt, (given) => check.boolean('encrypt', given)) ?? true,
      ownerAuth: hierarchy('owner'),
      endorsementAuth: hierarchy('endorsement'),
      lockoutAuth: hierarchy('lockout'),
      parentAuth: hierarchy('parent'),
      parentName: check.optional(options.parentName, (given) =>
        check.bytes('parentName', given, { min: 22, max: 66 }),
      ),
    },
    call: check.callOptions(options),
    tcti: checkedTcti(options),
  };
}

const aborted = (signal) =>
  new TpmError('ABORTED', 'the operation was aborted', { cause: signal.reason });

function throwIfAborted(signal) {
  if (signal?.aborted) throw aborted(signal);
}

let lastTicket = 0;

// One listener per AbortSignal, however many calls it limits: node warns of leaks from the
// eleventh on.
const watched = new WeakMap();

/** Calls `stop` when the signal aborts; the result takes that back. */
function onAbort(signal, stop) {
  let stops = watched.get(signal);
  if (!stops) {
    stops = new Set();
    watched.set(signal, stops);
    const all = stops;
    const stopAll = () => {
      for (const each of [...all]) each();
    };
    signal.addEventListener('abort', stopAll, { once: true });
  }
  stops.add(stop);
  return () => stops.delete(stop);
}

/** One handle's share in the process's connection to a TPM. */
export class Connection {
  #handle;
  #defaults;
  #closed = null;

  constructor(tcti, nativeOptions, callDefaults = {}) {
    try {
      this.#handle = requireBinding().open(tcti, nativeOptions);
    } catch (error) {
      throw fromNative(error);
    }
    this.#defaults = callDefaults;
  }

  get closed() {
    return this.#closed !== null;
  }

  /** True when a TPM has answered on this connection, and no loss was noticed since. */
  get answered() {
    return !this.closed && binding.answered(this.#handle);
  }

  /** True while a call of any handle runs or waits on this connection. */
  get busy() {
    return !this.closed && binding.busy(this.#handle);
  }

  /** Throws CLOSED after close(). */
  assertOpen() {
    if (!this.closed) return;
    throw new TpmError('CLOSED', 'this TPM handle was closed', {
      suggestion: 'Call Tpm.open() again.',
    });
  }

  /**
   * Runs one operation.
   * @param {string} name
   * @param {object} request
   * @param {{ signal?: AbortSignal, timeout?: number }} [call]
   */
  async run(name, request, call = {}) {
    this.assertOpen();
    const signal = call.signal ?? this.#defaults.signal;
    const timeout = call.timeout ?? this.#defaults.timeout;
    try {
      if (signal === undefined && timeout === undefined) {
        return await binding.run(this.#handle, name, request, 0, tracing());
      }
      return await this.#runLimited(name, request, signal, timeout);
    } catch (error) {
      throw fromNative(error);
    }
  }

  // The promise settles when the limit is reached; the TPM's thread is told to stop, and cleans up.
  async #runLimited(name, request, signal, timeout) {
    throwIfAborted(signal);
    lastTicket = (lastTicket % 0x7fffffff) + 1;
    const ticket = lastTicket;
    const work = binding.run(this.#handle, name, request, ticket, tracing());
    let timer;
    let unwatch;
    const limit = new Promise((_resolve, reject) => {
      const stop = (error) => {
        if (!this.closed) binding.cancel(this.#handle, ticket);
        reject(error);
      };
      if (signal) unwatch = onAbort(signal, () => stop(aborted(signal)));
      if (timeout !== undefined) {
        timer = setTimeout(
          () => stop(new TpmError('TIMEOUT', `no answer within ${timeout} ms`)),
          timeout,
        );
      }
    });
    // When the limit wins, how the work ends is nobody's business any more.
    work.catch(() => {});
    try {
      return await Promise.race([work, limit]);
    } finally {
      clearTimeout(timer);
      unwatch?.();
    }
  }

  /** Idempotent. Settles when the TPM holds nothing of ours that no other handle needs. */
  close() {
    this.#closed ??= binding.close(this.#handle);
    return this.#closed;
  }
}

/**
 * Asks the TPM whether it is one. What a connection has answered before is no evidence: its end is
 * often noticed at the next command only. So a loss of the old connection is not the TPM's word yet,
 * and the question is put once more, on a new one.
 */
async function probe(connection, { signal, timeout }) {
  const started = performance.now();
  const before = connection.answered;
  try {
    await connection.run('probe', {}, { signal, timeout });
  } catch (error) {
    if (!before || connection.answered || !LOST.includes(error.code)) throw error;
    const left = timeout && Math.max(1, Math.ceil(timeout - (performance.now() - started)));
    await connection.run('probe', {}, { signal, timeout: left });
  }
}

/** A connection on which a TPM answers. */
export async function connect(value) {
  const { tcti, native: nativeOptions, call } = openArguments(value);
  throwIfAborted(call.signal);
  const connection = new Connection(tcti, nativeOptions, call);
  try {
    await probe(connection, call);
  } catch (error) {
    // Not awaited: a TPM that does not answer is let go of in the background.
    connection.close().catch(() => {});
    throw error;
  }
  return connection;
}

/** Never throws. */
export async function isAvailable(value) {
  let connection;
  let works = false;
  try {
    const { tcti, native: nativeOptions, call } = openArguments(value);
    throwIfAborted(call.signal);
    connection = new Connection(tcti, nativeOptions);
    // The question may have to wait longer than its limit behind calls of ours.
    works = connection.answered && connection.busy;
    const timeout = Math.min(call.timeout ?? PROBE_TIMEOUT, PROBE_TIMEOUT);
    await probe(connection, { signal: call.signal, timeout });
    return true;
  } catch (error) {
    return works && error.code === 'TIMEOUT' && connection.answered;
  } finally {
    // Not awaited: a peer that never answers is let go of in the background.
    connection?.close().catch(() => {});
  }
}
