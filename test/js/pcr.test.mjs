// Platform configuration registers, all banks, against tpm2_pcrread and node:crypto.
import { createHash, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { haveTools } from '../support/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const SIZES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const BANKS = Object.keys(SIZES);
const ALL = Array.from({ length: 24 }, (_, index) => index);
const ZERO_AFTER_START = ALL.filter((pcr) => pcr < 17 || pcr === 23);

const extended = (bank, before, digest) =>
  createHash(bank).update(before, 'hex').update(digest).digest('hex');

/** tpm2_pcrread's opinion: { sha1: { 0: hex, ... }, ... } */
async function byTools(selection = 'sha1:all+sha256:all+sha384:all+sha512:all') {
  const { text } = await context.tpm2('pcrread', [selection]);
  const banks = {};
  let bank;
  for (const line of text.split('\n')) {
    const head = /^\s*(sha\d+):\s*$/.exec(line);
    const value = /^\s*(\d+)\s*:\s*0x([0-9A-F]+)/.exec(line);
    if (head) {
      bank = {};
      banks[head[1]] = bank;
    } else if (value) {
      bank[value[1]] = value[2].toLowerCase();
    }
  }
  return banks;
}

describe('reading', () => {
  test.each(BANKS)('all 24 of %s', async (bank) => {
    const tpm = await context.open();
    const { result, commands } = await recordCommands(() => tpm.pcr.read(ALL, bank));
    expect(Object.keys(result).map(Number)).toEqual(ALL);
    for (const value of Object.values(result)) {
      expect(value).toMatch(new RegExp(`^[0-9a-f]{${2 * SIZES[bank]}}$`));
    }
    for (const pcr of ZERO_AFTER_START) expect(result[pcr]).toBe('00'.repeat(SIZES[bank]));
    // A TPM answers eight a command.
    expect(commands).toEqual(['TPM2_PCR_Read', 'TPM2_PCR_Read', 'TPM2_PCR_Read']);
  });

  test('one command for up to eight, whatever the order and repetition', async () => {
    const tpm = await context.open();
    const { result, commands } = await recordCommands(() => tpm.pcr.read([9, 3, 9, 0, 16, 3]));
    expect(Object.keys(result)).toEqual(['0', '3', '9', '16']);
    expect(commands).toEqual(['TPM2_PCR_Read']);
  });

  test('several banks at once', async () => {
    const tpm = await context.open();
    const values = await tpm.pcr.read({ sha512: [1, 2, 3, 4, 5, 6], sha1: [0, 23], sha256: ALL });
    expect(Object.keys(values).sort()).toEqual(['sha1', 'sha256', 'sha512']);
    expect(Object.keys(values.sha1)).toEqual(['0', '23']);
    expect(Object.keys(values.sha512)).toHaveLength(6);
    expect(Object.keys(values.sha256)).toHaveLength(24);
    expect(await Tpm.pcrRead({ sha1: [0] })).toEqual({ sha1: { 0: '00'.repeat(20) } });
  });

  test('banks()', async () => {
    const tpm = await context.open();
    expect(await tpm.pcr.banks()).toEqual(Object.fromEntries(BANKS.map((bank) => [bank, ALL])));
  });
});

describe('extending', () => {
  test.each(BANKS)('in %s, and nowhere else', async (bank) => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const selection = Object.fromEntries(BANKS.map((name) => [name, [16]]));
    const before = await tpm.pcr.read(selection);
    const digest = randomBytes(SIZES[bank]);
    if (bank === 'sha1') await Tpm.pcrExtend(16, digest, bank);
    else await tpm.pcr.extend(16, digest, bank);
    const after = await tpm.pcr.read(selection);
    const expected = structuredClone(before);
    expected[bank][16] = extended(bank, before[bank][16], digest);
    expect(after).toEqual(expected);
  });

  test('a Uint8Array within a larger buffer', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const all = new Uint8Array(randomBytes(100));
    await tpm.pcr.extend(16, all.subarray(11, 43));
    const expected = extended('sha256', '00'.repeat(32), all.subarray(11, 43));
    expect(await tpm.pcr.read([16])).toEqual({ 16: expected });
  });

  test('the digest is copied when the call is made', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const digest = randomBytes(32);
    const expected = extended('sha256', '00'.repeat(32), digest);
    const done = tpm.pcr.extend(16, digest);
    digest.fill(0);
    await done;
    expect(await tpm.pcr.read([16])).toEqual({ 16: expected });
  });

  test('event() extends every bank with the hash of the data', async () => {
    const tpm = await context.open();
    await tpm.pcr.reset(16);
    const data = randomBytes(700);
    const digests = await tpm.pcr.event(16, data);
    const selection = Object.fromEntries(BANKS.map((name) => [name, [16]]));
    const values = await tpm.pcr.read(selection);
    expect(Object.keys(digests).sort()).toEqual([...BANKS].sort());
    for (const bank of BANKS) {
      const hashed = createHash(bank).update(data).digest();
      expect(digests[bank]).toEqual(hashed);
      expect(values[bank][16]).toBe(extended(bank, '00'.repeat(SIZES[bank]), hashed));
    }
  });

  test('reset() is for resettable PCRs only', async () => {
    const tpm = await context.open();
    await tpm.pcr.extend(23, randomBytes(32));
    await tpm.pcr.reset(23);
    expect(await tpm.pcr.read([23])).toEqual({ 23: '00'.repeat(32) });
    const error = await errorOf(tpm.pcr.reset(0));
    expect(error).toMatchObject({ command: 'TPM2_PCR_Reset', rcName: 'TPM_RC_LOCALITY' });
  });
});

