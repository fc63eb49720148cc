// Many calls, many handles, worker threads, and processes that end in the middle of it all: nothing
// crashes, hangs or stays in the TPM. Ends of processes are tried in processes of their own.
import { createHash, verify } from 'node:crypto';
import fs from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { loadedHandles } from '../support/tools.mjs';
import { runNode } from './helpers/child.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const DIGEST = createHash('sha256').update('x').digest();
// AddressSanitizer keeps what was freed, to see a use of it: up to 256 MiB, which is no leak.
const { ASAN_OPTIONS } = process.env;
const WITHOUT_QUARANTINE = ASAN_OPTIONS
  ? { ASAN_OPTIONS: `${ASAN_OPTIONS}:quarantine_size_mb=1` }
  : {};
const signed = (key, signature) =>
  verify('sha256', 'x', { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature);

describe('in one process', () => {
  test('100 calls at once on one handle', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    const sealed = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7] });
    const calls = Array.from({ length: 100 }, (_, i) => {
      switch (i % 5) {
        case 0:
          return tpm.random.bytes(i + 1).then((bytes) => bytes.length === i + 1);
        case 1:
          return key.sign(DIGEST).then((signature) => signed(key, signature));
        case 2:
          return tpm.pcr.read([0, i % 24]).then((pcrs) => Object.keys(pcrs).length >= 1);
        case 3:
          return tpm.seal.unseal(sealed).then((data) => data.equals(DIGEST));
        default:
          return Tpm.randomBytes(8).then((bytes) => bytes.length === 8);
      }
    });
    expect((await Promise.all(calls)).every(Boolean)).toBe(true);
  });

  test('four handles on one TPM', async () => {
    const handles = await Promise.all(Array.from({ length: 4 }, () => context.open()));
    const results = await Promise.all(
      handles.map(async (tpm) => {
        const key = await tpm.keys.create({ type: 'ecc' });
        const signatures = await Promise.all(Array.from({ length: 5 }, () => key.sign(DIGEST)));
        return signatures.every((signature) => signed(key, signature));
      }),
    );
    expect(results).toEqual([true, true, true, true]);
    await Promise.all(handles.map((tpm) => tpm.close()));
  });

  test('handles by different spellings of one tcti share the TPM', async () => {
    const one = await context.open();
    const two = await Tpm.open({ tcti: `${context.tcti}` });
    process.env.TPM2TOOLS_TCTI = context.tcti;
    try {
      expect(
        await Promise.all([one.random.bytes(3), two.random.bytes(3), Tpm.randomBytes(3)]),
      ).toHaveLength(3);
    } finally {
      delete process.env.TPM2TOOLS_TCTI;
      await two.close();
    }
  });

  test('more keys than the TPM has slots', async () => {
    const tpm = await context.open();
    const keys = await Promise.all(
      Array.from({ length: 8 }, () => tpm.keys.create({ type: 'ecc' })),
    );
    for (let round = 0; round < 3; ++round) {
      for (const key of keys) expect(signed(key, await key.sign(DIGEST))).toBe(true);
    }
    const { handles } = await tpm.capabilities();
    expect(handles.transient.length).toBeLessThanOrEqual(3);
  });

  test('calls start in the order in which they were made', async () => {
    const tpm = await context.open();
    const done = [];
    const { commands } = await recordCommands(() =>
      Promise.all([
        tpm.pcr.read([0]).then(() => done.push('read')),
        tpm.random.bytes(8).then(() => done.push('random')),
        tpm.clock().then(() => done.push('clock')),
        tpm.pcr.reset(16).then(() => done.push('reset')),
        tpm.random.bytes(8).then(() => done.push('random')),
      ]),
    );
    expect(done).toEqual(['read', 'random', 'clock', 'reset', 'random']);
    expect(commands).toEqual([
      'TPM2_PCR_Read',
      'TPM2_GetRandom',
      'TPM2_ReadClock',
      'TPM2_PCR_Reset',
      'TPM2_GetRandom',
    ]);
  });

  test('fs.readFile resolves before the first of many queued RSA keys is made', async () => {
    const tpm = await context.open();
    const order = [];
    const keys = Array.from({ length: 12 }, (_, i) =>
      tpm.keys.create({ type: 'rsa' }).then(
        () => order.push(`key ${i}`),
        (error) => order.push(error.code),
      ),
    );
    await fs.promises.readFile(fileURLToPath(import.meta.url)).then(() => order.push('file'));
    expect(order).toEqual(['file']);
    await tpm.close();
    await Promise.all(keys);
    expect(order).toHaveLength(13);
  });

  test('open and close, again and again', async () => {
    for (let i = 0; i < 15; ++i) {
      const tpm = await Tpm.open({ tcti: context.tcti });
      const pending = tpm.random.bytes(16).then(
        (bytes) => bytes.length,
        (error) => error.code,
      );
      if (i % 3 === 0) await pending;
      await tpm.close();
      expect([16, 'CLOSED']).toContain(await pending);
    }
  });

  test('open while the last handle closes', async () => {
    let tpm = await Tpm.open({ tcti: context.tcti });
    for (let i = 0; i < 10; ++i) {
      const closing = tpm.close();
      const next = Tpm.open({ tcti: context.tcti });
      await closing;
      tpm = await next;
      expect(await tpm.random.bytes(4)).toHaveLength(4);
    }
    await tpm.close();
  });

  test('aborts in the middle of anything leave nothing', async () => {
    const tpm = await context.open();
    const sealed = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7], auth: DIGEST });
    const ak = await tpm.attest.provisionAk();
    const uses = [
      (call) => tpm.keys.create({ type: 'rsa', ...call }),
      (call) => tpm.seal.seal({ data: DIGEST, ...call }),
      (call) => tpm.seal.unseal(sealed, { auth: DIGEST, ...call }),
      (call) => ak.quote({ pcrSelection: [0], qualifyingData: DIGEST, includePcrs: true, ...call }),
      (call) => tpm.attest.ek({ type: 'rsa', ...call }),
      (call) => tpm.info(call),
    ];
    const codes = [];
    for (const [at, use] of uses.entries()) {
      for (const delay of [0, 1, 3, 8]) {
        const controller = new AbortController();
        const outcome = use({ signal: controller.signal }).then(
          () => 'done',
          (error) => error.code,
        );
        setTimeout(() => controller.abort(), delay + at / 3);
        codes.push(await outcome);
      }
    }
    expect(codes.every((code) => ['done', 'ABORTED'].includes(code))).toBe(true);
    expect(codes).toContain('ABORTED');
    expect(await tpm.seal.unseal(sealed, { auth: DIGEST })).toEqual(DIGEST);
  });
});

