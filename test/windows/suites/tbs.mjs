// TPM Base Services: privileges, both layers of errors, what is tried again and what never is.
import { createHash, publicEncrypt } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { emulatedWindows } from '../lib/emulated_windows.mjs';
import { as } from '../lib/provider.mjs';

const GET_RANDOM = 0x17b;
const LOAD = 0x157;
const DIGEST = createHash('sha256').digest();
const NV_INDEX = 0x01800055;
const NEEDS_ELEVATION = {
  code: 'REQUIRES_ELEVATION',
  hresult: 0x80280400,
  command: expect.stringMatching(/^TPM2_/),
  suggestion: expect.stringContaining('elevated'),
};

const { control, calls, submitted, open, ruleApplied } = await emulatedWindows();
const rule = (effect, ordinal = GET_RANDOM, times = 1) =>
  control.change({ rules: [{ fn: 'Tbsip_Submit_Command', ordinal, times, ...effect }] });
const hex = (number) => `0x${number.toString(16)}`;

describe('info()', () => {
  test('names the way', async () => {
    expect(await (await open()).info()).toMatchObject({ tcti: 'tbs:' });
  });
});

describe('a standard user', () => {
  test('may do what the privilege table says', async () => {
    await as('0', async () => {
      const tpm = await open();
      expect(await tpm.random.bytes(16)).toHaveLength(16);
      expect(Object.keys(await tpm.pcr.read([0, 7]))).toEqual(['0', '7']);
      expect((await tpm.readPublic(0x81010001)).publicKey.asymmetricKeyType).toBe('rsa');
      const key = await tpm.keys.create({ type: 'ecc' });
      expect(await key.sign(DIGEST)).toHaveLength(64);
      const again = await tpm.keys.load(key.export());
      expect(await again.sign(DIGEST)).toHaveLength(64);
      const rsa = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
      const plain = Buffer.from('plain');
      const encrypted = publicEncrypt({ key: rsa.publicKey, oaepHash: 'sha256' }, plain);
      expect(await rsa.decrypt(encrypted)).toEqual(plain);
      const sealed = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7] });
      expect(await tpm.seal.unseal(sealed)).toEqual(DIGEST);
    });
  });

  test("reads and writes an administrator's NV index, and may not take it away", async () => {
    const tpm = await open();
    await tpm.nv.define({ handle: NV_INDEX, size: 4 });
    try {
      await as('0', async () => {
        await tpm.nv.write(NV_INDEX, Buffer.from('abcd'));
        expect(await tpm.nv.read(NV_INDEX)).toEqual(Buffer.from('abcd'));
        await expect(tpm.nv.undefine(NV_INDEX)).rejects.toMatchObject(NEEDS_ELEVATION);
      });
    } finally {
      await tpm.nv.undefine(NV_INDEX);
    }
  });

  test.each([
    ['pcr.extend', (tpm) => tpm.pcr.extend(16, DIGEST)],
    ['pcr.event', (tpm) => tpm.pcr.event(16, Buffer.from('event'))],
    ['pcr.reset', (tpm) => tpm.pcr.reset(16)],
    ['nv.define', (tpm) => tpm.nv.define({ handle: NV_INDEX, size: 4 })],
  ])('%s needs elevation', async (_name, body) => {
    await as('0', async () => {
      await expect(body(await open())).rejects.toMatchObject(NEEDS_ELEVATION);
    });
  });
});

describe('a blocked command', () => {
  test.each([['1'], ['0']])('that nobody may send (privileges %s)', async (elevated) => {
    await as(elevated, async () => {
      const tpm = await open();
      await rule({ inBand: 0x80280400 });
      await expect(tpm.random.bytes(8)).rejects.toMatchObject({
        code: 'COMMAND_BLOCKED',
        hresult: 0x80280400,
        suggestion: expect.stringMatching(/./),
      });
      expect(await tpm.random.bytes(8)).toHaveLength(8);
    });
  });

  test('TPM2_NV_ReadPublic: no index is read or written without it', async () => {
    const tpm = await open();
    for (const access of [
      () => tpm.nv.read(NV_INDEX, 0, 4),
      () => tpm.nv.write(NV_INDEX, Buffer.from('abcd')),
    ]) {
      await rule({ inBand: 0x80280400 }, 0x169);
      await expect(access()).rejects.toMatchObject({ code: 'COMMAND_BLOCKED' });
    }
    expect(await submitted(0x14e)).toEqual([]); // NV_Read
    expect(await submitted(0x137)).toEqual([]); // NV_Write
  });

  test('is none that warm objects need', async () => {
    const tpm = await open();
    const keys = await Promise.all([1, 2, 3].map(() => tpm.keys.create({ type: 'ecc' })));
    for (const key of [...keys, ...keys]) expect(await key.sign(DIGEST)).toHaveLength(64);
    expect(await submitted(0x162)).toEqual([]); // ContextSave
    expect(await submitted(0x161)).toEqual([]); // ContextLoad
  });
});

