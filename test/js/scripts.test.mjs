// The scripts that run the tests: what they count, what they notice, what they leave alone.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  add,
  caseLines,
  closingLine,
  fromClosingLine,
  fromExitCode,
  fromGoogleTest,
  fromJunit,
  fromVitest,
} from '../../scripts/lib/counts.mjs';
import { staleReason } from '../../scripts/lib/npm.mjs';
import { ensurePackages, missingPackages } from '../../scripts/lib/packages.mjs';
import { findProgram, run } from '../../scripts/lib/process.mjs';
import { logFolder, runStages } from '../../scripts/lib/stages.mjs';

let dir;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-scripts-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

function write(name, content) {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('counts', () => {
  const counts = (passed, failed, skipped) => ({ passed, failed, skipped });

  it('of ctest', () => {
    const file = write(
      'ctest.xml',
      '<?xml version="1.0"?>\n<testsuite name="x" tests="7" failures="2" disabled="1" skipped="1" hostname="h">',
    );
    expect(fromJunit(file, 8)).toEqual(counts(3, 2, 2));
    expect(fromJunit(path.join(dir, 'absent.xml'), 8)).toEqual(counts(0, 1, 0));
  });

  it('of GoogleTest', () => {
    const file = write('gtest.json', {
      testsuites: [
        { testsuite: [{ status: 'RUN', result: 'COMPLETED' }] },
        {
          testsuite: [
            { status: 'RUN', result: 'SKIPPED' },
            { status: 'NOTRUN', result: 'SUPPRESSED' },
            { status: 'RUN', result: 'COMPLETED', failures: [{ failure: 'no' }] },
          ],
        },
      ],
    });
    expect(fromGoogleTest(file, 1)).toEqual(counts(1, 1, 2));
  });

  it('of the cases within a test, as tests print them', () => {
    const printed = 'stdout | a.test.mjs\nfaults: 12 cases in 3 use cases\n\n ✓ a 5 ms\n';
    expect(caseLines(printed)).toEqual(['faults: 12 cases in 3 use cases']);
    const junit = write(
      'cases.xml',
      `<testsuite tests="1"><testcase name="a"><system-out>Note: a filter
faults: 3456 cases in 40 use cases: 3000 failed as documented
[       OK ] a (5 ms)</system-out></testcase></testsuite>`,
    );
    expect(caseLines(fs.readFileSync(junit, 'utf8'))).toEqual([
      'faults: 3456 cases in 40 use cases: 3000 failed as documented',
    ]);
    expect(caseLines('no faults: 3 cases in all\n')).toEqual([]);
  });

  it('of vitest, with a file that could not be loaded', () => {
    const file = write('vitest.json', {
      testResults: [
        { status: 'failed', assertionResults: [] },
        {
          status: 'passed',
          assertionResults: [
            { status: 'passed', fullName: 'a' },
            { status: 'skipped', fullName: 'no tools here' },
          ],
        },
      ],
    });
    expect(fromVitest(file, 1)).toEqual({ ...counts(1, 1, 1), reasons: ['no tools here'] });
  });

  it('of our own runners: the last closing line', () => {
    const output = '1 passed, 0 failed, 0 skipped\nmore\n12 passed, 0 failed, 3 skipped\nbye\n';
    expect(fromClosingLine(output, 0)).toEqual(counts(12, 0, 3));
    expect(fromClosingLine('4 passed, 1 failed\n', 1)).toEqual(counts(4, 1, 0));
  });

  it('never turn a failed run, or a run of nothing, into a success', () => {
    expect(fromClosingLine('5 passed, 0 failed, 0 skipped\n', 139)).toEqual(counts(5, 1, 0));
    expect(fromClosingLine('0 passed, 0 failed, 0 skipped\n', 0)).toEqual(counts(0, 1, 0));
    expect(fromClosingLine('', 0)).toEqual(counts(0, 1, 0));
    expect(fromExitCode(2)).toEqual(counts(0, 1, 0));
  });

  it('add up to the closing line', () => {
    const line = closingLine(add(counts(1, 2, 3), counts(10, 20, 30)));
    expect(line).toBe('11 passed, 22 failed, 33 skipped');
    expect(fromClosingLine(line, 1)).toEqual(counts(11, 22, 33));
  });
});

describe('run', () => {
  it('gives exit code and output, and appends to the log', async () => {
    const log = path.join(dir, 'logs', 'one.log');
    const result = await run('sh', ['-c', 'echo out; echo err >&2; exit 5'], { log });
    expect(result).toMatchObject({ code: 5, leftover: [], timedOut: false });
    expect(result.output).toMatch(/out/);
    expect(fs.readFileSync(log, 'utf8')).toMatch(/^\$ sh -c .*\n(out\nerr|err\nout)\n$/s);
  });

  it("tells a missing program and a signal by the shell's codes", async () => {
    expect((await run('no-such-program-here', [])).code).toBe(127);
    expect((await run('sh', ['-c', 'kill -9 $$'])).code).toBe(137);
  });

  it('ends a program, and what it started, at the time-out', async () => {
    const result = await run('sh', ['-c', 'sleep 600 & sleep 600'], { timeout: 100 });
    expect(result).toMatchObject({ code: 124, timedOut: true });
    expect(result.leftover).toEqual([]);
  });

  it('names the processes that a program left behind, and ends them', async () => {
    const script = 'sleep 600 >/dev/null 2>&1 & echo $!';
    const { leftover, output } = await run('sh', ['-c', script]);
    const pid = Number(output);
    expect(leftover).toEqual([`${pid} sleep`]);
    const gone = () => {
      try {
        return /\) [ZX]/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true;
      }
    };
    await expect.poll(gone).toBe(true);
  });
});

