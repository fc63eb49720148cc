// Values that arguments must not have, and the test that tries them.
import { Tpm, TpmError } from 'node-tpm2';
import { expect, test } from 'vitest';
import { errorOf, recordCommands } from './tpm.mjs';

export const bytes = (n) => Buffer.alloc(n, 1);
export const NOT_A_NUMBER = [
  '7',
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  null,
  {},
  [1],
  true,
  1n,
];
export const NOT_BYTES = [
  'text',
  7,
  {},
  [1, 2],
  true,
  new ArrayBuffer(32),
  new Uint16Array(16),
  null,
];
export const NOT_AN_OBJECT = ['x', 7, true, [1], Buffer.alloc(3), null];
export const NOT_A_BOOLEAN = ['true', 1, {}, []];
export const NOT_A_BANK = ['', 'SHA256', 'md5', 'sha3_256', 7, {}, true];
export const NOT_A_HANDLE = [
  '',
  'xyz',
  '0x',
  '0x123456789',
  '-1',
  1.5,
  -1,
  null,
  {},
  Number.NaN,
  2 ** 32,
];
export const NOT_AN_AUTH = ['text', 7, {}, [1], bytes(65), new ArrayBuffer(4)];
export const NOT_A_SELECTION = [
  '0',
  7,
  {},
  [],
  [24],
  [-1],
  [1.5],
  ['7'],
  [0, null],
  true,
  bytes(2),
];
export const BY_BANK = [
  { md5: [1] },
  { sha256: [] },
  { sha256: [24] },
  { sha256: 7 },
  { SHA1: [0] },
];
export const NOT_A_LIMIT = [0, -1, 1.5, '5', {}, Number.POSITIVE_INFINITY, 2 ** 31];
export const NOT_A_SIGNAL = ['x', 1, {}, true];

export const isRecord = (value) =>
  typeof value === 'object' &&
  value !== null &&
  !ArrayBuffer.isView(value) &&
  !Array.isArray(value);

const show = (value) => {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.length})`;
  if (typeof value === 'bigint') return `${value}n`;
  return JSON.stringify(value) ?? String(value);
};

/**
 * A table of calls, one row an argument: what names it, the values it must not have, the call.
 * `row` adds one; `both` adds the same arguments of a function in its two forms; `run` registers
 * the tests, on the TpmHandle that `handle()` gives.
 */
export function badInput() {
  const rows = [];
  const row = (what, name, values, call) => rows.push({ what, name, values, call });
  function both(what, namespace, flat, argument, values, args) {
    row(`tpm.${what}`, argument, values, (tpm, value) => namespace(tpm)(...args(value)));
    if (flat) row(`Tpm.${flat}`, argument, values, (_tpm, value) => Tpm[flat](...args(value)));
  }
  function run(handle) {
    test.each(rows)('$what, $name', async ({ what, name, values, call }) => {
      const { commands } = await recordCommands(async () => {
        for (const value of values) {
          const about = `${what} with ${name} = ${show(value)}`;
          const error = await errorOf(call(handle(), value)).catch(() =>
            expect.fail(`${about}: accepted`),
          );
          expect(error, about).toBeInstanceOf(TpmError);
          expect({ about, code: error.code }).toEqual({ about, code: 'INVALID_ARGUMENT' });
          expect(error.message.toLowerCase(), about).toContain(name.toLowerCase());
          expect(error.message, about).not.toContain('undefined:');
        }
      });
      expect(commands).toEqual([]);
    });
  }
  return { row, both, run };
}
