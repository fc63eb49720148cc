// Finding a TPM, and saying what is wrong when there is none: isAvailable(), open(), the environment.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Tpm, TpmError } from 'node-tpm2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import { runNode } from './helpers/child.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const root = process.getuid?.() === 0;
const NOBODY = 65534;
let folder;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-tpm2-open-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A unix socket that nobody listens on. */
async function refusedSocket() {
  const file = path.join(folder, 'refused');
  if (!fs.existsSync(file)) {
    // Killed, the listener cannot remove its socket.
    const code = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.stdout.write('up'))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  return `swtpm:path=${file}`;
}

async function refusedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A TPM that somebody else holds: it takes the connection and never answers. */
async function whileBusy(body) {
  const held = net.connect({ path: context.swtpm.path });
  await new Promise((resolve) => held.once('connect', resolve));
  // swtpm accepts in its own time; a command and its answer prove that this one is served.
  const request = Buffer.from('80010000000c0000017b0001', 'hex');
  await new Promise((resolve) => {
    held.once('data', resolve);
    held.write(request);
  });
  try {
    return await body();
  } finally {
    held.destroy();
  }
}

describe('isAvailable() is false and never throws', () => {
  const cases = {
    'a tcti of no known kind': () => 'bogus:path=/x',
    'no tcti at all': () => '',
    'a tcti that is no string': () => 7,
    'a path that is not there': () => 'swtpm:path=/no/such/socket',
    'a device that is not there': () => 'device:/no/such/device',
    'a device that is no TPM': () => 'device:/dev/null',
    'a file that is no socket': () => `swtpm:path=${fileURLToPath(import.meta.url)}`,
    'a socket that refuses': () => refusedSocket(),
    'a port that refuses': async () => `swtpm:host=127.0.0.1,port=${await refusedPort()}`,
    'a simulator that refuses': async () => `mssim:host=127.0.0.1,port=${await refusedPort()}`,
    'a module that is not there': () => 'module:libtss2-tcti-nowhere.so.0:x',
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    expect(await Tpm.isAvailable({ tcti: await cases[name]() })).toBe(false);
  });

  test('options of the wrong kind', async () => {
    for (const options of [7, 'x', [], null, { timeout: -1 }, { signal: 1 }, { auth: 7 }]) {
      expect(await Tpm.isAvailable(options)).toBe(false);
    }
  });

  test('a TPM that another client holds; it is free again afterwards', async () => {
    await whileBusy(async () => {
      expect(await Tpm.isAvailable({ tcti: context.tcti })).toBe(false);
      expect(await Tpm.isAvailable({ tcti: context.tcti, timeout: 50 })).toBe(false);
    });
    const tpm = await context.open();
    expect(await tpm.random.bytes(1)).toHaveLength(1);
  });

  test('something that answers rubbish, or nothing', async () => {
    const answers = [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), Buffer.alloc(64), null];
    for (const [at, answer] of answers.entries()) {
      const file = path.join(folder, `rubbish${at}`);
      const sockets = new Set();
      const server = net.createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('data', () => (answer ? socket.write(answer) : socket.destroy()));
      });
      await new Promise((resolve) => server.listen(file, resolve));
      const tcti = `swtpm:path=${file}`;
      expect(await Tpm.isAvailable({ tcti })).toBe(false);
      const error = await errorOf(Tpm.open({ tcti }));
      expect(error).toBeInstanceOf(TpmError);
      expect(['MARSHALLING_ERROR', 'TRANSPORT_ERROR', 'TPM_UNAVAILABLE']).toContain(error.code);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('is true while a handle of ours is open, and while commands run', async () => {
    const tpm = await context.open();
    const key = tpm.keys.create({ type: 'rsa' });
    expect(await Tpm.isAvailable({ tcti: context.tcti })).toBe(true);
    await key;
  });
});