describe('a stage', () => {
  // A stage that has passed, but for what its program leaves in the temporary folder.
  const leaving = async (name) => {
    const stage = { name: `leaves-${name}`, about: 'for this test' };
    stage.run = async (context) => {
      const { code } = await context.run('sh', ['-c', `mkdir "$TMPDIR/${name}"`]);
      return fromExitCode(code);
    };
    const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      const code = await runStages([stage]);
      return { code, output: printed.mock.calls.join('\n') };
    } finally {
      printed.mockRestore();
      fs.rmSync(path.join(logFolder, `${stage.name}.log`), { force: true });
    }
  };

  it.for(['tpm2-packages-a', 'node-tpm2-wine-b'])('fails when it leaves %s', async (name) => {
    const { code, output } = await leaving(name);
    expect(code).toBe(1);
    expect(output).toContain(`left a file behind: ${name}`);
  });

  it('may leave what compilers and test runners keep', async () => {
    const { code, output } = await leaving('node-compile-cache');
    expect(code).toBe(0);
    expect(output).not.toContain('left a file behind');
  });
});

describe('the set-up', () => {
  const lock = (packages) => ({ packages: { '': {}, ...packages } });
  const one = { version: '1.0.0', integrity: 'sha512-a' };
  const folder = (name, locked, installed, files = Object.keys(installed ?? {})) => {
    write(`${name}/package-lock.json`, lock(locked));
    if (installed) write(`${name}/node_modules/.package-lock.json`, { packages: installed });
    for (const file of files) write(`${name}/${file}/package.json`, '{}');
    return path.join(dir, name);
  };
  const a = 'node_modules/a';
  const b = 'node_modules/b';

  it.for([
    ['nothing when all is there', { [a]: one }, { [a]: one }, undefined],
    [
      "nothing when another platform's is absent",
      { [a]: one, [b]: { ...one, optional: true } },
      { [a]: one },
      undefined,
    ],
    ['that nothing is installed', { [a]: one }, undefined, /not installed/],
    ['a package that is missing', { [a]: one, [b]: one }, { [a]: one }, /b is missing/],
    ['another version', { [a]: { ...one, version: '2.0.0' } }, { [a]: one }, /a is 1\.0\.0/],
    ['other content', { [a]: { ...one, integrity: 'sha512-b' } }, { [a]: one }, /a is 1\.0\.0/],
    ['a package too many', { [a]: one }, { [a]: one, [b]: one }, /b is not wanted/],
  ])('notices in node_modules: %s', ([name, locked, installed, expected]) => {
    const reason = staleReason(folder(name.replaceAll(/\W+/g, '-'), locked, installed));
    if (expected) expect(reason).toMatch(expected);
    else expect(reason).toBeUndefined();
  });

  it('notices a package whose folder was removed', () => {
    expect(staleReason(folder('removed', { [a]: one }, { [a]: one }, []))).toMatch(/a is missing/);
  });

  const onDebian = Boolean(findProgram('dpkg-query') && findProgram('apt-get'));

  it.runIf(onDebian)('finds what is not installed, by either of two names', async () => {
    const list = ['dpkg', 'no-such-package-a', 'no-such-package-b | dpkg'];
    expect(await missingPackages(list)).toEqual(['no-such-package-a']);
  });

  it.runIf(onDebian)('asks nobody when nothing is missing', async () => {
    expect(await ensurePackages(['dpkg', 'apt'])).toEqual([]);
  });

  it.runIf(onDebian && !process.stdin.isTTY)('installs nothing unasked', async () => {
    const before = process.env.CI;
    delete process.env.CI;
    try {
      await expect(ensurePackages(['no-such-package-a'])).rejects.toThrow(
        /no terminal to ask.*apt-get install --no-install-recommends no-such-package-a.*--yes/s,
      );
    } finally {
      if (before !== undefined) process.env.CI = before;
    }
  });
});
