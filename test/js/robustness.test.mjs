// Odd but legal uses: an owned TPM, unusual buffers, two TPMs at once, limits reached half way.
import { createHash, randomBytes, verify } from 'node:crypto';
import { Tpm, TpmError } from 'node-tpm2';
import { makeCredential } from 'node-tpm2/verifier';
import { afterEach, describe, expect, test } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import { expectNoLeaks, haveTools } from '../support/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const DIGEST = createHash('sha256').update('x').digest();
const signed = (key, signature) =>
  verify('sha256', 'x', { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature);

describe.skipIf(!haveTools())('an owned TPM', () => {
  const owner = Buffer.from('of the owner');
  const withOwner = async (body) => {
    await context.tpm2('changeauth', ['-c', 'o', owner.toString()]);
    try {
      await body();
    } finally {
      await context.tpm2('changeauth', ['-c', 'o', '-p', owner.toString()]);
    }
  };

  test('works with its password, with encryption and without', async () => {
    await withOwner(async () => {
      for (const encrypt of [true, false]) {
        const tpm = await context.open({ auth: { owner }, encrypt });
        const key = await tpm.keys.create();
        expect(signed(key, await key.sign(DIGEST))).toBe(true);
        const blob = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7] });
        expect(await tpm.seal.unseal(blob)).toEqual(DIGEST);
        const ak = await tpm.attest.provisionAk();
        const secret = randomBytes(16);
        const ek = await tpm.attest.ek({ type: 'ecc' });
        const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
        expect(await ak.activateCredential(credential)).toEqual(secret);
        await tpm.close();
      }
    });
  });

  test('without it, or with another, says so and what to do', async () => {
    await withOwner(async () => {
      for (const auth of [undefined, { owner: Buffer.from('hunter2') }]) {
        const tpm = await context.open({ auth });
        const error = await errorOf(tpm.keys.create());
        expect(error).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_CreatePrimary' });
        expect(error.suggestion).toMatch(/\w+ \w+/);
        expect(`${error.message}${error.suggestion}`).not.toContain('hunter2');
        // What needs no owner works all the same.
        expect(await tpm.random.bytes(4)).toHaveLength(4);
        expect(Object.keys(await tpm.pcr.read([0]))).toEqual(['0']);
        await tpm.close();
      }
    });
  });

  test('gives who has the right password of an index what is in it', async () => {
    const index = '0x01800021';
    const platformIndex = '0x01400021';
    const password = Buffer.from('of the index');
    const data = randomBytes(32);
    const tpm = await context.open();
    await tpm.nv.define({ handle: index, size: 32, auth: password });
    context.tools.write('data', data);
    const attributes = 'ppwrite|platformcreate|ppread';
    await context.tpm2('nvdefine', [platformIndex, '-C', 'p', '-s', '32', '-a', attributes]);
    await context.tpm2('nvwrite', [platformIndex, '-C', 'p', '-i', 'data']);
    await tpm.close();
    try {
      await withOwner(async () => {
        const owned = await context.open();
        const { commands, events } = await recordCommands(async () => {
          await owned.nv.write(index, data, 0, password);
          expect(await owned.nv.read(index, 0, 32, password)).toEqual(data);
          expect(await owned.nv.read(platformIndex)).toEqual(data);
        });
        // The owner’s key is refused once; then the session is salted to an endorsement key.
        expect(commands.filter((name) => name === 'TPM2_CreatePrimary')).toHaveLength(2);
        expect(commands.filter((name) => name === 'TPM2_StartAuthSession')).toHaveLength(1);
        for (const { command, sessions } of events) {
          if (/NV_(Read|Write)$/.test(command)) expect(sessions).toMatch(/\+encrypt/);
        }
        const wrong = await errorOf(owned.nv.read(index, 0, 32, Buffer.from('hunter2')));
        expect(wrong).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_NV_Read' });
        const parentName = Buffer.concat([Buffer.from('000b', 'hex'), randomBytes(32)]);
        const pinned = await context.open({ parentName });
        const refused = await errorOf(pinned.nv.read(index, 0, 32, password));
        expect(refused).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_CreatePrimary' });
        await pinned.close();
        await owned.close();
      });
    } finally {
      await context.tpm2('nvundefine', [platformIndex, '-C', 'p']);
      const again = await context.open();
      await again.nv.undefine(index);
    }
  });

  test('one handle’s password is not another’s', async () => {
    await withOwner(async () => {
      const index = '0x01800020';
      const knows = await context.open({ auth: { owner } });
      const knowsNot = await context.open();
      await knows.nv.define({ handle: index, size: 4 });
      await knows.nv.write(index, Buffer.from('abcd'));
      const error = await errorOf(knowsNot.nv.read(index));
      expect(error.code).toBe('AUTH_FAILED');
      expect((await knows.nv.read(index)).toString()).toBe('abcd');
      await knows.nv.undefine(index);
    });
  });
});

