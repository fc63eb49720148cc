# Tries node-tpm2 on a real Windows machine and adds what happened to one report. See
# docs/windows-validation.md for the steps. Leaves nothing behind after -Role cleanup but the report.
param(
  [Parameter(Mandatory = $true)]
  [ValidateSet('user', 'admin', 'system', 'user-quote', 'cleanup')]
  [string] $Role
)
$ErrorActionPreference = 'Stop'

# Runs a program and gives what it writes as text. Windows PowerShell 5.1 makes errors of what comes on
# standard error, and 'Stop' would end the script at the first.
function Invoke-Program([scriptblock] $call) {
  $ErrorActionPreference = 'Continue'
  & $call 2>&1 | ForEach-Object { "$_" }
}

$folder = Join-Path $env:ProgramData 'node-tpm2-validation'
$report = Join-Path $folder 'windows-validation-report.txt'
$work = (Get-Location).Path
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
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  console.log(`${name.padEnd(28)} | expected ${expected.padEnd(34)} | ${happened}`);
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
  const tpm = await Tpm.open();
  try {
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
  } finally {
    await tpm.close();
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

# A key is deleted by its name, with Windows' own tool: this package only makes and replaces keys.
function Remove-ValidationKeys {
  $provider = 'Microsoft Platform Crypto Provider'
  foreach ($name in 'user', 'admin') {
    Invoke-Program { certutil -csp $provider -user -delkey "node-tpm2 validation $name key" } | Out-Null
  }
  Invoke-Program { certutil -csp $provider -delkey 'node-tpm2 validation machine key' } | Out-Null
}

function Add-Report($lines) {
  $lines | ForEach-Object { Write-Output $_; Add-Content -Encoding UTF8 -Path $report -Value $_ }
}

if (-not (Test-Path $report)) {
  $os = Get-CimInstance Win32_OperatingSystem
  Add-Report "$($os.Caption) $($os.Version), PowerShell $($PSVersionTable.PSVersion)"
  Invoke-Program { icacls $folder /grant '*S-1-5-32-545:(OI)(CI)M' } | Out-Null
}

switch ($Role) {
  'system' {
    $output = Join-Path $folder 'system-output.txt'
    $line = "/c `"`"$node`" `"$program`" system `"$folder`" > `"$output`" 2>&1`""
    $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument $line -WorkingDirectory $work
    Register-ScheduledTask -TaskName $task -Action $action -User 'SYSTEM' -RunLevel Highest -Force | Out-Null
    try {
      Start-ScheduledTask -TaskName $task
      do { Start-Sleep -Seconds 2 } while ((Get-ScheduledTask -TaskName $task).State -eq 'Running')
    } finally {
      Unregister-ScheduledTask -TaskName $task -Confirm:$false
    }
    Add-Report (Get-Content $output)
    Remove-Item $output
  }
  'cleanup' {
    Remove-ValidationKeys
    Remove-Item -Force -ErrorAction SilentlyContinue $program, (Join-Path $folder 'machine-key.json')
    Write-Output "The report is $report. SYSTEM's own test key stays in SYSTEM's profile; it is of no further use."
  }
  default {
    Add-Report (Invoke-Program { & $node $program $Role $folder })
  }
}