/** A worker thread's program, in this file so that it is found where the tests are. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  if (workerData.kind === 'busy') require('node:diagnostics_channel').subscribe('tpm2', () => {});
  import('node-tpm2').then(async ({ Tpm }) => {
    const tpm = await Tpm.open({ tcti: workerData.tcti });
    const key = await tpm.keys.create({ type: 'ecc' });
    parentPort.postMessage('ready');
    if (workerData.kind === 'busy') {
      for (;;) {
        await Promise.all([
          tpm.random.bytes(640),
          key.sign(Buffer.alloc(32)),
          tpm.keys.create({ timeout: 5 }).catch(() => {}),
          Tpm.isAvailable({ tcti: workerData.tcti }),
        ]);
      }
    }
    for (let i = 0; i < 10; ++i) await key.sign(Buffer.alloc(32, i));
    if (workerData.kind === 'close') await tpm.close();
    parentPort.postMessage('done');
  }).catch((error) => parentPort.postMessage(String(error.stack)));`;

function startWorker(kind) {
  const worker = new Worker(WORKER, { eval: true, workerData: { tcti: context.tcti, kind } });
  const messages = [];
  const waiting = [];
  worker.on('message', (message) => {
    messages.push(message);
    for (const wake of waiting.splice(0)) wake();
  });
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  const said = async (wanted) => {
    while (!messages.includes(wanted)) {
      const odd = messages.find((message) => !['ready', 'done'].includes(message));
      if (odd) throw new Error(odd);
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  return { worker, said, exited };
}

describe('worker threads', () => {
  test('several share the TPM, and end by themselves', async () => {
    const tpm = await context.open();
    const workers = ['close', 'close', 'leave'].map(startWorker);
    const key = await tpm.keys.create({ type: 'ecc' });
    for (let i = 0; i < 10; ++i) expect(signed(key, await key.sign(DIGEST))).toBe(true);
    await Promise.all(workers.map(({ said }) => said('done')));
    expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    expect(await tpm.random.bytes(1)).toHaveLength(1);
  });

  test('terminate() in the middle of commands; the others go on', async () => {
    const tpm = await context.open();
    const workers = [startWorker('busy'), startWorker('busy')];
    await Promise.all(workers.map(({ said }) => said('ready')));
    const own = tpm.random.bytes(8);
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
    expect(await own).toHaveLength(8);
    const key = await tpm.keys.create({ type: 'ecc' });
    expect(signed(key, await key.sign(DIGEST))).toBe(true);
  });

  test('terminate() of the only one that uses the TPM', async () => {
    for (let i = 0; i < 10; ++i) {
      const { worker, said } = startWorker('busy');
      await said('ready');
      // Anywhere in its work: on the way in, in a command, on the way out with traces.
      await new Promise((resolve) => setTimeout(resolve, 3 * i));
      await worker.terminate();
    }
  });
});

describe('the end of a process', () => {
  const open = () => `
    const { Tpm } = await import('node-tpm2');
    const tpm = await Tpm.open({ tcti: ${JSON.stringify(context.tcti)} });
    const digest = Buffer.alloc(32, 1);`;
  const ended = { code: 0, signal: null, stderr: '' };

  test('by itself, with a handle that was never closed', async () => {
    const result = await runNode(`${open()}
      const key = await tpm.keys.create(); await key.sign(digest); say('last');`);
    expect(result).toMatchObject({ ...ended, answers: ['last'] });
  });

  test('by itself, with work pending: it is done first', async () => {
    const result = await runNode(`${open()}
      for (let i = 0; i < 20; ++i) tpm.keys.create().then(() => say(i));`);
    expect(result).toMatchObject(ended);
    expect(result.answers).toHaveLength(20);
  });

  test('after a flat call, without waiting', async () => {
    const result = await runNode(
      `const { Tpm } = await import('node-tpm2'); say((await Tpm.randomBytes(4)).length);`,
    );
    expect(result).toMatchObject({ ...ended, answers: [4] });
  });

  test.each(['process.exit()', 'process.reallyExit(0)'])('%s with work pending', async (end) => {
    const result = await runNode(`${open()}
      const key = await tpm.keys.create(); await key.sign(digest);
      for (let i = 0; i < 30; ++i) tpm.keys.create({ type: 'rsa' }).catch(() => {});
      setTimeout(() => { ${end} }, 20);`);
    expect({ code: result.code, signal: result.signal }).toEqual({ code: 0, signal: null });
  });

  test('an exception that nobody catches', async () => {
    const result = await runNode(`${open()}
      const key = await tpm.keys.create(); await key.sign(digest);
      tpm.keys.create({ type: 'rsa' });
      throw new Error('of the program');`);
    expect({ code: result.code, signal: result.signal }).toEqual({ code: 1, signal: null });
    expect(result.stderr).toContain('of the program');
  });

  test('a rejection that nobody handles is the usual one', async () => {
    const result = await runNode(`${open()} tpm.readPublic('0x81ffff00');`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KEY_NOT_FOUND');
  });

  test('kill -9 leaves at most what a raw TPM cannot know of; the next process works', async () => {
    const result = await runNode(`${open()}
      const key = await tpm.keys.create(); await key.sign(digest);
      process.kill(process.pid, 'SIGKILL');`);
    expect(result.signal).toBe('SIGKILL');
    // swtpm has no resource manager: this one is flushed by hand, as docs/reliability.md says.
    const left = await loadedHandles(context.swtpm);
    expect(left.transient.length).toBeLessThanOrEqual(3);
    const tpm = await context.open();
    expect(await tpm.random.bytes(4)).toHaveLength(4);
    await context.closeAll();
    await context.tools.flush();
  });

  test('garbage collection of handles that were not closed', async () => {
    const result = await runNode(
      `const { Tpm } = await import('node-tpm2');
       const tcti = ${JSON.stringify(context.tcti)};
       for (let round = 0; round < 5; ++round) {
         for (let i = 0; i < 10; ++i) {
           const tpm = await Tpm.open({ tcti });
           if (i % 5 === 0) await (await tpm.keys.create()).sign(Buffer.alloc(32, i));
           else tpm.random.bytes(8).catch(() => {});
         }
         globalThis.gc();
         await new Promise((resolve) => setImmediate(resolve));
       }
       globalThis.gc();
       await new Promise((resolve) => setTimeout(resolve, 20));
       const tpm = await Tpm.open({ tcti });
       say((await tpm.random.bytes(4)).length);
       await tpm.close();`,
      { args: ['--expose-gc'] },
    );
    expect(result).toMatchObject({ ...ended, answers: [4] });
  });

  test('a pending call keeps its handle from being collected', async () => {
    const result = await runNode(
      `const { Tpm } = await import('node-tpm2');
       const pending = [];
       await (async () => {
         const tpm = await Tpm.open({ tcti: ${JSON.stringify(context.tcti)} });
         for (let i = 0; i < 10; ++i) pending.push(tpm.keys.create());
       })();
       const timer = setInterval(() => globalThis.gc(), 1);
       const results = await Promise.allSettled(pending);
       clearInterval(timer);
       say(results.map(({ status, reason }) => reason?.code ?? status));`,
      { args: ['--expose-gc'] },
    );
    expect(result).toMatchObject({ ...ended, answers: [Array(10).fill('fulfilled')] });
  });

  test('2000 calls do not grow the process without bound', async () => {
    const { answers, code } = await runNode(
      `${open()}
       const work = async (count) => {
         for (let i = 0; i < count; i += 10) {
           await Promise.all(Array.from({ length: 10 }, (_, j) =>
             j % 2 ? tpm.random.bytes(64) : tpm.pcr.read([0, 1, 2, 3, 4, 5, 6, 7])));
         }
         globalThis.gc();
       };
       await work(500);
       const before = process.memoryUsage().rss;
       await work(2000);
       say(process.memoryUsage().rss - before);
       await tpm.close();`,
      { args: ['--expose-gc'], env: WITHOUT_QUARANTINE },
    );
    expect(code).toBe(0);
    expect(answers[0]).toBeLessThan(40 * 1024 * 1024); // a leak of 20 KiB a call
  });
});

describe('a TPM that goes away', () => {
  test('calls reject, and the next open finds the one that came back', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    await key.sign(DIGEST);
    const pending = Array.from({ length: 5 }, () =>
      errorOf(tpm.keys.create({ type: 'rsa' })).catch(() => null),
    );
    await context.swtpm.kill();
    const codes = (await Promise.all(pending)).map((error) => error?.code ?? 'done');
    for (const code of codes)
      expect(['done', 'TRANSPORT_ERROR', 'TPM_UNAVAILABLE']).toContain(code);
    expect(codes.at(-1)).not.toBe('done');
    expect(['TRANSPORT_ERROR', 'TPM_UNAVAILABLE']).toContain(
      (await errorOf(tpm.random.bytes(1))).code,
    );
    await context.swtpm.start();
    // The same handle finds it, and the key is loaded again: its parent is the same primary.
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    expect(signed(key, await key.sign(DIGEST))).toBe(true);
  });

  test('a reset takes what was loaded; keys come back by themselves', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    const sealed = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7] });
    await key.sign(DIGEST);
    expect(await tpm.seal.unseal(sealed)).toEqual(DIGEST);
    await context.closeAll();
    await context.swtpm.powerCycle();
    const again = await context.open();
    const same = await again.keys.load(key.export());
    expect(signed(same, await same.sign(DIGEST))).toBe(true);
    expect(await again.seal.unseal(sealed)).toEqual(DIGEST);
  });
});
