// NV indices: owner, password and platform access, sizes over the TPM's buffer, and tpm2-tools.
import { randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { afterEach, describe, expect, test } from 'vitest';
import { haveTools, storedHandles } from '../support/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const INDEX = '0x01800010';
const PLATFORM_INDEX = '0x01400010';
const PASSWORD = Buffer.from('index password');
// TPMA_NV, Part 2 13.4.
const OWNERWRITE = 0x2;
const AUTHWRITE = 0x4;
const OWNERREAD = 0x20000;
const AUTHREAD = 0x40000;
const NO_DA = 0x2000000;
const WRITTEN = 0x20000000;

afterEach(async () => {
  await context.closeAll();
  const { nv } = await storedHandles(context.swtpm);
  expect(nv).toEqual([]);
});

/** Defines an index for one test. */
async function withIndex(tpm, options, body) {
  await tpm.nv.define({ handle: INDEX, size: 64, ...options });
  try {
    return await body();
  } finally {
    const fresh = await context.open();
    await fresh.nv.undefine(INDEX);
  }
}

describe('access', () => {
  test('by the owner, as it is by default', async () => {
    const tpm = await context.open();
    await withIndex(tpm, {}, async () => {
      const { attributes, type, nameAlg } = await tpm.nv.readPublic(INDEX);
      expect(attributes).toBe(OWNERREAD | OWNERWRITE | NO_DA);
      expect({ type, nameAlg }).toEqual({ type: 'ordinary', nameAlg: 'sha256' });
      const unwritten = await errorOf(tpm.nv.read(INDEX));
      expect(unwritten).toMatchObject({ rcName: 'TPM_RC_NV_UNINITIALIZED', code: 'TPM_RC' });
      const data = randomBytes(64);
      await tpm.nv.write(INDEX, data);
      expect(await tpm.nv.read(INDEX)).toEqual(data);
      expect((await tpm.nv.readPublic(INDEX)).attributes & WRITTEN).toBe(WRITTEN);
    });
  });

  test('by the password of the index', async () => {
    const tpm = await context.open();
    const attributes = AUTHREAD | AUTHWRITE | NO_DA;
    await withIndex(tpm, { auth: PASSWORD, attributes }, async () => {
      const data = randomBytes(64);
      await tpm.nv.write(INDEX, data, 0, PASSWORD);
      expect(await tpm.nv.read(INDEX, 0, undefined, PASSWORD)).toEqual(data);
      for (const wrong of [Buffer.from('hunter2'), undefined]) {
        const error = await errorOf(tpm.nv.read(INDEX, 0, 64, wrong));
        expect(error).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_NV_Read' });
        expect(error.message).not.toContain('hunter2');
        expect((await errorOf(tpm.nv.write(INDEX, data, 0, wrong))).code).toBe('AUTH_FAILED');
      }
      expect(await tpm.nv.read(INDEX, 0, undefined, PASSWORD)).toEqual(data);
    });
  });

  test('a password at define closes the index to the owner, whose auth is often empty', async () => {
    const tpm = await context.open();
    await withIndex(tpm, { auth: PASSWORD }, async () => {
      const data = randomBytes(64);
      await tpm.nv.write(INDEX, data, 0, PASSWORD);
      expect((await tpm.nv.readPublic(INDEX)).attributes).toBe(
        AUTHREAD | AUTHWRITE | NO_DA | WRITTEN,
      );
      expect((await errorOf(tpm.nv.read(INDEX))).code).toBe('AUTH_FAILED');
      expect(await tpm.nv.read(INDEX, 0, undefined, PASSWORD)).toEqual(data);
    });
  });

  test('with parameter encryption, and without', async () => {
    for (const encrypt of [true, false]) {
      const tpm = await context.open({ encrypt });
      await withIndex(tpm, { auth: PASSWORD }, async () => {
        const data = randomBytes(64);
        await tpm.nv.write(INDEX, data, 0, PASSWORD);
        const { result, events } = await recordCommands(() => tpm.nv.read(INDEX, 0, 64, PASSWORD));
        expect(result).toEqual(data);
        const read = events.find(({ command }) => command === 'TPM2_NV_Read');
        expect(/encrypt|decrypt/i.test(read.sessions)).toBe(encrypt);
      });
    }
  });

  test.skipIf(!haveTools())('by an owner with a password', async () => {
    const owner = Buffer.from('the owner');
    await context.tpm2('changeauth', ['-c', 'o', owner.toString()]);
    try {
      const tpm = await context.open();
      const refused = await errorOf(tpm.nv.define({ handle: INDEX, size: 8 }));
      expect(refused).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_NV_DefineSpace' });
      // For one call, as the flat functions need it; or for all of a handle.
      await Tpm.nvDefine({ handle: INDEX, size: 8, ownerAuth: owner });
      await tpm.nv.write(INDEX, Buffer.from('12345678'), 0, undefined, owner);
      expect(await errorOf(tpm.nv.read(INDEX))).toMatchObject({
        code: 'AUTH_FAILED',
        command: 'TPM2_NV_Read',
      });
      expect((await tpm.nv.read(INDEX, 0, 8, undefined, owner)).toString()).toBe('12345678');
      const owned = await context.open({ auth: { owner } });
      expect((await owned.nv.read(INDEX)).toString()).toBe('12345678');
      expect((await errorOf(tpm.nv.undefine(INDEX))).code).toBe('AUTH_FAILED');
      await tpm.nv.undefine(INDEX, owner);
    } finally {
      await context.tpm2('changeauth', ['-c', 'o', '-p', owner.toString()]);
    }
  });
});

describe('sizes and offsets', () => {
  test.each([1, 511, 512, 513, 1023, 1024, 1025, 2000, 2048])('%i bytes', async (size) => {
    const tpm = await context.open();
    await withIndex(tpm, { size }, async () => {
      const data = randomBytes(size);
      await tpm.nv.write(INDEX, data);
      expect(await tpm.nv.read(INDEX)).toEqual(data);
      expect((await tpm.nv.readPublic(INDEX)).dataSize).toBe(size);
    });
  });

  test('2048 bytes at offsets about the border of the buffer (1024)', async () => {
    const tpm = await context.open();
    await withIndex(tpm, { size: 2048 }, async () => {
      const expected = randomBytes(2048);
      await tpm.nv.write(INDEX, expected);
      for (const [offset, length] of [
        [0, 1025],
        [1023, 2],
        [1000, 1048],
        [2047, 1],
        [1, 2047],
      ]) {
        const part = randomBytes(length);
        await tpm.nv.write(INDEX, part, offset);
        part.copy(expected, offset);
        expect(await tpm.nv.read(INDEX)).toEqual(expected);
        expect(await tpm.nv.read(INDEX, offset, length)).toEqual(part);
      }
      expect(await tpm.nv.read(INDEX, 2048)).toEqual(Buffer.alloc(0));
      expect(await tpm.nv.read(INDEX, 5, 0)).toEqual(Buffer.alloc(0));
    });
  });

  test('beyond the end is INVALID_ARGUMENT, with nothing read or written', async () => {
    const tpm = await context.open();
    await withIndex(tpm, { size: 64 }, async () => {
      await tpm.nv.write(INDEX, Buffer.alloc(64, 7));
      const { commands } = await recordCommands(async () => {
        for (const use of [
          () => tpm.nv.read(INDEX, 0, 65),
          () => tpm.nv.read(INDEX, 64, 1),
          () => tpm.nv.read(INDEX, 65),
          () => tpm.nv.read(INDEX, 65535, 65535),
          () => tpm.nv.write(INDEX, Buffer.alloc(65)),
          () => tpm.nv.write(INDEX, Buffer.alloc(2), 63),
        ]) {
          const error = await errorOf(use());
          expect(error.code).toBe('INVALID_ARGUMENT');
          expect(error.message).toMatch(/offset|size/);
        }
      });
      expect(new Set(commands)).toEqual(new Set(['TPM2_NV_ReadPublic']));
      expect(await tpm.nv.read(INDEX)).toEqual(Buffer.alloc(64, 7));
    });
  });
});

describe('errors', () => {
  test('an index that is not there is KEY_NOT_FOUND', async () => {
    const tpm = await context.open();
    for (const use of [
      () => tpm.nv.read(INDEX),
      () => tpm.nv.readPublic(INDEX),
      () => tpm.nv.write(INDEX, Buffer.from('x')),
      () => tpm.nv.undefine(INDEX),
    ]) {
      const error = await errorOf(use());
      expect(error).toMatchObject({ code: 'KEY_NOT_FOUND', rcName: 'TPM_RC_HANDLE' });
    }
  });

  test('an index that is there already is ALREADY_EXISTS', async () => {
    const tpm = await context.open();
    await withIndex(tpm, {}, async () => {
      const error = await errorOf(tpm.nv.define({ handle: INDEX, size: 8 }));
      expect(error).toMatchObject({ code: 'ALREADY_EXISTS', rcName: 'TPM_RC_NV_DEFINED' });
    });
  });

  test('an index larger than the TPM allows is not asked for', async () => {
    const tpm = await context.open();
    for (const size of [2049, 3000, 60000]) {
      const { commands, result } = await recordCommands(() =>
        errorOf(tpm.nv.define({ handle: INDEX, size })),
      );
      expect(result.code).toBe('INVALID_ARGUMENT');
      expect(result.message).toBe(`size: at most 2048 on this TPM, given ${size}`);
      expect(commands).toEqual([]);
    }
  });
});

describe.skipIf(!haveTools())('tpm2-tools', () => {
  test('read what we wrote, by owner and by password', async () => {
    for (const [options, access] of [
      [{}, ['-C', 'o']],
      [{ auth: PASSWORD }, ['-P', PASSWORD.toString()]],
    ]) {
      const tpm = await context.open();
      const data = randomBytes(2048);
      await withIndex(tpm, { size: 2048, ...options }, async () => {
        await tpm.nv.write(INDEX, data, 0, options.auth);
        await context.tpm2('nvread', [INDEX, ...access, '-o', 'back.bin']);
        expect(context.tools.read('back.bin')).toEqual(data);
      });
    }
  });

  test('describe an index of ours as we do', async () => {
    const tpm = await context.open();
    await withIndex(tpm, { size: 100 }, async () => {
      await tpm.nv.write(INDEX, Buffer.from('x'));
      const ours = await tpm.nv.readPublic(INDEX);
      const { text } = await context.tpm2('nvreadpublic', [INDEX]);
      expect(text).toMatch(/size:\s*100/);
      expect(
        Number(/attributes:[\s\S]*?value:\s*0x([0-9A-F]+)/.exec(text)[1].replace(/^/, '0x')),
      ).toBe(ours.attributes);
      expect(/name:\s*([0-9a-f]+)/.exec(text)[1]).toBe(ours.name.toString('hex'));
    });
  });

  test('define and write, we read and undefine', async () => {
    const data = randomBytes(1500);
    context.tools.write('data', data);
    await context.tpm2('nvdefine', [INDEX, '-C', 'o', '-s', '1500', '-a', 'ownerread|ownerwrite']);
    await context.tpm2('nvwrite', [INDEX, '-C', 'o', '-i', 'data']);
    const tpm = await context.open();
    expect(await tpm.nv.read(INDEX)).toEqual(data);
    expect(await Tpm.nvRead(INDEX, 1000, 500)).toEqual(data.subarray(1000));
    await tpm.nv.undefine(INDEX);
  });

  test('define with a password, we write with it', async () => {
    const attributes = 'authread|authwrite|no_da';
    await context.tpm2('nvdefine', [
      INDEX,
      '-C',
      'o',
      '-s',
      '16',
      '-a',
      attributes,
      '-p',
      'secret',
    ]);
    const tpm = await context.open();
    await tpm.nv.write(INDEX, Buffer.alloc(16, 5), 0, Buffer.from('secret'));
    expect((await errorOf(tpm.nv.read(INDEX, 0, 16, Buffer.from('other')))).code).toBe(
      'AUTH_FAILED',
    );
    await context.tpm2('nvread', [INDEX, '-P', 'secret', '-o', 'back']);
    expect(context.tools.read('back')).toEqual(Buffer.alloc(16, 5));
    await (await context.open()).nv.undefine(INDEX);
  });

  test('a platform index, as manufacturers make them, is read by owner and by platform', async () => {
    for (const attributes of [
      'ppwrite|platformcreate|ownerread',
      'ppwrite|platformcreate|ppread',
    ]) {
      const args = [PLATFORM_INDEX, '-C', 'p', '-s', '40', '-a', attributes];
      await context.tpm2('nvdefine', args);
      const data = randomBytes(40);
      context.tools.write('data', data);
      await context.tpm2('nvwrite', [PLATFORM_INDEX, '-C', 'p', '-i', 'data']);
      const tpm = await context.open();
      expect(await tpm.nv.read(PLATFORM_INDEX)).toEqual(data);
      expect((await tpm.nv.readPublic(PLATFORM_INDEX)).dataSize).toBe(40);
      // Not ours to remove.
      expect((await errorOf(tpm.nv.undefine(PLATFORM_INDEX))).code).toBe('INVALID_ARGUMENT');
      await context.tpm2('nvundefine', [PLATFORM_INDEX, '-C', 'p']);
    }
  });

  test('counters, bits and extend indices are named by their kind', async () => {
    for (const type of ['counter', 'bits', 'extend']) {
      const attributes = `ownerread|ownerwrite|nt=${type}`;
      const size = type === 'extend' ? [] : ['-s', '8'];
      await context.tpm2('nvdefine', [INDEX, '-C', 'o', ...size, '-a', attributes]);
      const tpm = await context.open();
      expect((await tpm.nv.readPublic(INDEX)).type).toBe(type);
      await tpm.nv.undefine(INDEX);
    }
  });
});
