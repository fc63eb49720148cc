// The steps inside scripts/windows-validation.ps1: what the script expects of Windows is what the
// emulation does. The PowerShell around them is not run.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerClient } from '../lib/broker_client.mjs';
import { runNode, temporaryFolder } from '../lib/in_windows.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const LINE = /^(.{28}) \| expected (.{34}) \| (.*)$/;
const read = (file) => readFileSync(path.join(root, file), 'utf8');
const [, steps] = /^@'\r?\n([\s\S]*?)\r?\n'@/m.exec(read('scripts/windows-validation.ps1'));
const powershell = read('scripts/windows-validation.ps1').replace(steps, '');

/** What stands between the braces behind `head`, which begins its line with `indent`. */
function block(head, indent = '') {
  const from = powershell.indexOf(`\n${indent}${head} {`);
  expect(from, head).toBeGreaterThan(-1);
  return powershell.slice(from, powershell.indexOf(`\n${indent}}`, from));
}

describe('scripts/windows-validation.ps1', () => {
  let place;
  let program;
  const folder = temporaryFolder();
  beforeAll(() => {
    // Inside the package, so that it finds node-tpm2 by its name.
    mkdirSync(path.join(root, 'build'), { recursive: true });
    place = mkdtempSync(path.join(root, 'build', 'validation-'));
    program = path.join(place, 'steps.mjs');
    writeFileSync(program, `\ufeff${steps}`); // as PowerShell writes UTF-8
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test("its PowerShell merges a program's standard error in one place, where that ends nothing", () => {
    const merging = powershell.split(/\r?\n/).filter((line) => /2>&1/.test(line));
    // The other is cmd.exe's, in the scheduled task.
    expect(merging.map((line) => line.trim())).toEqual([
      '& $call 2>&1 | ForEach-Object { "$_" }',
      expect.stringMatching(/^\$line = "\/c /),
    ]);
    expect(powershell).toMatch(/function Invoke-Program[^}]*'Continue'\s+& \$call 2>&1/);
    const bare = /^\s*(certutil|icacls|& \$(node|certutil))\b/m;
    expect(powershell).not.toMatch(bare);
  });

  test('its PowerShell hides who and where from all that it reports', () => {
    const hidden = block('function Get-HiddenNames');
    const texts = [...hidden.matchAll(/@\{ Text = (.*?); Word = '(<[a-z]+>)'/g)];
    expect(texts.map(([, text]) => text)).toEqual([
      '$work',
      '(Split-Path -Parent $node)',
      '$env:USERPROFILE',
      '$env:USERNAME',
      '$env:COMPUTERNAME',
    ]);
    expect(powershell).toContain('$work = (Get-Location).ProviderPath');
    // As it is, in JSON, with slashes, in a URL.
    expect(hidden).toContain(
      "foreach ($form in @($name.Text, $name.Text.Replace('\\', '\\\\'), $slashes, $url))",
    );
    expect(hidden).toContain('[regex]::Escape($form)');
    expect(hidden).toMatch(/Sort-Object -Property \{ \$_\.Form\.Length \} -Descending\s*$/);
    // Nothing else writes the report, and node's UTF-8 is read as such, or names would not be known.
    expect(powershell.match(/Add-Content|Out-File|Tee-Object/g)).toEqual(['Add-Content']);
    expect(block('function Add-Report($lines)')).toMatch(
      /Hide-Names "\$_" \} \|[\s\S]*Add-Content/,
    );
    expect(block('function Invoke-Program([scriptblock] $call)')).toContain(
      'System.Text.UTF8Encoding',
    );
    expect(powershell).toContain('Get-Content -Encoding UTF8 $output');
  });

  test('a whole word is what its PowerShell takes for a name', () => {
    const [, before, after] = /'(\(\?<=.*?)' \+ \$pattern \+ '(.*?)'/.exec(
      block('function Get-HiddenNames'),
    );
    const hide = (line) => line.replace(new RegExp(`${before}jo e${after}`, 'giu'), '<user>');
    expect(hide('Jo e: C:\\x\\JO E.DOMAIN\\y')).toBe('<user>: C:\\x\\<user>.DOMAIN\\y');
    expect(hide('file:///C:/My%20jo e/"jo e"')).toBe('file:///C:/My%20<user>/"<user>"');
    expect(hide('Banjo e, Jo ez, jo e2')).toBe('Banjo e, Jo ez, jo e2');
  });

  test('its PowerShell deletes the keys that the steps make, by the account that made them', () => {
    const keys = [...steps.matchAll(/^const \w+_KEY = ['`](.*)['`];$/gm)].map(([, name]) => name);
    const [machineKey, ownKey] = keys;
    expect(machineKey).toBe('node-tpm2 validation machine key');
    const name = (role) => ownKey.replace(/\$\{role\}/, role);
    expect(name('user')).toBe('node-tpm2 validation user key');
    const deletions = (text) =>
      [...text.matchAll(/Remove-ValidationKey '(.*?)'(?: '(.*?)')?/g)].map(([, ...what]) => what);
    expect(deletions(block("'cleanup'", '  '))).toEqual([
      [name('admin'), '-user'],
      [machineKey, undefined],
    ]);
    expect(deletions(block('default', '  '))).toEqual([[name('user'), '-user']]);
    expect(block('default', '  ')).toContain("if ($Role -eq 'user-quote') { Remove-ValidationKey");
    expect(deletions(powershell)).toHaveLength(3);
    expect(block('function Remove-ValidationKey([string] $name, [string[]] $whose = @())')).toMatch(
      /-delkey \$name \} \| Out-Null\s+Add-Report \(.*\$name, \$LASTEXITCODE\)/,
    );
  });

  test("SYSTEM's task runs on battery too, and is waited for", () => {
    const settings =
      '$settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries';
    const system = block("'system'", '  ');
    for (const text of [system, read('docs/windows-pcp.md')]) {
      expect(text).toContain(settings);
      expect(text).toMatch(/Register-ScheduledTask .* -Settings \$settings /);
    }
    expect(system).toContain('$notYetRun = 267011 ');
    // The other way round a task that starts in between would be taken for one that has ended.
    expect(system).toMatch(
      /do \{[^}]*\$result = [^}]*\$state = [^}]*\} until \(\$ended -or .*\$deadline/,
    );
    expect(system).toMatch(/if \(Test-Path \$output\) \{\s+Add-Report/);
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
    ['user', '0', 19],
    ['admin', '1', 19],
    ['system', 'system', 19],
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

  test('a handle that cannot be opened keeps no other step from running', async () => {
    const control = await BrokerClient.connect();
    await control.change({ tpm: 'absent' });
    try {
      const lines = await run('admin', '1');
      expect(lines.map(({ name }) => name)).toEqual([
        'info',
        'random',
        'PCR read',
        'PCR extend 16',
        'open',
        'user key, ecc',
        'user key, rsa',
        'name that is taken',
        'machine key',
      ]);
      const { happened } = lines.find(({ name }) => name === 'open');
      expect(happened).toMatch(/^TPM_UNAVAILABLE hresult 8028400f: /);
    } finally {
      await control.change({ tpm: '2.0' });
      control.close();
    }
  });
});
