// A suite's hold on the emulated Windows: what it changes, what it reads, and the order it leaves.
import { Tpm } from 'node-tpm2';
import { afterAll, afterEach, expect } from 'vitest';
import { BrokerClient } from './broker_client.mjs';

/**
 * Connects a suite. After each of its tests what `open` opened is closed, nothing may be left (a
 * violation, an open handle or context, an object or a session in the TPM, a rule that never
 * applied), and all is as in the beginning.
 * @param {{ unusedRules?: boolean }} [options] true where a test makes rules that must not apply
 */
export async function emulatedWindows({ unusedRules = false } = {}) {
  const control = await BrokerClient.connect();
  const opened = [];
  afterEach(async () => {
    for (const tpm of opened.splice(0)) await tpm.close();
    expect(await control.violations()).toEqual([]);
    if (!unusedRules) expect(await control.pendingRules()).toEqual([]);
    expect(await control.leaks()).toEqual([]);
    expect(await control.loaded()).toEqual({ objects: 0, sessions: 0 });
    await control.reset();
  });
  afterAll(() => control.close());

  /** The calls of one of the doubles' functions since the last clearLog(), oldest first. */
  const calls = async (fn) => (await control.log()).filter((entry) => entry.fn === fn);
  return {
    control,
    calls,
    /** The commands with this code that reached TBS. */
    submitted: async (ordinal) =>
      (await calls('Tbsip_Submit_Command')).filter((entry) => entry.ordinal === ordinal),
    open: async () => {
      const tpm = await Tpm.open();
      opened.push(tpm);
      return tpm;
    },
    /** Resolves when every rule has applied: a command that one of them holds is then under way. */
    ruleApplied: async () => {
      while ((await control.pendingRules()).length > 0)
        await new Promise((done) => setTimeout(done, 5));
    },
  };
}