describe('dictionary-attack protection', () => {
  afterEach(async () => {
    const tpm = await context.open();
    await tpm.lockout.reset();
    await tpm.lockout.configure({ maxTries: 3, recoveryTime: 1000, lockoutRecovery: 1000 });
  });

  test('status, configure, reset', async () => {
    const tpm = await context.open();
    await tpm.lockout.configure({ maxTries: 7, recoveryTime: 1200, lockoutRecovery: 2400 });
    const status = await tpm.lockout.status();
    expect(status).toMatchObject({ maxTries: 7, recoveryTime: 1200, lockoutRecovery: 2400 });
    expect(status).toMatchObject({ inLockout: false, counter: 0 });
    expect((await tpm.info()).lockout).toEqual(status);
    const key = await tpm.keys.create({ auth: Buffer.from('right') });
    await errorOf(key.sign(DIGEST, { auth: Buffer.from('wrong') }));
    expect((await tpm.lockout.status()).counter).toBe(1);
    await tpm.lockout.reset();
    expect((await tpm.lockout.status()).counter).toBe(0);
    if (!haveTools()) return;
    const { yaml } = await context.tpm2('getcap', ['properties-variable']);
    expect(Number(yaml.TPM2_PT_MAX_AUTH_FAIL)).toBe(7);
    expect(Number(yaml.TPM2_PT_LOCKOUT_INTERVAL)).toBe(1200);
    expect(Number(yaml.TPM2_PT_LOCKOUT_RECOVERY)).toBe(2400);
  });

  test.skipIf(!haveTools())('with a lockout password, of the call or of the handle', async () => {
    const lockout = Buffer.from('of the lockout');
    await context.tpm2('changeauth', ['-c', 'l', lockout.toString()]);
    try {
      const tpm = await context.open();
      await tpm.lockout.reset({ lockoutAuth: lockout });
      const own = await context.open({ auth: { lockout } });
      await own.lockout.reset();
    } finally {
      await context.tpm2('changeauth', ['-c', 'l', '-p', lockout.toString()]);
    }
  });

  test('arguments', async () => {
    const tpm = await context.open();
    const good = { maxTries: 3, recoveryTime: 1000, lockoutRecovery: 1000 };
    const { commands } = await recordCommands(async () => {
      for (const name of Object.keys(good)) {
        for (const value of ['3', -1, 1.5, null, undefined, 2 ** 32]) {
          const error = await errorOf(tpm.lockout.configure({ ...good, [name]: value }));
          expect(error.code).toBe('INVALID_ARGUMENT');
          expect(error.message).toContain(name);
        }
      }
      for (const lockoutAuth of ['x', 7, Buffer.alloc(65, 1)]) {
        expect((await errorOf(tpm.lockout.reset({ lockoutAuth }))).code).toBe('INVALID_ARGUMENT');
      }
    });
    expect(commands).toEqual([]);
  });
});

