// Sealed data: for this TPM, for a state of its PCRs, for who knows a password.
import { createHash, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { afterEach, describe, expect, test } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import { expectNoLeaks, haveTools } from '../support/tools.mjs';
import { joinSealBlob, splitSealBlob } from './helpers/blobs.mjs';
import { makeStorageParent } from './helpers/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
afterEach(() => context.forgetFailures());
const SECRET = randomBytes(32);
const AUTH = Buffer.from('a good password');
const digest = (text) => createHash('sha256').update(text).digest();

describe('seal and unseal', () => {
  test.each([1, 2, 31, 64, 127, 128])('%i bytes', async (size) => {
    const tpm = await context.open();
    const data = randomBytes(size);
    const blob = await tpm.seal.seal({ data });
    expect(await tpm.seal.unseal(blob)).toEqual(data);
    // A blob outlives the connection that made it.
    await tpm.close();
    expect(await (await context.open()).seal.unseal(blob)).toEqual(data);
  });

  test('version 1 blobs have the documented form', async () => {
    const tpm = await context.open();
    const blob = await tpm.seal.seal({ data: SECRET, pcrSelection: [7, 3] });
    const parts = splitSealBlob(blob);
    expect(parts).toMatchObject({ magic: 'SEAL', version: 1, pcrs: [3, 7], rest: 0 });
    for (const part of [parts.public, parts.private]) {
      expect(part.readUInt16BE()).toBe(part.length - 2);
    }
  });

  test('with a password', async () => {
    const tpm = await context.open();
    const blob = await tpm.seal.seal({ data: SECRET, auth: AUTH });
    expect(await tpm.seal.unseal(blob, { auth: AUTH })).toEqual(SECRET);
    const error = await errorOf(tpm.seal.unseal(blob, { auth: Buffer.from('hunter2') }));
    expect(error).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_Unseal' });
    expect(error.message).not.toContain('hunter2');
    expect((await errorOf(tpm.seal.unseal(blob))).code).toBe('AUTH_FAILED');
    expect(await tpm.seal.unseal(blob, { auth: AUTH })).toEqual(SECRET);
  });

  test('with and without parameter encryption, either way round', async () => {
    for (const [sealing, unsealing] of [
      [true, false],
      [false, true],
    ]) {
      const one = await context.open({ encrypt: sealing });
      const blob = await one.seal.seal({ data: SECRET, pcrSelection: [1], auth: AUTH });
      await one.close();
      const two = await context.open({ encrypt: unsealing });
      expect(await two.seal.unseal(blob, { auth: AUTH })).toEqual(SECRET);
      await two.close();
    }
  });
});

describe('bound to PCRs', () => {
  const BANKS = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

  test.each(Object.entries(BANKS))('of %s', async (bank, size) => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    await tpm.pcr.extend(16, Buffer.alloc(size, 1), bank);
    const blob = await tpm.seal.seal({ data: SECRET, pcrSelection: [0, 16], bank });
    expect(await tpm.seal.unseal(blob)).toEqual(SECRET);
    await tpm.pcr.extend(16, Buffer.alloc(size, 2), bank);
    expect(await errorOf(tpm.seal.unseal(blob))).toMatchObject({ code: 'AUTH_FAILED' });
    // Back in the state of the sealing, it opens again.
    await tpm.pcr.reset(16);
    await tpm.pcr.extend(16, Buffer.alloc(size, 1), bank);
    expect(await tpm.seal.unseal(blob)).toEqual(SECRET);
  });

  test('of several banks, and of more than eight', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const all = Array.from({ length: 24 }, (_, index) => index);
    const blob = await tpm.seal.seal({ data: SECRET, pcrSelection: { sha256: all, sha1: [16] } });
    expect(await tpm.seal.unseal(blob)).toEqual(SECRET);
    await tpm.pcr.extend(16, Buffer.alloc(20, 2), 'sha1');
    expect((await errorOf(tpm.seal.unseal(blob))).code).toBe('AUTH_FAILED');
  });

  test('other PCRs do not matter', async () => {
    const tpm = await context.open();
    const blob = await tpm.seal.seal({ data: SECRET, pcrSelection: [7] });
    await tpm.pcr.extend(16, digest('something else'));
    expect(await tpm.seal.unseal(blob)).toEqual(SECRET);
  });

  test('and to a password: both are needed', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const blob = await tpm.seal.seal({ data: SECRET, pcrSelection: [16], auth: AUTH });
    expect(await tpm.seal.unseal(blob, { auth: AUTH })).toEqual(SECRET);
    for (const auth of [undefined, Buffer.from('other')]) {
      expect((await errorOf(tpm.seal.unseal(blob, { auth }))).code).toBe('AUTH_FAILED');
    }
    expect(await tpm.seal.unseal(blob, { auth: AUTH })).toEqual(SECRET);
    await tpm.pcr.extend(16, digest('moved on'));
    expect((await errorOf(tpm.seal.unseal(blob, { auth: AUTH }))).code).toBe('AUTH_FAILED');
  });

  test('a failure leaves the connection usable, and no assertion for the next', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const bound = await tpm.seal.seal({ data: SECRET, pcrSelection: [16] });
    const other = await tpm.seal.seal({ data: SECRET, pcrSelection: [7] });
    await tpm.pcr.extend(16, digest('moved on'));
    for (let i = 0; i < 4; ++i) {
      expect((await errorOf(tpm.seal.unseal(bound))).code).toBe('AUTH_FAILED');
      expect(await tpm.seal.unseal(other)).toEqual(SECRET);
    }
  });

  test('commands: a repeated unseal is one, a bound one two', async () => {
    const tpm = await context.open();
    const plain = await tpm.seal.seal({ data: SECRET });
    const bound = await tpm.seal.seal({ data: SECRET, pcrSelection: [7] });
    for (const [blob, expected] of [
      [plain, ['TPM2_Unseal']],
      [bound, ['TPM2_PolicyPCR', 'TPM2_Unseal']],
    ]) {
      await tpm.seal.unseal(blob);
      const { commands } = await recordCommands(() => tpm.seal.unseal(blob));
      expect(commands).toEqual(expected);
    }
  });
});