const ROWS = [
  [0x80284001, 'TRANSPORT_ERROR'],
  [0x80284002, 'TRANSPORT_ERROR'],
  [0x80284003, 'TRANSPORT_ERROR'],
  [0x80284006, 'TRANSPORT_ERROR'],
  [0x80284007, 'NOT_SUPPORTED'],
  [0x80284008, 'TPM_UNAVAILABLE'],
  [0x80284009, 'TRANSPORT_ERROR'],
  [0x8028400a, 'TRANSPORT_ERROR'],
  [0x8028400b, 'TPM_UNAVAILABLE'],
  [0x8028400c, 'NOT_SUPPORTED'],
  [0x8028400e, 'TRANSPORT_ERROR'],
  [0x8028400f, 'TPM_UNAVAILABLE'],
  [0x80284010, 'TPM_UNAVAILABLE'],
  [0x80284012, 'ACCESS_DENIED'],
  [0x80070005, 'ACCESS_DENIED'],
  [0x80284013, 'NOT_SUPPORTED'],
  [0x80284014, 'NOT_SUPPORTED'],
  [0x80284016, 'TPM_UNAVAILABLE'],
  [0x80280403, 'COMMAND_BLOCKED'],
  [0x80280404, 'COMMAND_BLOCKED'],
];
const NAMED = ROWS.map(([status, code]) => [hex(status), code, status]);

describe('a status', () => {
  test.each(NAMED)('%s is %s, however it comes', async (_name, code, status) => {
    const tpm = await open();
    for (const effect of [{ status }, { inBand: status }]) {
      await rule(effect);
      await expect(tpm.random.bytes(8)).rejects.toMatchObject({
        code,
        hresult: status,
        command: 'TPM2_GetRandom',
        suggestion: expect.stringMatching(/./),
      });
    }
    expect(await submitted(GET_RANDOM)).toHaveLength(2);
  });

  test.each([[0x80284012], [0x80070005]])(
    'access denied asks a standard user for elevation (%i)',
    async (status) => {
      await as('0', async () => {
        await control.change({ rules: [{ fn: 'Tbsi_Context_Create', status }] });
        await expect(Tpm.open()).rejects.toMatchObject({
          code: 'REQUIRES_ELEVATION',
          hresult: status,
        });
      });
    },
  );

  test.each([
    ['0x80280084', 0x84, 'TPM_RC_VALUE'],
    ['0x802801d5', 0x1d5, 'TPM_RC_SIZE'],
  ])("%s is the TPM's response code", async (text, tpmRc, rcName) => {
    const tpm = await open();
    const hresult = Number(text);
    for (const effect of [{ status: hresult }, { inBand: hresult }]) {
      await rule(effect);
      await expect(tpm.random.bytes(8)).rejects.toMatchObject({ tpmRc, rcName, hresult });
    }
    await rule({ inBand: tpmRc });
    const error = await tpm.random.bytes(8).catch((caught) => caught);
    expect(error).toMatchObject({ tpmRc, rcName });
    expect(error.hresult).toBeUndefined(); // the TPM's word, and not Windows'
  });
});

describe("the driver's own status", () => {
  test.each([['status'], ['inBand']])('0x80280401 to whom nothing is lost (%s)', async (layer) => {
    const tpm = await open();
    await rule({ [layer]: 0x80280401 });
    const error = await tpm.random.bytes(8).catch((caught) => caught);
    expect(error).toMatchObject({
      code: 'TPM_RC',
      hresult: 0x80280401,
      rcName: 'TPM_E_INVALID_HANDLE',
      suggestion: expect.stringMatching(/./),
    });
    expect(error.tpmRc).toBeUndefined();
  });

  test.each([['status'], ['inBand']])(
    '0x80280401 loads again what was warm (%s)',
    async (layer) => {
      const tpm = await open();
      const key = await tpm.keys.create({ type: 'ecc' });
      await key.sign(DIGEST);
      await rule({ [layer]: 0x80280401 }, 0x15d); // TPM2_Sign
      expect(await key.sign(DIGEST)).toHaveLength(64);
      expect(await submitted(0x15d)).toHaveLength(3);
    },
  );

  test('0x80280800 is sent again, but not for ever', async () => {
    const tpm = await open();
    await rule({ inBand: 0x80280800 }, GET_RANDOM, 46);
    const error = await tpm.random.bytes(8).catch((caught) => caught);
    expect(error).toMatchObject({ hresult: 0x80280800, rcName: 'TPM_E_RETRY' });
    expect(error.tpmRc).toBeUndefined();
    expect(await submitted(GET_RANDOM)).toHaveLength(46);
  });

  test.each([[0x80284009], [0x8028400a], [0x8028400b]])(
    'a command that is refused for want of room is not sent again (%i)',
    async (status) => {
      const tpm = await open();
      await rule({ status });
      await expect(tpm.random.bytes(8)).rejects.toMatchObject({ hresult: status });
      expect(await submitted(GET_RANDOM)).toHaveLength(1);
    },
  );
});