describe.skipIf(!haveTools())('tpm2_pcrread agrees', () => {
  test('after extends and events in each bank by us', async () => {
    const tpm = await context.open();
    for (const bank of BANKS) await tpm.pcr.extend(10, randomBytes(SIZES[bank]), bank);
    await tpm.pcr.event(11, Buffer.from('an event'));
    const ours = await tpm.pcr.read(Object.fromEntries(BANKS.map((bank) => [bank, ALL])));
    expect(ours.sha384[10]).not.toBe('00'.repeat(48));
    expect(await byTools()).toEqual(ours);
  });

  test('after tpm2_pcrextend and tpm2_pcrevent', async () => {
    const before = await byTools();
    const digests = Object.fromEntries(BANKS.map((bank) => [bank, randomBytes(SIZES[bank])]));
    const list = BANKS.map((bank) => `${bank}=${digests[bank].toString('hex')}`).join(',');
    await context.tpm2('pcrextend', [`12:${list}`]);
    context.tools.write('event', 'measured');
    await context.tpm2('pcrevent', ['13', 'event']);
    const tpm = await context.open();
    const values = await tpm.pcr.read(Object.fromEntries(BANKS.map((bank) => [bank, [12, 13]])));
    for (const bank of BANKS) {
      expect(values[bank][12]).toBe(extended(bank, before[bank][12], digests[bank]));
      const hashed = createHash(bank).update('measured').digest();
      expect(values[bank][13]).toBe(extended(bank, before[bank][13], hashed));
    }
  });
});

// The last of the file: it takes banks from the TPM and restarts it.
describe.skipIf(!haveTools())('a TPM with the sha256 bank only', () => {
  test('a bank or PCR that is not there is an INVALID_ARGUMENT that names it', async () => {
    await context.tpm2('pcrallocate', ['sha1:none+sha256:all+sha384:none+sha512:none']);
    await context.swtpm.restart();
    const tpm = await context.open();
    expect(await tpm.pcr.banks()).toEqual({ sha256: ALL });
    expect((await tpm.info()).pcrBanks).toEqual(['sha256']);
    expect(Object.keys(await tpm.pcr.read(ALL))).toHaveLength(24);

    const ak = await tpm.attest.provisionAk();
    const qualifyingData = randomBytes(8);
    const uses = {
      read: () => tpm.pcr.read([0], 'sha384'),
      'read of several': () => tpm.pcr.read({ sha256: ALL, sha384: [0] }),
      extend: () => tpm.pcr.extend(16, randomBytes(48), 'sha384'),
      seal: () => tpm.seal.seal({ data: qualifyingData, pcrSelection: [7], bank: 'sha384' }),
      quote: () => ak.quote({ pcrSelection: [7], bank: 'sha384', qualifyingData }),
      'quote with values': () =>
        ak.quote({ pcrSelection: { sha256: [1], sha384: [7] }, qualifyingData, includePcrs: true }),
    };
    for (const [name, use] of Object.entries(uses)) {
      const error = await errorOf(use()).catch(() => expect.soft(name).toBe('refused'));
      if (!error) continue;
      expect({ name, code: error.code }).toEqual({ name, code: 'INVALID_ARGUMENT' });
      expect(error.message, name).toContain('sha384');
    }
    // TPM2_PCR_Event answers for every hash that the TPM has.
    const { sha256 } = await tpm.pcr.event(16, Buffer.from('x'));
    expect(sha256).toEqual(createHash('sha256').update('x').digest());
  });
});