describe('buffers', () => {
  test('of all kinds of memory', async () => {
    const tpm = await context.open();
    const shared = new Uint8Array(new SharedArrayBuffer(64), 16, 32);
    const resizable = new Uint8Array(new ArrayBuffer(32, { maxByteLength: 64 }));
    const within = new Uint8Array(randomBytes(100).buffer.slice(0, 64), 8, 32);
    class Subclass extends Uint8Array {}
    const outcomes = [];
    for (const bytes of [shared, resizable, within, new Subclass(32).fill(9)]) {
      randomBytes(32).copy(bytes);
      const sealed = await tpm.seal.seal({ data: bytes }).catch((error) => error);
      if (sealed instanceof Error) {
        expect(sealed).toMatchObject({ name: 'TpmError', code: 'INVALID_ARGUMENT' });
        outcomes.push('refused');
      } else {
        expect(await tpm.seal.unseal(sealed)).toEqual(Buffer.from(bytes));
        outcomes.push('sealed');
      }
    }
    expect(outcomes.slice(2)).toEqual(['sealed', 'sealed']);
  });

  test('that were given away are empty, which is refused', async () => {
    const tpm = await context.open();
    const bytes = new Uint8Array(32);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    const error = await errorOf(tpm.seal.seal({ data: bytes }));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('are the caller’s again when the call is made', async () => {
    const tpm = await context.open();
    const data = Buffer.from('seal this, not zeros');
    const auth = Buffer.from('and this');
    const sealing = tpm.seal.seal({ data, auth });
    data.fill(0);
    auth.fill(0);
    const blob = await sealing;
    expect(String(await tpm.seal.unseal(blob, { auth: Buffer.from('and this') }))).toBe(
      'seal this, not zeros',
    );
  });

  test('results do not share memory', async () => {
    const tpm = await context.open();
    const [one, two] = await Promise.all([tpm.random.bytes(32), tpm.random.bytes(32)]);
    const before = Buffer.from(two);
    new Uint8Array(one.buffer, one.byteOffset, one.length).fill(0);
    expect(two).toEqual(before);
    expect(one.buffer).not.toBe(two.buffer);
  });
});

describe('selections of PCRs', () => {
  test('with holes or with what has a valueOf', async () => {
    const tpm = await context.open();
    // biome-ignore lint/suspicious/noSparseArray: that is the point
    for (const selection of [[, 1], new Array(3), [{ valueOf: () => 1 }], [[1]], [-0.5]]) {
      const error = await errorOf(tpm.pcr.read(selection));
      expect(error).toBeInstanceOf(TpmError);
      expect(error.code).toBe('INVALID_ARGUMENT');
    }
    expect(Object.keys(await tpm.pcr.read([-0]))).toEqual(['0']);
  });

  test('are not changed', async () => {
    const tpm = await context.open();
    const selection = Object.freeze([9, 1, 9]);
    await tpm.pcr.read(selection);
    expect(selection).toEqual([9, 1, 9]);
  });
});

describe('limits reached half way', () => {
  test('a long run of commands stops between two of them', async () => {
    const tpm = await context.open();
    const controller = new AbortController();
    const { commands, result } = await recordCommands(async () => {
      const outcome = errorOf(tpm.random.bytes(1 << 20, { signal: controller.signal }));
      setTimeout(() => controller.abort(), 10);
      const error = await outcome;
      await tpm.clock();
      return error;
    });
    expect(result.code).toBe('ABORTED');
    expect(commands.length).toBeLessThan(16384);
    expect(commands.at(-1)).toBe('TPM2_ReadClock');
  });

  test('a key that is closed while it signs', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    const work = [key.sign(DIGEST), key.close(), key.sign(DIGEST), key.close(), key.sign(DIGEST)];
    const [one, , two, , three] = await Promise.all(work);
    for (const signature of [one, two, three]) expect(signed(key, signature)).toBe(true);
  });

  test('many at once look whether there is a TPM', async () => {
    const looks = Array.from({ length: 50 }, () => Tpm.isAvailable({ tcti: context.tcti }));
    expect(new Set(await Promise.all(looks))).toEqual(new Set([true]));
    const nowhere = Array.from({ length: 20 }, () => Tpm.isAvailable({ tcti: 'swtpm:path=/no' }));
    expect(new Set(await Promise.all(nowhere))).toEqual(new Set([false]));
  });
});

describe('a TPM that does not answer', () => {
  test('for a while: limits hold, and afterwards all goes on', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    await key.sign(DIGEST);
    process.kill(context.swtpm.pid, 'SIGSTOP');
    try {
      const running = tpm.random.bytes(8, { timeout: 30 });
      const queued = key.sign(DIGEST, { timeout: 30 });
      for (const call of [running, queued]) expect((await errorOf(call)).code).toBe('TIMEOUT');
      const controller = new AbortController();
      const aborted = errorOf(tpm.pcr.read([0], { signal: controller.signal }));
      controller.abort();
      expect((await aborted).code).toBe('ABORTED');
    } finally {
      process.kill(context.swtpm.pid, 'SIGCONT');
    }
    expect(await tpm.random.bytes(8)).toHaveLength(8);
    expect(signed(key, await key.sign(DIGEST))).toBe(true);
  });

  test('ever again: closing a handle and its keys is no error', async () => {
    const other = await startSwtpm();
    try {
      const tpm = await Tpm.open({ tcti: other.tcti });
      const [key, ak] = [await tpm.keys.create(), await tpm.attest.provisionAk()];
      await key.sign(DIGEST);
      await other.kill();
      await key.close();
      await ak.close();
      await tpm.close();
      const error = await errorOf(Tpm.open({ tcti: other.tcti }));
      expect(error.code).toBe('TPM_UNAVAILABLE');
    } finally {
      await other.stop();
    }
  });
});

describe('two TPMs in one process', () => {
  test('are kept apart', async () => {
    const other = await startSwtpm();
    try {
      const here = await context.open();
      const there = await Tpm.open({ tcti: other.tcti });
      const keys = await Promise.all([here.keys.create(), there.keys.create()]);
      const signatures = await Promise.all(keys.map((key) => key.sign(DIGEST)));
      expect(signatures.map((signature, i) => signed(keys[i], signature))).toEqual([true, true]);
      await there.pcr.extend(16, DIGEST);
      const [mine, its] = await Promise.all([here.pcr.read([16]), there.pcr.read([16])]);
      expect(its).not.toEqual(mine);
      const foreign = await here.keys.load(keys[1].export());
      expect((await errorOf(foreign.sign(DIGEST))).code).toBe('INTEGRITY');
      await there.close();
      await expectNoLeaks(other);
    } finally {
      await other.stop();
    }
  });
});