describe('opening', () => {
  test.each([[0x80284009], [0x8028400a], [0x8028400b]])(
    'waits for what passes (%i)',
    async (status) => {
      await control.change({ rules: [{ fn: 'Tbsi_Context_Create', times: 3, status }] });
      expect(await (await open()).random.bytes(8)).toHaveLength(8);
    },
  );

  test('but not for ever', async () => {
    await control.change({
      rules: [{ fn: 'Tbsi_Context_Create', times: 6, status: 0x80284009 }],
    });
    await expect(Tpm.open()).rejects.toMatchObject({
      code: 'TRANSPORT_ERROR',
      hresult: 0x80284009,
    });
  });

  test.each([
    ['1.2', 0x8028400f],
    ['absent', 0x8028400f],
  ])('with a TPM that is %s', async (kind, hresult) => {
    await control.change({ tpm: kind });
    await expect(Tpm.open()).rejects.toMatchObject({ code: 'TPM_UNAVAILABLE', hresult });
    expect(await Tpm.isAvailable()).toBe(false);
  });
});

describe('trying again', () => {
  test.each([
    ['0x80280402', { inBand: 0x80280402 }],
    ['0x80280800', { inBand: 0x80280800 }],
    ['0x80280800 as a status', { status: 0x80280800 }],
    ['TPM_RC_RETRY', { inBand: 0x922 }],
  ])('%s: the command has not run and is sent again', async (_name, effect) => {
    const tpm = await open();
    await rule(effect, GET_RANDOM, 2);
    expect(await tpm.random.bytes(8)).toHaveLength(8);
    expect(await submitted(GET_RANDOM)).toHaveLength(3);
  });

  test('an answer that did not fit is never asked for again', async () => {
    const tpm = await open();
    await rule({ tooSmall: true });
    await expect(tpm.random.bytes(8)).rejects.toMatchObject({
      code: 'TRANSPORT_ERROR',
      hresult: 0x80284005,
    });
    expect(await submitted(GET_RANDOM)).toHaveLength(1);
    expect(await tpm.random.bytes(8)).toHaveLength(8);
  });

  test('what such a command has loaded goes with the context', async () => {
    const tpm = await open();
    const key = await tpm.keys.create({ type: 'ecc' });
    await rule({ tooSmall: true }, LOAD);
    await expect(key.sign(DIGEST)).rejects.toMatchObject({ hresult: 0x80284005 });
    expect(await key.sign(DIGEST)).toHaveLength(64);
  });

  test('a context that Windows has dropped is opened again, and what was warm is loaded again', async () => {
    const tpm = await open();
    const key = await tpm.keys.create({ type: 'ecc' });
    await key.sign(DIGEST);
    await rule({ status: 0x80284004 }, 0x15d); // TPM2_Sign
    expect(await key.sign(DIGEST)).toHaveLength(64);
    await rule({ status: 0x80284004 });
    expect(await tpm.random.bytes(8)).toHaveLength(8);
    // Once only.
    await rule({ status: 0x80284004 }, GET_RANDOM, 2);
    await expect(tpm.random.bytes(8)).rejects.toMatchObject({
      code: 'TRANSPORT_ERROR',
      hresult: 0x80284004,
    });
    expect(await tpm.random.bytes(8)).toHaveLength(8);
  });
});

describe('cancelling', () => {
  test.each([['status'], ['inBand']])('reaches the command under way (%s)', async (hold) => {
    const tpm = await open();
    await tpm.random.bytes(8);
    await rule({ hold });
    const controller = new AbortController();
    const pending = tpm.random.bytes(8, { signal: controller.signal });
    await ruleApplied();
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await tpm.random.bytes(8)).toHaveLength(8);
    expect(await calls('Tbsip_Cancel_Commands')).not.toEqual([]);
  });
});

describe('responses that no TPM gives', () => {
  test.each([
    ['shorter than a header', '8001000000'],
    ['of another size than they say', '80010000000c00000000'],
  ])('%s', async (_name, response) => {
    const tpm = await open();
    await rule({ response });
    await expect(tpm.random.bytes(8)).rejects.toMatchObject({ code: 'TRANSPORT_ERROR' });
    expect(await tpm.random.bytes(8)).toHaveLength(8);
  });
});
