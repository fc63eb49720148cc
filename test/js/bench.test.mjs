// `npm run bench` runs and gives its rows. What it measures is nobody's business here.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { median } from '../../bench/lib/measure.mjs';
import { report } from '../../bench/lib/report.mjs';
import { choose, kContestants, kRows } from '../../bench/lib/rows.mjs';
import { haveProgram } from '../support/tools.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const built = fs.existsSync(path.join(root, 'build/bench/bench/tpm2_bench'));

function bench(...words) {
  const args = [path.join(root, 'bench/run.mjs'), '--no-build', ...words];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
}

describe('the benchmark', () => {
  it('chooses rows by name and by the front of names', () => {
    expect(choose('random,import').rows.map(({ id }) => id)).toEqual(['random']);
    expect(choose('random,import').facts).toEqual(['import']);
    expect(choose('old').rows.map(({ id }) => id)).toEqual(['old-sign', 'old-quote', 'old-unseal']);
    expect(choose(undefined).rows).toEqual(kRows);
    expect(() => choose('sing')).toThrow(/no row is called sing/);
  });

  it('has a contestant for each operation and for each side of a target', () => {
    for (const row of kRows) {
      const taking = Object.keys(row.ops);
      for (const name of taking) expect([...Object.keys(kContestants), 'own']).toContain(name);
      for (const { of, to = of } of row.targets) {
        expect(taking).toEqual(expect.arrayContaining([of, to]));
      }
    }
  });

  it('takes the median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('says what was skipped, and leaves its cells empty', () => {
    const text = report({
      date: '2026-01-02',
      machine: {
        swtpm: 'swtpm 0.7.1',
        node: '20.0.0',
        cores: 2,
        cpu: 'a processor',
        load: [0, 0, 0],
      },
      rounds: 1,
      share: 0.5,
      rows: [
        {
          id: 'random',
          title: 'GetRandom(32)',
          microseconds: { F: 20, O: 50 },
          ours: 'O',
          overFloor: 2.5,
          targets: [{ kind: 'over', of: 'O', to: 'F', most: 35, measured: 30 }],
        },
      ],
      skipped: { E: 'ESAPI: not installed' },
      facts: {},
    });
    expect(text).toMatch(/GetRandom\(32\)\s+20\.0\s+-\s+50\.0\s+-\s+2\.50\s+-\s+\(O\)/);
    expect(text).toContain('O-F 30.0 us, target 35 us');
    expect(text).toContain('skipped: ESAPI: not installed');
  });

  it('refuses a row that it does not have', () => {
    const { status, stderr } = bench('--only', 'sing');
    expect(status).toBe(1);
    expect(stderr).toContain('no row is called sing');
  });

  it.skipIf(!built || !haveProgram('swtpm'))(
    'runs, when it was built',
    () => {
      const { status, stdout, stderr } = bench(
        '--rounds',
        '1',
        '--only',
        'random,own-random',
        '--json',
      );
      expect(status, stderr).toBe(0);
      const { rows } = JSON.parse(stdout);
      expect(rows.map(({ id }) => id)).toEqual(['random', 'own-random']);
      for (const name of ['F', 'C', 'O']) expect(rows[0].microseconds[name]).toBeGreaterThan(0);
      expect(rows[1].microseconds.own).toBeGreaterThan(0);
    },
    90_000,
  );
});
