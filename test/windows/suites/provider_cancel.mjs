// Giving up a call that the Platform Crypto Provider has under way.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { emulatedWindows } from '../lib/emulated_windows.mjs';
import { runNode, temporaryFolder } from '../lib/in_windows.mjs';

const CHILD = fileURLToPath(new URL('../lib/aborting_child.mjs', import.meta.url));
const QUOTE = { fn: 'Tbsip_Submit_Command', ordinal: 0x158 };

const { control, calls, submitted, open, ruleApplied } = await emulatedWindows();

/** What a fresh process meets that gives up its first call. */
async function abortedFirst(operation, akBlob) {
  const folder = temporaryFolder();
  const files = ['request', 'answer'].map((name) => path.join(folder, name));
  const request = { operation, akBlob: akBlob.public.toString('hex'), keyName: 'given up' };
  writeFileSync(files[0], JSON.stringify(request));
  const { code, stderr } = await runNode(CHILD, { args: files });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(readFileSync(files[1], 'utf8'));
}

describe("a process's first call, given up", () => {
  test.each([['status'], ['inBand']])(
    'a quote (the TPM tells by %s): what follows works',
    async (hold) => {
      const { akBlob } = await Tpm.provisionAk({ keyName: 'first' });
      await control.change({ rules: [{ ...QUOTE, hold }] });
      const answer = await abortedFirst('quote', akBlob);
      expect(answer).toEqual({ first: 'ABORTED', next: 8, quote: 'done' });
    },
  );

  test('a key being made: what follows works', async () => {
    const { akBlob } = await Tpm.provisionAk({ keyName: 'first' });
    await control.change({ rules: [{ fn: 'NCryptFinalizeKey', wait: true }] });
    const answer = await abortedFirst('provision', akBlob);
    // Nobody was told of the key: there is none, and its name is free.
    expect(answer).toEqual({ first: 'ABORTED', next: 8, quote: 'done', again: 'done' });
  });
});

describe('a quote, given up later', () => {
  test.each([['status'], ['inBand']])("in the provider's own context (%s)", async (hold) => {
    const tpm = await open();
    await tpm.random.bytes(8);
    const { akBlob } = await Tpm.provisionAk({ keyName: 'held' });
    await control.clearLog();
    await control.change({ rules: [{ ...QUOTE, hold }] });
    const controller = new AbortController();
    const ak = await tpm.attest.load(akBlob);
    const pending = ak.quote({ pcrSelection: [0], signal: controller.signal });
    await ruleApplied();
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await tpm.random.bytes(8)).toHaveLength(8);
    const [held] = await submitted(QUOTE.ordinal);
    const [random] = await submitted(0x17b);
    expect(held.context).not.toBe(random.context);
    const cancelled = (await calls('Tbsip_Cancel_Commands')).map(({ context }) => context);
    expect(cancelled).toContain(held.context);
    await expect(ak.quote({ pcrSelection: [0] })).resolves.toBeDefined();
    await ak.close();
  });
});
