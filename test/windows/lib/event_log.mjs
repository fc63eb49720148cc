// Tests of the measurement log, for a new and an old tbs.dll. It has no place in the JavaScript API
// yet, so the addon itself is asked.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import native from '../../../native.cjs';
import { BrokerClient } from './broker_client.mjs';

const { binding } = native;
const OPTIONS = {
  encrypt: true,
  ownerAuth: new Uint8Array(),
  endorsementAuth: new Uint8Array(),
  lockoutAuth: new Uint8Array(),
  parentAuth: new Uint8Array(),
};

async function readLog() {
  const handle = binding.open('', OPTIONS);
  try {
    return await binding.run(handle, 'eventLogBytes', {}, 0, false);
  } finally {
    await binding.close(handle);
  }
}

/** @param {string} fn the function of tbs.dll that has to be called */
export function testEventLog(fn) {
  describe(`the measurement log by ${fn}`, () => {
    let control;
    let whole;
    beforeAll(async () => {
      control = await BrokerClient.connect();
      whole = await readLog();
    });
    afterAll(() => control.close());

    test('is TCG format, and is read by that function', async () => {
      // TCG_PCR_EVENT of type EV_NO_ACTION, for PCR 0, with "Spec ID Event03".
      expect(whole.readUInt32LE(0)).toBe(0);
      expect(whole.readUInt32LE(4)).toBe(3);
      expect(whole.toString('latin1', 32, 47)).toBe('Spec ID Event03');
      const called = new Set((await control.log()).map((entry) => entry.fn));
      expect([...called].filter((name) => /TCG_Log/.test(name))).toEqual([fn]);
    });

    test.each([[{ logSizing: 'insufficient' }], [{ logGrowths: 2 }]])(
      'comes whole with %j',
      async (change) => {
        await control.change(change);
        expect((await readLog()).equals(whole)).toBe(true);
        await control.reset();
      },
    );

    test('that never fits is given up', async () => {
      await control.change({ rules: [{ fn, nth: 2, times: 100, status: 0x80284005 }] });
      await expect(readLog()).rejects.toMatchObject({ code: 'TRANSPORT_ERROR' });
      await control.reset();
    });

    test.each([[0x80284011], [0x80284001]])('a firmware without one (%i)', async (status) => {
      await control.change({ logStatus: status });
      await expect(readLog()).rejects.toMatchObject({ code: 'NOT_SUPPORTED', hresult: status });
      await control.reset();
    });
  });
}
