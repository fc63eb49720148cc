// What the TPM says of itself, against tpm2_getcap and tpm2_readpublic.
import { createHash, createPublicKey } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { haveTools } from '../support/tools.mjs';
import { errorOf, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const PERSISTENT = {
  rsa: '0x81000100',
  ecc: '0x81000101',
  rsaEk: '0x81010001',
  eccEk: '0x81010002',
};

const getcap = async (name) => (await context.tpm2('getcap', [name])).yaml;
/** tpm2-tools' names of algorithms: 'sha3_256' is ours too, 'ecc' and the like. */
const sorted = (values) => [...values].sort();

describe.skipIf(!haveTools())('capabilities', () => {
  test('properties', async () => {
    const fixed = await getcap('properties-fixed');
    const variable = await getcap('properties-variable');
    const tpm = await context.open();
    const { properties } = await tpm.capabilities();
    // TPMA_PERMANENT and TPMA_STARTUP_CLEAR are taken apart by tpm2-tools: by bit (Part 2, 8.6, 8.7).
    const bits = {
      ownerAuthSet: 0,
      endorsementAuthSet: 1,
      lockoutAuthSet: 2,
      disableClear: 8,
      inLockout: 9,
      tpmGeneratedEPS: 10,
      phEnable: 0,
      shEnable: 1,
      ehEnable: 2,
      phEnableNV: 3,
      orderly: 31,
      reserved1: undefined,
      reserved2: undefined,
    };
    const number = (value) => {
      if (typeof value !== 'object') return Number(value);
      if ('raw' in value) return Number(value.raw);
      expect(Object.keys(bits)).toEqual(expect.arrayContaining(Object.keys(value)));
      return Object.entries(value).reduce((sum, [bit, set]) => sum + (set ? 2 ** bits[bit] : 0), 0);
    };
    const theirs = Object.entries({ ...fixed, ...variable }).map(([name, value]) => [
      name.replace(/^TPM2_/, 'TPM_'),
      number(value),
    ]);
    expect(theirs.length).toBeGreaterThan(50);
    // Some versions of tpm2-tools leave this one out.
    const { TPM_PT_MAX_CAP_BUFFER, ...others } = properties;
    expect({ TPM_PT_MAX_CAP_BUFFER, ...Object.fromEntries(theirs) }).toEqual({
      TPM_PT_MAX_CAP_BUFFER: expect.any(Number),
      ...others,
    });
    const { lockout } = await tpm.info();
    expect(properties.TPM_PT_MAX_AUTH_FAIL).toBe(lockout.maxTries);
    expect(properties.TPM_PT_LOCKOUT_INTERVAL).toBe(lockout.recoveryTime);
    expect(properties.TPM_PT_LOCKOUT_RECOVERY).toBe(lockout.lockoutRecovery);
    expect(properties.TPM_PT_LOCKOUT_COUNTER).toBe(lockout.counter);
  });

  test('info', async () => {
    const fixed = await getcap('properties-fixed');
    const tpm = await context.open();
    const info = await tpm.info();
    expect(info.manufacturer.trim()).toBe(fixed.TPM2_PT_MANUFACTURER.value.trim());
    expect(info.spec).toBe(fixed.TPM2_PT_FAMILY_INDICATOR.value);
    expect(info.specYear).toBe(Number(fixed.TPM2_PT_YEAR.raw));
    expect(Number(info.specRevision)).toBeCloseTo(Number(fixed.TPM2_PT_REVISION.value), 2);
    const vendor = [1, 2, 3, 4]
      .map((n) => fixed[`TPM2_PT_VENDOR_STRING_${n}`].value ?? '')
      .join('');
    // tpm2-tools leave out the blanks within.
    expect(info.vendorString.replaceAll(' ', '')).toBe(vendor.replaceAll(' ', ''));
    const [high, low] = [1, 2].map((n) => Number(fixed[`TPM2_PT_FIRMWARE_VERSION_${n}`].raw));
    const words = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
    expect(info.firmwareVersion).toBe(words.join('.'));
  });

  test('algorithms', async () => {
    const theirs = await getcap('algorithms');
    const tpm = await context.open();
    const { algorithms } = await tpm.capabilities();
    const ours = new Map(algorithms.map((each) => [each.id, each]));
    expect(ours.size).toBe(Object.keys(theirs).length);
    const flags = ['asymmetric', 'symmetric', 'hash', 'object', 'signing', 'encrypting', 'method'];
    for (const [name, { value, ...bits }] of Object.entries(theirs)) {
      const attributes = flags.filter((flag) => Number(bits[flag]) === 1);
      expect({ name, attributes: ours.get(Number(value))?.attributes }).toEqual({
        name,
        attributes,
      });
    }
    const { algorithms: names } = await tpm.info();
    expect(names).toEqual(algorithms.map(({ name }) => name));
    expect(names).toContain('rsa');
  });

  test('commands', async () => {
    const theirs = await getcap('commands');
    const tpm = await context.open();
    const { commands } = await tpm.capabilities();
    const plain = (name) =>
      name
        .replace(/^TPM2_(CC_)?/, '')
        .replaceAll('_', '')
        .toLowerCase();
    const named = (names) => sorted(names.map(plain)).filter((name) => name !== 'certifyx509');
    // TPM2_CertifyX509 is only a number to tpm2-tools.
    const known = Object.keys(theirs).filter((name) => !name.startsWith('0x'));
    expect(named(commands)).toEqual(named(known));
    expect(commands).toHaveLength(Object.keys(theirs).length);
  });

  test('curves', async () => {
    const theirs = await getcap('ecc-curves');
    const tpm = await context.open();
    const { eccCurves } = await tpm.capabilities();
    const names = Object.keys(theirs).map((name) =>
      name.replace('TPM2_ECC_NIST_P', 'P-').replace('TPM2_ECC_', ''),
    );
    expect(sorted(eccCurves)).toEqual(sorted(names));
    expect((await tpm.info()).curves).toEqual(eccCurves);
  });

  test('PCR banks', async () => {
    const { text } = await context.tpm2('getcap', ['pcrs']);
    const tpm = await context.open();
    const banks = await tpm.pcr.banks();
    for (const [, bank, list] of text.matchAll(/- (sha\d+): \[ ([\d, ]*)\]/g)) {
      expect(banks[bank]).toEqual(list.split(',').map(Number));
    }
    expect([...text.matchAll(/- (sha\d+):/g)].map(([, bank]) => bank).sort()).toEqual(
      Object.keys(banks).sort(),
    );
    expect((await tpm.capabilities()).pcrBanks).toEqual(banks);
    expect(sorted((await tpm.info()).pcrBanks)).toEqual(sorted(Object.keys(banks)));
  });

  test('clock', async () => {
    const { text } = await context.tpm2('readclock');
    const field = (name) => /^\d+$/.exec(new RegExp(`${name}:\\s*(\\d+)`).exec(text)[1])[0];
    const tpm = await context.open();
    const clock = await tpm.clock();
    expect(clock.time).toBeGreaterThanOrEqual(Number(field('time')));
    expect(clock.resetCount).toBe(Number(field('reset_count')));
    expect(clock.restartCount).toBe(Number(field('restart_count')));
    expect(clock.safe).toBe(/safe:\s*yes/.test(text));
  });
});

describe.skipIf(!haveTools())('readPublic', () => {
  beforeAll(async () => {
    const { tpm2, flush } = context.tools;
    for (const [type, algorithm] of [
      ['rsa', 'rsa2048'],
      ['ecc', 'ecc384'],
    ]) {
      await tpm2('createprimary', ['-C', 'o', '-G', algorithm, '-c', `${type}.ctx`]);
      await tpm2('evictcontrol', ['-C', 'o', '-c', `${type}.ctx`, PERSISTENT[type]]);
      await flush();
    }
    await tpm2('createek', ['-G', 'rsa', '-c', PERSISTENT.rsaEk, '-u', 'ek.pub']);
    await tpm2('createek', ['-G', 'ecc', '-c', PERSISTENT.eccEk, '-u', 'ek.pub']);
    await flush();
  });
  afterAll(async () => {
    for (const handle of Object.values(PERSISTENT)) {
      await context.tools.tpm2('evictcontrol', ['-C', 'o', '-c', handle]);
    }
  });

  test.each(Object.entries(PERSISTENT))(
    '%s key: name, public key and area',
    async (name, handle) => {
      const { text } = await context.tpm2('readpublic', [
        '-c',
        handle,
        '-f',
        'pem',
        '-o',
        'key.pem',
      ]);
      await context.tpm2('readpublic', ['-c', handle, '-o', 'key.tss', '-n', 'key.name']);
      const tpm = await context.open();
      const ours = await tpm.readPublic(handle);
      const pem = createPublicKey(context.tools.read('key.pem'));
      expect(ours.publicKeyDer).toEqual(pem.export({ type: 'spki', format: 'der' }));
      expect(ours.publicKey.equals(pem)).toBe(true);
      expect(ours.name).toEqual(context.tools.read('key.name'));
      expect(ours.name.toString('hex')).toBe(/^name: ([0-9a-f]+)/m.exec(text)[1]);
      expect(ours.qualifiedName.toString('hex')).toBe(
        /^qualified name: ([0-9a-f]+)/m.exec(text)[1],
      );
      expect(ours.public).toEqual(context.tools.read('key.tss'));
      expect(ours.type).toBe(name.startsWith('rsa') ? 'rsa' : 'ecc');
      expect(ours.nameAlg).toBe('sha256');
      expect(ours.attributes).toBe(Number(/attributes:[\s\S]*?raw: (0x[0-9a-f]+)/.exec(text)[1]));
      const hashed = createHash('sha256').update(ours.public.subarray(2)).digest();
      expect(ours.name.subarray(2)).toEqual(hashed);

      for (const form of [
        Number(handle),
        handle.slice(2),
        handle.toUpperCase().replace('0X', '0x'),
      ]) {
        expect((await Tpm.readPublic(form)).name).toEqual(ours.name);
      }
    },
  );

  test('a handle where nothing is', async () => {
    const tpm = await context.open();
    for (const handle of ['0x81000999', '0x81ffffff', '0x80000000']) {
      const error = await errorOf(tpm.readPublic(handle));
      expect({ handle, code: error.code }).toEqual({ handle, code: 'KEY_NOT_FOUND' });
    }
  });

  test('the handles of what is persistent', async () => {
    const tpm = await context.open();
    const { handles } = await tpm.capabilities();
    expect(sorted(handles.persistent)).toEqual(sorted(Object.values(PERSISTENT).map(Number)));
  });
});