describe('blobs', () => {
  test('an altered private part is INTEGRITY, and nothing stays loaded', async () => {
    const tpm = await context.open();
    const blob = await tpm.seal.seal({ data: SECRET });
    const altered = Buffer.from(blob);
    altered[altered.length - 1] ^= 1;
    expect((await errorOf(tpm.seal.unseal(altered))).code).toBe('INTEGRITY');
    const { handles } = await tpm.capabilities();
    expect(handles.transient.length).toBeLessThanOrEqual(1); // the parent
    expect(await tpm.seal.unseal(blob)).toEqual(SECRET);
  });

  test("another TPM's is INTEGRITY", async () => {
    const other = await startSwtpm();
    try {
      const there = await Tpm.open({ tcti: other.tcti });
      const blob = await there.seal.seal({ data: SECRET });
      await there.close();
      await expectNoLeaks(other);
      const tpm = await context.open();
      const error = await errorOf(tpm.seal.unseal(blob));
      expect(error).toMatchObject({ code: 'INTEGRITY', command: 'TPM2_Load' });
    } finally {
      await other.stop();
    }
  });
});

describe.skipIf(!haveTools())('tpm2-tools', () => {
  const write = (blob) => {
    const parts = splitSealBlob(blob);
    context.tools.write('sealed.pub', parts.public);
    context.tools.write('sealed.priv', parts.private);
    return parts;
  };
  async function load() {
    await makeStorageParent(context);
    await context.tpm2('load', [
      '-C',
      'parent.ctx',
      '-u',
      'sealed.pub',
      '-r',
      'sealed.priv',
      '-c',
      'sealed.ctx',
    ]);
    await context.tools.flush();
  }

  test('tpm2_unseal opens what we sealed', async () => {
    const tpm = await context.open();
    write(await tpm.seal.seal({ data: SECRET, auth: AUTH }));
    await load();
    const { stdout } = await context.tpm2('unseal', ['-c', 'sealed.ctx', '-p', AUTH.toString()]);
    expect(stdout).toEqual(SECRET);
    await context.tools.flush();
    await expect(context.tpm2('unseal', ['-c', 'sealed.ctx'])).rejects.toThrow(/0x9[68]E|auth/i);
    await context.tools.flush();
  });

  test('tpm2_unseal opens a PCR-bound one by its policy, and not by the empty password', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    write(await tpm.seal.seal({ data: SECRET, pcrSelection: [7, 16] }));
    await load();
    const { stdout } = await context.tpm2('unseal', ['-c', 'sealed.ctx', '-p', 'pcr:sha256:7,16']);
    expect(stdout).toEqual(SECRET);
    await context.tools.flush();
    for (const args of [[], ['-p', '']]) {
      const error = await errorOf(context.tpm2('unseal', ['-c', 'sealed.ctx', ...args]));
      // TPM_RC_AUTH_UNAVAILABLE: userWithAuth is clear.
      expect(error.message).toMatch(/0x12F|auth/i);
      await context.tools.flush();
    }
    await (await context.open()).pcr.extend(16, digest('moved on'));
    const moved = ['-c', 'sealed.ctx', '-p', 'pcr:sha256:7,16'];
    await expect(context.tpm2('unseal', moved)).rejects.toThrow();
    await context.tools.flush();
  });

  test('what tpm2_create sealed, we unseal: by nothing, by a password, by PCRs', async () => {
    context.tools.write('secret', SECRET);
    await context.tpm2('createpolicy', ['--policy-pcr', '-l', 'sha256:7', '-L', 'policy']);
    await context.tools.flush();
    const cases = [
      { args: [], pcrs: [] },
      { args: ['-p', AUTH.toString()], pcrs: [], auth: AUTH },
      { args: ['-L', 'policy', '-a', 'fixedtpm|fixedparent|noda'], pcrs: [7] },
    ];
    for (const { args, pcrs, auth } of cases) {
      await makeStorageParent(context);
      const files = ['-u', 'theirs.pub', '-r', 'theirs.priv'];
      await context.tpm2('create', ['-C', 'parent.ctx', '-i', 'secret', ...files, ...args]);
      await context.tools.flush();
      const blob = joinSealBlob({
        pcrs,
        public: context.tools.read('theirs.pub'),
        private: context.tools.read('theirs.priv'),
      });
      const tpm = await context.open();
      expect(await tpm.seal.unseal(blob, { auth })).toEqual(SECRET);
    }
  });

  test('the policy is the one that tpm2_policypcr makes', async () => {
    const tpm = await context.open();
    const parts = splitSealBlob(
      await tpm.seal.seal({ data: SECRET, pcrSelection: { sha1: [2], sha256: [1, 9] } }),
    );
    await context.tpm2('createpolicy', ['--policy-pcr', '-l', 'sha1:2+sha256:1,9', '-L', 'policy']);
    await context.tools.flush();
    expect(parts.public.includes(context.tools.read('policy'))).toBe(true);
  });
});
