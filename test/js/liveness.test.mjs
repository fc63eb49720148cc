// Whether a TPM answers is asked of the TPM, also where a handle of ours has long been open on it.
import process from 'node:process';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const GONE = ['TRANSPORT_ERROR', 'TPM_UNAVAILABLE'];
const options = () => ({ tcti: context.tcti });

describe('with a handle open', () => {
  test('isAvailable() and open() ask the TPM', async () => {
    await context.open();
    const asked = await recordCommands(async () => {
      expect(await Tpm.isAvailable(options())).toBe(true);
      await context.open();
    });
    expect(asked.commands).toEqual(['TPM2_GetCapability', 'TPM2_GetCapability']);
  });

  test('a TPM that has gone is not available, and not opened', async () => {
    const tpm = await context.open();
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    await context.swtpm.kill();
    try {
      expect(await Tpm.isAvailable(options())).toBe(false);
      expect(GONE).toContain((await errorOf(context.open())).code);
    } finally {
      await context.swtpm.start();
    }
    expect(await Tpm.isAvailable(options())).toBe(true);
    const again = await context.open();
    expect(await again.random.bytes(1)).toHaveLength(1);
  });

  test('a TPM that went and came back is opened at once', async () => {
    const tpm = await context.open();
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    await context.swtpm.kill();
    await context.swtpm.start();
    const again = await context.open();
    expect(await again.random.bytes(1)).toHaveLength(1);
    await context.closeAll();

    await context.open();
    await context.swtpm.kill();
    await context.swtpm.start();
    expect(await Tpm.isAvailable(options())).toBe(true);
  });

  test.skipIf(process.platform === 'win32')('a TPM that hangs is not available', async () => {
    await context.open();
    const { pid } = context.swtpm;
    process.kill(pid, 'SIGSTOP');
    try {
      const started = performance.now();
      expect(await Tpm.isAvailable({ ...options(), timeout: 200 })).toBe(false);
      expect(performance.now() - started).toBeLessThan(2000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await Tpm.isAvailable(options())).toBe(true);
  });

  test('one that works for us is available, though the question waits behind the work', async () => {
    const tpm = await context.open();
    const work = Array.from({ length: 3 }, () => tpm.keys.create({ type: 'rsa' }));
    expect(await Tpm.isAvailable({ ...options(), timeout: 1 })).toBe(true);
    await Promise.all(work);
  });

  test('one that works for us and then goes is not', async () => {
    const tpm = await context.open();
    const work = Array.from({ length: 3 }, () => errorOf(tpm.keys.create({ type: 'rsa' })));
    for (const each of work) each.catch(() => {});
    const asked = Tpm.isAvailable(options());
    await context.swtpm.kill();
    try {
      expect(await asked).toBe(false);
    } finally {
      await Promise.allSettled(work);
      await context.swtpm.start();
    }
  });

  test('a signal that has fired is heeded before anything else', async () => {
    await context.open();
    const { commands } = await recordCommands(async () => {
      const reason = new Error('changed my mind');
      const error = await errorOf(context.open({ signal: AbortSignal.abort(reason) }));
      expect(error).toMatchObject({ name: 'TpmError', code: 'ABORTED', cause: reason });
      const signal = AbortSignal.abort();
      expect(await Tpm.isAvailable({ ...options(), signal })).toBe(false);
    });
    expect(commands).toEqual([]);
  });
});

test('a signal that has fired is heeded without a handle, too', async () => {
  expect((await errorOf(context.open({ signal: AbortSignal.abort() }))).code).toBe('ABORTED');
});

// A TPM that answers no more keeps the old connection's thread busy long after its handle is closed.
test.skipIf(process.platform === 'win32')('open() keeps its time limit behind one', async () => {
  const tpm = await context.open();
  const { pid } = context.swtpm;
  process.kill(pid, 'SIGSTOP');
  try {
    expect((await errorOf(tpm.clock({ timeout: 50 }))).code).toBe('TIMEOUT');
    tpm.close();
    const limit = context.open({ timeout: 100 });
    const patience = new Promise((resolve) => setTimeout(resolve, 5000, 'still waiting'));
    expect(await Promise.race([errorOf(limit), patience])).toMatchObject({ code: 'TIMEOUT' });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});
