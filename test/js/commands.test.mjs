// How many TPM commands a call costs: on a chip each takes milliseconds to seconds.
// Resubmissions after TPM_RC_RETRY are commands of their own and are left out of the count.
import { constants, createHash, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { haveTools } from '../support/tools.mjs';
import { makeStorageParent } from './helpers/tools.mjs';
import { recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const DIGEST = createHash('sha256').update('x').digest();
const RC_RETRY = 0x922;
const SRK = '0x81000001';

async function commandsOf(body) {
  const { events } = await recordCommands(body);
  return events.filter(({ rc }) => rc !== RC_RETRY).map(({ command }) => command);
}

describe('a repeated call', () => {
  test('is one command, for a key', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create();
    const guarded = await tpm.keys.create({ auth: Buffer.from('password') });
    for (const each of [key, guarded]) {
      await each.sign(DIGEST);
      expect(await commandsOf(() => each.sign(DIGEST))).toEqual(['TPM2_Sign']);
    }
    const rsa = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const cipher = publicEncrypt({ key: rsa.publicKey, ...oaep }, Buffer.from('plain'));
    await rsa.decrypt(cipher);
    expect(await commandsOf(() => rsa.decrypt(cipher))).toEqual(['TPM2_RSA_Decrypt']);
  });

  test('is one command for a quote, and one more for the values', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const request = { pcrSelection: [0, 1, 7], qualifyingData: randomBytes(8) };
    await ak.quote(request);
    expect(await commandsOf(() => ak.quote(request))).toEqual(['TPM2_Quote']);
    const more = { ...request, includePcrs: true };
    expect(await commandsOf(() => ak.quote(more))).toEqual(['TPM2_PCR_Read', 'TPM2_Quote']);
  });

  test('is one command for seal and unseal, two where PCRs are bound, three with a password', async () => {
    const tpm = await context.open();
    const auth = Buffer.from('password');
    const cases = [
      [{}, [], ['TPM2_Unseal']],
      [{ auth }, [], ['TPM2_Unseal']],
      [{ pcrSelection: [7] }, ['TPM2_PCR_Read'], ['TPM2_PolicyPCR', 'TPM2_Unseal']],
      [
        { pcrSelection: [7], auth },
        ['TPM2_PCR_Read'],
        ['TPM2_PolicyPCR', 'TPM2_PolicyAuthValue', 'TPM2_Unseal'],
      ],
    ];
    for (const [options, before, expected] of cases) {
      const sealing = () => tpm.seal.seal({ data: DIGEST, ...options });
      const unsealing = () => tpm.seal.unseal(blob, { auth: options.auth });
      const blob = await sealing();
      await unsealing();
      expect(await commandsOf(unsealing)).toEqual(expected);
      // What is kept loaded may have to make room; the parent and the session stay.
      const flushed = (await commandsOf(sealing)).filter((name) => name !== 'TPM2_FlushContext');
      expect(flushed).toEqual([...before, 'TPM2_Create']);
    }
  });

  test('asks nothing that is fixed a second time', async () => {
    const tpm = await context.open();
    await tpm.random.bytes(1);
    expect(await commandsOf(() => tpm.random.bytes(64))).toEqual(['TPM2_GetRandom']);
    expect(await commandsOf(() => tpm.random.bytes(65))).toHaveLength(2);
    expect(await commandsOf(() => tpm.pcr.read([0, 1, 2, 3, 4, 5, 6, 7]))).toHaveLength(1);
    expect(await commandsOf(() => tpm.clock())).toHaveLength(1);
  });
});

describe('the first use of a wrapped key', () => {
  const firstUse = async (blob) => {
    const tpm = await context.open();
    const key = await tpm.keys.load(blob);
    const commands = await commandsOf(() => key.sign(DIGEST));
    return commands.filter(
      (name) => !['TPM2_StartAuthSession', 'TPM2_FlushContext'].includes(name),
    );
  };

  test('is four commands, three where the storage parent is persistent', async () => {
    const tpm = await context.open();
    const blob = (await tpm.keys.create()).export();
    await context.closeAll();
    const cold = await firstUse(blob);
    const making = ['TPM2_ReadPublic', 'TPM2_CreatePrimary'];
    expect(cold).toEqual([...making, 'TPM2_Load', 'TPM2_Sign']);
    if (!haveTools()) return;
    await makeStorageParent(context);
    await context.tpm2('evictcontrol', ['-C', 'o', '-c', 'parent.ctx', SRK]);
    await context.tools.flush();
    try {
      expect(await firstUse(blob)).toEqual(['TPM2_ReadPublic', 'TPM2_Load', 'TPM2_Sign']);
    } finally {
      await context.tpm2('evictcontrol', ['-C', 'o', '-c', SRK]);
    }
  });
});
