// A blob of Windows' Platform Crypto Provider in other hands: read anywhere, used on Windows only.
import { existsSync, readFileSync } from 'node:fs';
import { Tpm } from 'node-tpm2';
import { verifyCreation } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { recordCommands, useTestTpm } from './helpers/tpm.mjs';

const VECTOR = new URL('../../../shared/vectors/pcp/windows_gcp_shielded_vm.json', import.meta.url);

/** The blob that Windows' key would have, made from the recording by hand. */
function realBlob() {
  const { AK } = JSON.parse(readFileSync(VECTOR, 'utf8'));
  const parts = [AK.Public, AK.CreateData, AK.CreateAttestation, AK.CreateSignature];
  const fields = [Buffer.from('a key'), ...parts.map((text) => Buffer.from(text, 'base64'))];
  const sized = fields.flatMap((field) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(field.length);
    return [size, field];
  });
  return { public: Buffer.concat([Buffer.from('PCP1'), ...sized]), private: Buffer.alloc(0) };
}

// Skipped where the shared vectors are not beside the repository.
describe.skipIf(!existsSync(VECTOR))("a Windows key's blob, not on Windows", () => {
  const context = useTestTpm();

  test('tells what the key is', async () => {
    const blob = realBlob();
    const ak = await (await context.open()).attest.load(blob);
    expect(ak.export()).toEqual(blob);
    expect(ak.publicKey.asymmetricKeyType).toBe('rsa');
    expect(ak.name.length).toBe(34);
    expect(verifyCreation({ binding: blob })).toMatchObject({ ok: true, keyName: 'a key' });
  });

  test('quotes and activates nothing, and says where it would', async () => {
    const akBlob = realBlob();
    const ak = await (await context.open()).attest.load(akBlob);
    const credential = { credentialBlob: Buffer.alloc(70, 1), secret: Buffer.alloc(256, 2) };
    credential.credentialBlob.writeUInt16BE(32);
    const { commands } = await recordCommands(async () => {
      for (const use of [
        () => ak.quote({ pcrSelection: [0] }),
        () => Tpm.quote({ akBlob, pcrSelection: [0] }),
        () => ak.activateCredential(credential),
      ]) {
        await expect(use()).rejects.toMatchObject({
          code: 'NOT_SUPPORTED',
          suggestion: expect.stringContaining('Windows'),
        });
      }
    });
    expect(commands).toEqual([]);
    await ak.close();
  });

  test('is refused when it is cut or anything in it but the name is altered', async () => {
    const blob = realBlob();
    const { load } = (await context.open()).attest;
    for (let size = 1; size < blob.public.length; size++) {
      const cut = { ...blob, public: blob.public.subarray(0, size) };
      await expect(load(cut)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    const name = blob.public.indexOf('a key');
    for (let at = 4; at < blob.public.length; at++) {
      if (at >= name && at < name + 'a key'.length) continue;
      const flipped = Buffer.from(blob.public);
      flipped[at] ^= 0x10;
      const refused = await load({ ...blob, public: flipped }).catch((error) => error.code);
      expect([at, refused]).toEqual([at, 'INVALID_ARGUMENT']);
    }
    await expect(load({ ...blob, private: Buffer.alloc(1) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
