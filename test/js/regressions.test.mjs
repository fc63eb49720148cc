// What was once wrong, each with the call that showed it.
import { Tpm, TpmError } from 'node-tpm2';
import { describe, expect, it } from 'vitest';
import { useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const digest = Buffer.alloc(32, 1);

describe('regressions', () => {
  it('keys.create() needs no options', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    expect(key.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(await key.sign(digest)).toHaveLength(64);
  });

  it('a key keeps its own copy of the auth value', async () => {
    const tpm = await context.open();
    const auth = Buffer.from('correct horse');
    const creating = tpm.keys.create({ auth });
    auth.fill(0);
    const key = await creating;
    expect(await key.sign(digest)).toHaveLength(64);
  });

  it('readPublic() finds room for a persistent key beside what is kept loaded', async () => {
    const tpm = await context.open();
    const keys = [await tpm.keys.create(), await tpm.keys.create()];
    for (const key of keys) await key.sign(digest);
    const error = await tpm.readPublic(0x81010001).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TpmError);
    expect(error.code).toBe('KEY_NOT_FOUND');
    for (const key of keys) expect(await key.sign(digest)).toHaveLength(64);
  });

  it('Tpm.readEkCertificate() takes call options', async () => {
    const error = await Tpm.readEkCertificate({ signal: AbortSignal.abort() }).catch((e) => e);
    expect(error.code).toBe('ABORTED');
  });
});
