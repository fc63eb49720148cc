// Blobs by tpm2_create that are no keys for signing or decrypting, or belong under another parent.
import { createHash, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { afterEach, describe, expect, test } from 'vitest';
import { haveTools } from '../support/tools.mjs';
import { joinSealBlob } from './helpers/blobs.mjs';
import { makeStorageParent } from './helpers/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
afterEach(() => context.forgetFailures());
const DIGEST = createHash('sha256').update('x').digest();

async function create(args, parent = 'parent.ctx') {
  const files = ['-u', 'theirs.pub', '-r', 'theirs.priv'];
  await context.tpm2('create', ['-C', parent, ...files, ...args]);
  await context.tools.flush();
  return {
    public: context.tools.read('theirs.pub'),
    private: context.tools.read('theirs.priv'),
  };
}

describe.skipIf(!haveTools())('blobs by tpm2_create', () => {
  test.each([
    ['an HMAC key', ['-G', 'hmac']],
    ['an AES key', ['-G', 'aes128cfb']],
    ['sealed data', ['-i', 'secret']],
  ])('%s is no key pair: refused, with nothing sent', async (_name, args) => {
    context.tools.write('secret', randomBytes(16));
    await makeStorageParent(context);
    const blob = await create(args);
    const tpm = await context.open();
    const { commands } = await recordCommands(async () => {
      for (const use of [
        () => tpm.keys.load(blob),
        () => tpm.attest.load(blob),
        () => Tpm.signKeyBlob({ keyBlob: blob, digest: DIGEST }),
        () => Tpm.decryptKeyBlob({ keyBlob: blob, cipher: DIGEST }),
        () => Tpm.quote({ akBlob: blob, pcrSelection: [0] }),
      ]) {
        const error = await errorOf(use());
        expect(['INVALID_ARGUMENT', 'NOT_SUPPORTED']).toContain(error.code);
        expect(error.message).toMatch(/\w+ \w+/);
      }
    });
    expect(commands).toEqual([]);
  });

  test('a storage key signs nothing and decrypts nothing', async () => {
    await makeStorageParent(context);
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt';
    const blob = await create(['-G', 'rsa2048:null:aes128cfb', '-a', attributes]);
    const tpm = await context.open();
    const key = await tpm.keys.load(blob);
    expect((await errorOf(key.sign(DIGEST))).code).toBe('INVALID_ARGUMENT');
    const error = await errorOf(key.decrypt(randomBytes(256)));
    expect(error.name).toBe('TpmError');
    expect(await tpm.random.bytes(4)).toHaveLength(4);
  });

  test('a key is no sealed data', async () => {
    await makeStorageParent(context);
    const blob = await create(['-G', 'ecc']);
    const tpm = await context.open();
    const { commands } = await recordCommands(async () => {
      const error = await errorOf(tpm.seal.unseal(joinSealBlob({ pcrs: [], ...blob })));
      expect(error.code).toBe('INVALID_ARGUMENT');
    });
    expect(commands).toEqual([]);
  });

  test('a key under another parent is INTEGRITY; ours go on', async () => {
    await context.tpm2('createprimary', ['-C', 'o', '-G', 'rsa', '-c', 'other.ctx']);
    await context.tools.flush();
    const blob = await create(['-G', 'ecc'], 'other.ctx');
    const tpm = await context.open();
    const key = await tpm.keys.load(blob);
    for (let i = 0; i < 4; ++i) {
      const error = await errorOf(key.sign(DIGEST));
      expect(error).toMatchObject({ code: 'INTEGRITY', command: 'TPM2_Load' });
    }
    expect(await (await tpm.keys.create()).sign(DIGEST)).toHaveLength(64);
  });

  test('a signing key with a hash of its own wants that hash', async () => {
    await makeStorageParent(context);
    const blob = await create(['-G', 'ecc384:ecdsa-sha384']);
    const tpm = await context.open();
    const key = await tpm.keys.load(blob);
    const digest = createHash('sha384').update('x').digest();
    expect(await key.sign(digest)).toHaveLength(96);
    expect((await errorOf(key.sign(DIGEST))).code).toBe('INVALID_ARGUMENT');
    expect((await errorOf(key.sign(DIGEST, { hash: 'sha256' }))).code).toBe('INVALID_ARGUMENT');
  });
});