describe('open() says what is wrong and what to do', () => {
  const cases = [
    ['a path that is not there', () => 'swtpm:path=/no/such/socket', 'TPM_UNAVAILABLE'],
    ['a device that is not there', () => 'device:/no/such/device', 'TPM_UNAVAILABLE'],
    ['a socket that refuses', () => refusedSocket(), 'TPM_UNAVAILABLE'],
    [
      'a port that refuses',
      async () => `swtpm:host=127.0.0.1,port=${await refusedPort()}`,
      'TPM_UNAVAILABLE',
    ],
    ['a tcti of no known kind', () => 'bogus:path=/x', 'INVALID_ARGUMENT'],
    ['a port out of range', () => 'swtpm:host=127.0.0.1,port=70000', 'INVALID_ARGUMENT'],
    ['tabrmd', () => 'tabrmd:bus_type=system', 'NOT_SUPPORTED'],
    ['a TCTI module', () => 'module:libtss2-tcti-nowhere.so.0:x', 'NOT_SUPPORTED'],
    ['TBS on Linux', () => 'tbs:', 'NOT_SUPPORTED'],
  ];
  test.each(cases)('%s', async (_name, tcti, code) => {
    const error = await errorOf(Tpm.open({ tcti: await tcti() }));
    expect(error).toBeInstanceOf(TpmError);
    expect(error).toMatchObject({ code });
    expect(error.suggestion).toMatch(/\w+ \w+/);
  });

  test.skipIf(!root)('no right to the socket (another user)', async () => {
    // The child must be able to read the package; the socket's folder is closed to it.
    const dir = path.dirname(context.swtpm.path);
    const mode = fs.statSync(context.swtpm.path).mode;
    fs.chmodSync(dir, 0o755);
    fs.chmodSync(context.swtpm.path, 0o600);
    try {
      // The package is loaded as root: a checkout below a closed home folder is no subject here.
      const { answers } = await runNode(
        `const { Tpm } = await import('node-tpm2');
         process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});
         const tcti = ${JSON.stringify(context.tcti)};
         say(await Tpm.isAvailable({ tcti }));
         await Tpm.open({ tcti }).catch(({ code, suggestion }) => say({ code, suggestion }));`,
      );
      expect(answers[0]).toBe(false);
      expect(answers[1].code).toBe('ACCESS_DENIED');
      expect(answers[1].suggestion).toMatch(/\w+ \w+/);
    } finally {
      fs.chmodSync(dir, 0o700);
      fs.chmodSync(context.swtpm.path, mode);
    }
  });

  test('a device that is busy, or no TPM at all, is not called a TPM', async () => {
    const error = await errorOf(Tpm.open({ tcti: 'device:/dev/null' }));
    expect(error).toBeInstanceOf(TpmError);
    expect(['TPM_UNAVAILABLE', 'TRANSPORT_ERROR', 'MARSHALLING_ERROR']).toContain(error.code);
  });

  test('a TPM that another client holds, with a time limit', async () => {
    await whileBusy(async () => {
      const error = await errorOf(Tpm.open({ tcti: context.tcti, timeout: 50 }));
      expect(error.code).toBe('TIMEOUT');
    });
  });

  test('waits for the other client when there is no limit', async () => {
    let opened;
    await whileBusy(async () => {
      opened = Tpm.open({ tcti: context.tcti });
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    const tpm = await opened;
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    await tpm.close();
  });

  test('a failed open leaves nothing that keeps the next from succeeding', async () => {
    const file = path.join(folder, 'later');
    const tcti = `swtpm:path=${file}`;
    expect((await errorOf(Tpm.open({ tcti }))).code).toBe('TPM_UNAVAILABLE');
    fs.symlinkSync(context.swtpm.path, file);
    const tpm = await Tpm.open({ tcti });
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    await tpm.close();
  });
});

describe('which TPM', () => {
  const code = `
    const { Tpm } = await import('node-tpm2');
    try {
      const tpm = await Tpm.open(JSON.parse(process.env.OPTIONS ?? '{}'));
      say({ tcti: (await tpm.info()).tcti });
      await tpm.close();
    } catch (error) { say({ code: error.code, message: error.message }); }`;
  const inChild = async (env) => {
    const { answers } = await runNode(code, {
      env: { NODE_TPM2_TCTI: undefined, TPM2TOOLS_TCTI: undefined, ...env },
    });
    return answers[0];
  };
  const elsewhere = 'swtpm:path=/no/such/socket';

  test('options.tcti is before the environment', async () => {
    const env = { NODE_TPM2_TCTI: elsewhere, TPM2TOOLS_TCTI: elsewhere };
    const OPTIONS = JSON.stringify({ tcti: context.tcti });
    expect(await inChild({ ...env, OPTIONS })).toEqual({ tcti: context.tcti });
  });
  test('NODE_TPM2_TCTI is before TPM2TOOLS_TCTI', async () => {
    const env = { NODE_TPM2_TCTI: context.tcti, TPM2TOOLS_TCTI: elsewhere };
    expect(await inChild(env)).toEqual({ tcti: context.tcti });
  });
  test('TPM2TOOLS_TCTI counts where NODE_TPM2_TCTI is not there, or empty', async () => {
    expect(await inChild({ TPM2TOOLS_TCTI: context.tcti })).toEqual({ tcti: context.tcti });
    const env = { NODE_TPM2_TCTI: '', TPM2TOOLS_TCTI: context.tcti };
    expect(await inChild(env)).toEqual({ tcti: context.tcti });
  });
  test('a bad one in the environment is said to be bad', async () => {
    const answer = await inChild({ NODE_TPM2_TCTI: 'bogus:x' });
    expect(answer.code).toBe('INVALID_ARGUMENT');
  });
  const real = ['/dev/tpmrm0', '/dev/tpm0'].some((device) => fs.existsSync(device));
  const where = real ? ' (not tried: this machine has a TPM, which is its owner’s business)' : '';
  test.skipIf(real)(`else the platform's own${where}`, async () => {
    const answer = await inChild({});
    expect(answer.code).toBe('TPM_UNAVAILABLE');
    expect(answer.message).toMatch(/\/dev\/tpm/);
  });
  test('tools and we understand the same strings', async () => {
    const tcp = await startSwtpm({ tcp: true });
    try {
      for (const tcti of [
        tcp.tcti,
        `swtpm:port=${tcp.port}`,
        `swtpm:port=${tcp.port},host=127.0.0.1`,
      ]) {
        const tpm = await Tpm.open({ tcti });
        expect(await tpm.random.bytes(4)).toHaveLength(4);
        await tpm.close();
      }
    } finally {
      await tcp.stop();
    }
  });
});

describe('time limits and AbortSignal', () => {
  const slow = (tpm, call) => tpm.keys.create({ type: 'rsa', ...call });

  test('an aborted signal sends nothing', async () => {
    const tpm = await context.open();
    const reason = new Error('changed my mind');
    const { commands } = await recordCommands(async () => {
      const error = await errorOf(tpm.random.bytes(8, { signal: AbortSignal.abort(reason) }));
      expect(error).toBeInstanceOf(TpmError);
      expect(error.code).toBe('ABORTED');
      expect(error.cause).toBe(reason);
    });
    expect(commands).toEqual([]);
  });

  test('a queued call is taken out of the queue', async () => {
    const tpm = await context.open();
    const controller = new AbortController();
    const running = slow(tpm);
    const { commands, result } = await recordCommands(async () => {
      const queued = errorOf(tpm.pcr.extend(16, Buffer.alloc(32), { signal: controller.signal }));
      controller.abort();
      const error = await queued;
      await running;
      await tpm.random.bytes(1);
      return error;
    });
    expect(result.code).toBe('ABORTED');
    expect(commands).not.toContain('TPM2_PCR_Extend');
    expect(commands.at(-1)).toBe('TPM2_GetRandom');
  });

  test('a running call rejects at once; the connection goes on', async () => {
    const tpm = await context.open();
    const controller = new AbortController();
    const order = [];
    const running = errorOf(slow(tpm, { signal: controller.signal })).then((error) => {
      order.push(error.code);
    });
    const next = tpm.random.bytes(8).then(() => order.push('next'));
    // Time for the thread to take the job; it may also be queued still, which is as good.
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await Promise.all([running, next]);
    expect(order).toEqual(['ABORTED', 'next']);
  });

  test('timeout of a call', async () => {
    const tpm = await context.open();
    const before = Array.from({ length: 3 }, () => slow(tpm));
    const error = await errorOf(tpm.random.bytes(1, { timeout: 1 }));
    expect(error).toBeInstanceOf(TpmError);
    expect(error.code).toBe('TIMEOUT');
    await Promise.all(before);
    expect(await tpm.random.bytes(1, { timeout: 60_000 })).toHaveLength(1);
  });

  test('timeout and signal of open() are every call’s default', async () => {
    const controller = new AbortController();
    const tpm = await context.open({ signal: controller.signal, timeout: 60_000 });
    expect(await tpm.random.bytes(1)).toHaveLength(1);
    controller.abort();
    expect((await errorOf(tpm.random.bytes(1))).code).toBe('ABORTED');
    const own = new AbortController();
    expect(await tpm.random.bytes(1, { signal: own.signal })).toHaveLength(1);
  });

  test('a limit that is not reached leaves no timer, and one listener at most for a signal', async () => {
    const { code, answers } = await runNode(
      `const { Tpm } = await import('node-tpm2');
       const tpm = await Tpm.open({ tcti: ${JSON.stringify(context.tcti)} });
       const { signal } = new AbortController();
       let listeners = 0;
       const add = signal.addEventListener.bind(signal);
       const remove = signal.removeEventListener.bind(signal);
       signal.addEventListener = (...args) => { listeners += 1; add(...args); };
       signal.removeEventListener = (...args) => { listeners -= 1; remove(...args); };
       for (let i = 0; i < 5; ++i) await tpm.random.bytes(1, { timeout: 100_000, signal });
       say(listeners);
       await tpm.close();`,
    );
    expect(code).toBe(0);
    expect(answers[0]).toBeLessThanOrEqual(1);
  });
});
