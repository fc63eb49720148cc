// The steps inside scripts/windows-validation.ps1: what the script expects of Windows is what the
// emulation does. The PowerShell around them is not run.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runNode, temporaryFolder } from '../lib/in_windows.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const LINE = /^(.{28}) \| expected (.{34}) \| (.*)$/;

describe('scripts/windows-validation.ps1', () => {
  let place;
  let program;
  const folder = temporaryFolder();
  beforeAll(() => {
    const text = readFileSync(path.join(root, 'scripts/windows-validation.ps1'), 'utf8');
    const [, steps] = /^@'\r?\n([\s\S]*?)\r?\n'@/m.exec(text);
    // Inside the package, so that it finds node-tpm2 by its name.
    mkdirSync(path.join(root, 'build'), { recursive: true });
    place = mkdtempSync(path.join(root, 'build', 'validation-'));
    program = path.join(place, 'steps.mjs');
    writeFileSync(program, `\ufeff${steps}`); // as PowerShell writes UTF-8
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test("its PowerShell merges a program's standard error in one place, where that ends nothing", () => {
    const text = readFileSync(path.join(root, 'scripts/windows-validation.ps1'), 'utf8');
    const powershell = text.replace(/^@'\r?\n[\s\S]*?\r?\n'@/m, '');
    const merging = powershell.split(/\r?\n/).filter((line) => /2>&1/.test(line));
    // The other is cmd.exe's, in the scheduled task.
    expect(merging.map((line) => line.trim())).toEqual([
      '& $call 2>&1 | ForEach-Object { "$_" }',
      expect.stringMatching(/^\$line = "\/c /),
    ]);
    expect(powershell).toMatch(/function Invoke-Program[^}]*'Continue'\s+& \$call 2>&1/);
    const bare = /^\s*(certutil|icacls|& \$node)\b/m;
    expect(powershell).not.toMatch(bare);
  });

  async function run(role, elevated) {
    const { code, stdout, stderr } = await runNode(program, {
      args: [role, folder],
      env: { NODE_TPM2_TEST_ELEVATED: elevated },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split(/\r?\n/);
    expect(lines.shift()).toMatch(new RegExp(`^== ${role}, node v20`));
    return lines.map((line) => {
      const [, name, expected, happened] = LINE.exec(line) ?? [];
      return { name: name?.trim(), expected: expected?.trim(), happened };
    });
  }

  test.each([
    ['user', '0', 17],
    ['admin', '1', 17],
    ['system', 'system', 17],
    ['user-quote', '0', 1],
  ])('role %s', async (role, elevated, count) => {
    const steps = await run(role, elevated);
    expect(steps).toHaveLength(count);
    for (const { name, expected, happened } of steps) {
      const [code, status = ''] = expected.split(' ');
      const wanted = code === 'works' ? /^works: / : new RegExp(`^${code} hresult ${status}`);
      expect(happened, name).toMatch(wanted);
    }
  });
});
