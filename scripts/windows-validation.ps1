# Tries node-tpm2 on a real Windows machine and adds what happened to one report. See
# docs/windows-validation.md for the steps, and for what they leave behind.
param(
  [Parameter(Mandatory = $true)]
  [ValidateSet('user', 'admin', 'system', 'user-quote', 'cleanup')]
  [string] $Role
)
$ErrorActionPreference = 'Stop'

# Runs a program and gives what it writes as text. Windows PowerShell 5.1 makes errors of what comes on
# standard error, and 'Stop' would end the script at the first. Node writes UTF-8: read as anything else,
# a name with an umlaut would not be known for one that is to be hidden.
function Invoke-Program([scriptblock] $call) {
  $before = [Console]::OutputEncoding
  try {
    [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
    $ErrorActionPreference = 'Continue'
    & $call 2>&1 | ForEach-Object { "$_" }
  } finally {
    [Console]::OutputEncoding = $before
  }
}

$folder = Join-Path $env:ProgramData 'node-tpm2-validation'
$report = Join-Path $folder 'windows-validation-report.txt'
$output = Join-Path $folder 'system-output.txt'
$work = (Get-Location).ProviderPath
$task = 'node-tpm2-validation'
$program = Join-Path $work 'windows-validation-steps.mjs'
New-Item -ItemType Directory -Force -Path $folder | Out-Null

$node = (Get-Command node).Source
$elevated = ([Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole(
  [Security.Principal.WindowsBuiltInRole]::Administrator)
if (@('admin', 'system', 'cleanup') -contains $Role -and -not $elevated) { throw 'Run this in an elevated PowerShell.' }
if (@('user', 'user-quote') -contains $Role -and $elevated) { throw 'Run this as a standard user, not elevated.' }

# The steps, in JavaScript: each prints one line, and a failure does not keep the next from running.
@'
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Tpm } from 'node-tpm2';
import { makeCredential, verifyCreation, verifyQuote } from 'node-tpm2/verifier';

const [role, folder] = process.argv.slice(2);
const MACHINE_KEY = 'node-tpm2 validation machine key';
const USER_KEY = `node-tpm2 validation ${role} key`;
const blobFile = `${folder}\\machine-key.json`;
const digest = createHash('sha256').update('validation').digest();

async function step(name, expected, body) {
  let happened;
  try {
    happened = `works: ${(await body()) ?? ''}`;
  } catch (error) {
    const status = error.hresult === undefined ? '' : ` hresult ${error.hresult.toString(16)}`;
    const rc = error.tpmRc === undefined ? '' : ` rc ${error.tpmRc.toString(16)}`;
    happened = `${error.code ?? error.name}${status}${rc}: ${error.message}`;
  }
  const line = `${name.padEnd(28)} | expected ${expected.padEnd(34)} | ${happened}`;
  console.log(line.replace(/[\r\n]+/g, ' '));
}

async function quoteAndVerify(akBlob, akPublicDer) {
  const qualifyingData = randomBytes(20);
  const quote = await Tpm.quote({ akBlob, pcrSelection: [0, 7], qualifyingData, includePcrs: true });
  const verdict = verifyQuote({ ...quote, akPublicKey: akPublicDer, qualifyingData });
  if (!verdict.ok) throw new Error(`not accepted: ${JSON.stringify(verdict.checks)}`);
  return `${quote.scheme} ${quote.hash}`;
}

async function activate(akBlob) {
  const tpm = await Tpm.open();
  try {
    const ek = await tpm.attest.ek({ type: 'rsa' });
    const akName = (await tpm.attest.load(akBlob)).name;
    const secret = randomBytes(16);
    const credential = makeCredential({ ekPublic: ek.public, akName, secret });
    const got = await Tpm.activateCredential({ akBlob, ...credential });
    if (!got.equals(secret)) throw new Error('another secret');
  } finally {
    await tpm.close();
  }
}

async function all() {
  const user = role === 'user';
  const admin = user ? 'REQUIRES_ELEVATION 80280400' : 'works';
  await step('info', 'works', async () => {
    const info = await Tpm.info();
    return `${info.manufacturer} ${info.vendorString} ${info.firmwareVersion} ${info.spec} rev ${info.specRevision}`;
  });
  await step('random', 'works', async () => `${(await Tpm.randomBytes(32)).length} bytes`);
  await step('PCR read', 'works', async () => Object.keys(await Tpm.pcrRead([0, 7, 16])).join());
  await step('PCR extend 16', admin, () => Tpm.pcrExtend(16, digest));
  let tpm;
  await step('open', 'works', async () => {
    tpm = await Tpm.open();
  });
  if (tpm) {
    await step('PCR reset 16', admin, () => tpm.pcr.reset(16));
    await step('NV', admin, async () => {
      await tpm.nv.define({ handle: 0x01800042, size: 4 });
      try {
        await tpm.nv.write(0x01800042, Buffer.from('abcd'));
        return (await tpm.nv.read(0x01800042)).toString();
      } finally {
        await tpm.nv.undefine(0x01800042);
      }
    });
    await step('sign', 'works', async () => {
      const key = await tpm.keys.create({ type: 'ecc' });
      return `${(await key.sign(digest)).length} bytes`;
    });
    await step('seal, unseal', 'works', async () => {
      const blob = await tpm.seal.seal({ data: digest, pcrSelection: [7] });
      return (await tpm.seal.unseal(blob)).equals(digest);
    });
    await step('EK', 'works', async () => (await tpm.attest.ek({ type: 'rsa' })).publicKeyDer.length);
    await step('EK certificate', 'works or none', async () => {
      const der = await tpm.attest.ekCertificate();
      return der ? `${der.length} bytes` : 'none';
    });
    await step('close', 'works', () => tpm.close());
  }
  let ak;
  for (const algorithm of ['ecc', 'rsa']) {
    await step(`user key, ${algorithm}`, 'works', async () => {
      ak = await Tpm.provisionAk({ keyName: USER_KEY, overwrite: true, algorithm });
      const verdict = verifyCreation({ binding: ak.akBlob });
      if (!verdict.ok) throw new Error(JSON.stringify(verdict.checks));
      return `policy ${verdict.public.authPolicy.toString('hex')}`;
    });
    if (ak) await step(`quote, ${algorithm}`, 'works', () => quoteAndVerify(ak.akBlob, ak.akPublicDer));
  }
  await step('name that is taken', 'ALREADY_EXISTS 8009000f', () => Tpm.provisionAk({ keyName: USER_KEY }));
  const denied = 'REQUIRES_ELEVATION';
  if (ak) await step('activation', user ? denied : 'works', () => activate(ak.akBlob));
  await step('machine key', user ? denied : 'works', async () => {
    const made = await Tpm.provisionAk({ keyName: MACHINE_KEY, scope: 'machine', overwrite: true });
    const hex = { blob: made.akBlob.public.toString('hex'), der: made.akPublicDer.toString('hex') };
    writeFileSync(blobFile, JSON.stringify(hex));
    return await quoteAndVerify(made.akBlob, made.akPublicDer);
  });
}

async function userQuote() {
  await step('machine key, by a user', 'works', () => {
    const { blob, der } = JSON.parse(readFileSync(blobFile, 'utf8'));
    const akBlob = { public: Buffer.from(blob, 'hex'), private: Buffer.alloc(0) };
    return quoteAndVerify(akBlob, Buffer.from(der, 'hex'));
  });
}

console.log(`== ${role}, node ${process.version}, ${new Date().toISOString()}`);
await (role === 'user-quote' ? userQuote() : all());
'@ | Set-Content -Encoding UTF8 -Path $program

# What the report is not to hold, and what stands there instead: in paths as Windows, JavaScript, JSON
# and URLs write them. The longest comes first, so that a name is not replaced inside a path.
function Get-HiddenNames {
  $names = @(
    @{ Text = $work; Word = '<folder>'; IsPath = $true }
    @{ Text = (Split-Path -Parent $node); Word = '<node>'; IsPath = $true }
    @{ Text = $env:USERPROFILE; Word = '<profile>'; IsPath = $true }
    @{ Text = $env:USERNAME; Word = '<user>'; IsPath = $false }
    @{ Text = $env:COMPUTERNAME; Word = '<machine>'; IsPath = $false }
  )
  $found = foreach ($name in $names) {
    if (-not $name.Text) { continue }
    $slashes = $name.Text.Replace('\', '/')
    $url = [Uri]::EscapeUriString($slashes).Replace('#', '%23')
    foreach ($form in @($name.Text, $name.Text.Replace('\', '\\'), $slashes, $url)) {
      $pattern = [regex]::Escape($form)
      # A bare name is a whole word, or somebody who is called E would leave little of the report.
      if (-not $name.IsPath) {
        $pattern = '(?<=^|%[0-9a-f]{2}|[^\p{L}\p{N}])' + $pattern + '(?![\p{L}\p{N}])'
      }
      @{ Form = $form; Pattern = $pattern; Word = $name.Word }
    }
  }
  $found | Sort-Object -Property { $_.Form.Length } -Descending
}
$hiddenNames = Get-HiddenNames

function Hide-Names([string] $line) {
  foreach ($name in $hiddenNames) { $line = $line -replace $name.Pattern, $name.Word }
  $line
}

function Add-Report($lines) {
  $lines | ForEach-Object { Hide-Names "$_" } | ForEach-Object {
    Write-Output $_
    Add-Content -Encoding UTF8 -Path $report -Value $_
  }
}

# A key is deleted by its name, with Windows' own tool: this package only makes and replaces keys. One
# that is not the machine's ($whose is '-user') can be deleted by the account alone that made it.
function Remove-ValidationKey([string] $name, [string[]] $whose = @()) {
  $certutil = Join-Path $env:SystemRoot 'System32\certutil.exe'
  $provider = 'Microsoft Platform Crypto Provider'
  Invoke-Program { & $certutil @whose -csp $provider -delkey $name } | Out-Null
  Add-Report ('deletion of "{0}" | expected status 00000000 | status {1:x8}' -f $name, $LASTEXITCODE)
}

if (-not (Test-Path $report)) {
  $os = Get-CimInstance Win32_OperatingSystem
  Add-Report "$($os.Caption) $($os.Version), PowerShell $($PSVersionTable.PSVersion)"
  Invoke-Program { icacls $folder /grant '*S-1-5-32-545:(OI)(CI)M' } | Out-Null
}

switch ($Role) {
  'system' {
    $line = "/c `"`"$node`" `"$program`" system `"$folder`" > `"$output`" 2>&1`""
    $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument $line -WorkingDirectory $work
    # Unless told otherwise a task does not start on battery, and is ended there.
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    Remove-Item -Force -ErrorAction SilentlyContinue $output
    Register-ScheduledTask -TaskName $task -Action $action -Settings $settings -User 'SYSTEM' -RunLevel Highest -Force |
      Out-Null
    try {
      $notYetRun = 267011 # SCHED_S_TASK_HAS_NOT_RUN, 0x41303
      $deadline = (Get-Date).AddMinutes(15)
      Start-ScheduledTask -TaskName $task
      do {
        Start-Sleep -Seconds 2
        # In this order: once the result is another one, Ready means that the task has ended.
        $result = (Get-ScheduledTaskInfo -TaskName $task).LastTaskResult
        $state = (Get-ScheduledTask -TaskName $task).State
        $ended = ($result -ne $notYetRun) -and ($state -eq 'Ready')
      } until ($ended -or ((Get-Date) -gt $deadline))
      if (-not $ended) { Stop-ScheduledTask -TaskName $task -ErrorAction SilentlyContinue }
    } finally {
      Unregister-ScheduledTask -TaskName $task -Confirm:$false
    }
    if (Test-Path $output) {
      Add-Report (Get-Content -Encoding UTF8 $output)
    } else {
      Add-Report '== system: nothing was written'
    }
    if (-not $ended -or $result -ne 0) { Add-Report ('== system: task {0}, result {1:x8}' -f $state, $result) }
    Remove-Item -Force -ErrorAction SilentlyContinue $output
  }
  'cleanup' {
    Remove-ValidationKey 'node-tpm2 validation admin key' '-user'
    Remove-ValidationKey 'node-tpm2 validation machine key'
    Remove-Item -Force -ErrorAction SilentlyContinue $program, $output, (Join-Path $folder 'machine-key.json')
    Write-Output "The report is $report. SYSTEM's own test key stays in SYSTEM's profile; it is of no further use."
  }
  default {
    Add-Report (Invoke-Program { & $node $program $Role $folder })
    # The last that a standard user does. Nothing that is still to come needs the key.
    if ($Role -eq 'user-quote') { Remove-ValidationKey 'node-tpm2 validation user key' '-user' }
  }
}
