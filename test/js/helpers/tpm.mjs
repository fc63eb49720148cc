// A TPM for a test file: its own software TPM on Linux, the one that TBS reaches on Windows.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import process from 'node:process';
import { Tpm } from 'node-tpm2';
import { afterAll, afterEach, beforeAll } from 'vitest';

export const onWindows = process.platform === 'win32';

/**
 * Registers the hooks of a test file: a TPM before all tests; after each, every handle that open()
 * gave is closed and the TPM has to hold nothing of ours.
 *
 * The flat functions find the TPM too: by NODE_TPM2_TCTI on Linux, by themselves on Windows.
 *
 * With `once`, handles stay open from test to test and the look into the TPM is after the last: for
 * files whose tests send next to nothing.
 *
 * @param {{ once?: boolean } & Parameters<import('../../support/swtpm.mjs').startSwtpm>[0]} [options]
 */
export function useTestTpm({ once = false, ...settings } = {}) {
  const opened = [];
  const context = {
    /** @type {string | undefined} */
    tcti: undefined,
    swtpm: undefined,
    tools: undefined,
    /** Tpm.open() on this file's TPM; closed when the test is over. */
    async open(options = {}) {
      const tpm = await Tpm.open({ tcti: context.tcti, ...options });
      opened.push(tpm);
      return tpm;
    },
    /** Closes what open() gave, so that another client (tpm2-tools) has its turn. */
    async closeAll() {
      await Promise.all(opened.splice(0).map((tpm) => tpm.close()));
    },
    /** Makes the TPM forget wrong passwords: three lock out what has dictionary-attack protection. */
    async forgetFailures() {
      const tpm = await context.open();
      await tpm.lockout.reset();
    },
    /** Runs tpm2-tools on this TPM, with our connection closed. */
    async tpm2(name, args, more) {
      await context.closeAll();
      return context.tools.tpm2(name, args, more);
    },
  };
  const finished = once ? afterAll : afterEach;
  if (onWindows) {
    finished(() => context.closeAll());
    return context;
  }

  let support;
  const before = process.env.NODE_TPM2_TCTI;
  beforeAll(async () => {
    // Not at the top: under Windows there is no swtpm to start.
    const { startSwtpm } = await import('../../support/swtpm.mjs');
    support = await import('../../support/tools.mjs');
    context.swtpm = await startSwtpm(settings);
    context.tcti = context.swtpm.tcti;
    context.tools = support.toolsFor(context.swtpm);
    process.env.NODE_TPM2_TCTI = context.tcti;
  });
  // Hooks after all tests run last registered first: the TPM's end is the last.
  afterAll(async () => {
    if (before === undefined) delete process.env.NODE_TPM2_TCTI;
    else process.env.NODE_TPM2_TCTI = before;
    await context.swtpm?.stop();
  });
  finished(async () => {
    await context.closeAll();
    await support.expectNoLeaks(context.swtpm);
  });
  return context;
}

/**
 * The TPM commands that `body` causes, as the diagnostics channel tells them.
 * @template T
 * @param {() => Promise<T>} body
 */
export async function recordCommands(body) {
  const events = [];
  const listener = (event) => events.push(event);
  subscribe('tpm2', listener);
  try {
    const result = await body();
    return { result, events, commands: events.map((event) => event.command) };
  } finally {
    unsubscribe('tpm2', listener);
  }
}

/** The error that a promise rejects with; fails when it does not. */
export async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
