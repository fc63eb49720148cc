// The tests' own tools: a software TPM that leaves nothing behind, and a look into it from outside.

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import {
  command,
  expectNoLeaks,
  haveProgram,
  haveTools,
  kCommand,
  loadedHandles,
  parseYaml,
  rawCommand,
  responseCode,
  runProgram,
  storedHandles,
  ToolError,
  toolsFor,
} from '../support/tools.mjs';
import { socketOf } from '../support/wire.mjs';

const kSwtpmModule = new URL('../support/swtpm.mjs', import.meta.url).href;
const kInitialize = 0x100;
const getRandom = command(kCommand.getRandom, [8]);

/** Whether a process runs; a zombie, which nobody may have reaped here, does not. */
function runs(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\S+ \(.*\) [ZX]/.test(stat);
  } catch {
    return false;
  }
}

const untilGone = (pid) => expect.poll(() => runs(pid), { timeout: 10_000 }).toBe(false);

describe('startSwtpm', () => {
  const started = [];
  const start = async (options) => {
    const tpm = await startSwtpm(options);
    started.push(tpm);
    return tpm;
  };
  afterEach(async () => {
    for (const tpm of started.splice(0)) await tpm.stop();
  });

  it('answers as soon as it is given, and is gone after stop()', async () => {
    const tpm = await start();
    const { pid, dir } = tpm;
    expect(tpm.tcti).toBe(`swtpm:path=${tpm.path}`);
    const response = await rawCommand(tpm, getRandom);
    expect(responseCode(response)).toBe(0);
    expect(response.readUInt16BE(10)).toBe(8);
    expect(response.length).toBe(20);
    expect(runs(pid)).toBe(true);
    await tpm.stop();
    await tpm.stop();
    expect(runs(pid)).toBe(false);
    expect(fs.existsSync(dir)).toBe(false);
    await expect(rawCommand(tpm, getRandom)).rejects.toThrow(/ENOENT/);
  });

  it('listens on TCP when asked', async () => {
    const tpm = await start({ tcp: true });
    expect(tpm.tcti).toMatch(/^swtpm:host=127\.0\.0\.1,port=\d+$/);
    expect(responseCode(await rawCommand(tpm.tcti, getRandom))).toBe(0);
  });

  it('gives every caller a TPM of its own', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    const random = await Promise.all([rawCommand(one, getRandom), rawCommand(two, getRandom)]);
    expect(one.pid).not.toBe(two.pid);
    expect(random[0].equals(random[1])).toBe(false);
  });

  it('leaves TPM2_Startup to the client when the flags say so', async () => {
    const tpm = await start({ flags: 'not-need-init' });
    expect(responseCode(await rawCommand(tpm, getRandom))).toBe(kInitialize);
  });

  it('says why it does not start', async () => {
    await expect(startSwtpm({ flags: 'no-such-flag' })).rejects.toThrow(/did not start.*ended/s);
  });

  it('power cycles while a client stays connected', async () => {
    const tpm = await start();
    await tpm.powerCycle({ startup: false });
    expect(responseCode(await rawCommand(tpm, getRandom))).toBe(kInitialize);
    await tpm.powerCycle({ shutdown: false });
    expect(responseCode(await rawCommand(tpm, getRandom))).toBe(0);
  });

  it('keeps its state over a restart, at the same address', async () => {
    const tpm = await start();
    const before = { pid: tpm.pid, tcti: tpm.tcti };
    await rawCommand(tpm, defineIndex(0x01500001));
    await tpm.restart();
    expect(tpm.tcti).toBe(before.tcti);
    expect(tpm.pid).not.toBe(before.pid);
    expect((await storedHandles(tpm)).nv).toContain(0x01500001);
  });

  it("leaves a caller's folder in place, for the next start", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-state-'));
    try {
      const first = await start({ dir });
      await rawCommand(first, defineIndex(0x01500002));
      await first.stop({ shutdown: true });
      expect(fs.existsSync(dir)).toBe(true);
      const second = await start({ dir });
      expect((await storedHandles(second)).nv).toEqual([0x01500002]);
      await second.stop();
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });

  it.for([
    ['its end', 'process.exit(3)', { code: 3 }],
    ['an exception', 'throw new Error("on purpose")', { code: 1 }],
    [
      'SIGTERM',
      'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)',
      { signal: 'SIGTERM' },
    ],
    [
      'SIGINT',
      'process.kill(process.pid, "SIGINT"); setInterval(() => {}, 1000)',
      { signal: 'SIGINT' },
    ],
    ['nothing left to do', '', { code: 0 }],
  ])('does not outlive a process that forgot stop(): %s', async ([, last, expected]) => {
    const script = `import fs from 'node:fs';
      import { startSwtpm } from ${JSON.stringify(kSwtpmModule)};
      const tpm = await startSwtpm();
      fs.writeSync(1, JSON.stringify({ pid: tpm.pid, dir: tpm.dir }));
      ${last};`;
    const result = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      script,
    ]).catch((error) => error);
    const { pid, dir } = JSON.parse(result.stdout);
    if (expected.signal) expect(result.signal).toBe(expected.signal);
    else expect(result.code ?? 0).toBe(expected.code);
    await untilGone(pid);
    expect(fs.existsSync(dir)).toBe(false);
  });

  it.runIf(haveProgram('setpriv'))('does not outlive a process that was killed', async () => {
    const script = `import { startSwtpm } from ${JSON.stringify(kSwtpmModule)};
      const tpm = await startSwtpm();
      console.log(JSON.stringify({ pid: tpm.pid, dir: tpm.dir }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const line = await new Promise((resolve) => child.stdout.once('data', resolve));
    const { pid, dir } = JSON.parse(line);
    expect(runs(pid)).toBe(true);
    child.kill('SIGKILL');
    await untilGone(pid);
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it.runIf(haveProgram('swtpm_setup'))('makes EKs with certificates of its own CA', async () => {
    const tpm = await start({ ekCertificates: true });
    const { nv, persistent } = await storedHandles(tpm);
    expect(nv).toEqual([0x01c00002, 0x01c00016, 0x01c08000]);
    expect(persistent).toEqual([0x81010001, 0x81010016]);
    const { rsa, ecc, root, issuer } = tpm.certificates;
    const write = (name, data) => {
      fs.writeFileSync(path.join(tpm.dir, name), data);
      return path.join(tpm.dir, name);
    };
    for (const der of [rsa, ecc]) {
      // node:crypto's checkIssued refuses the EK's critical extension, so openssl is asked.
      const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
      const files = [write('root.pem', root), write('issuer.pem', issuer), write('ek.pem', pem)];
      const args = ['verify', '-ignore_critical', '-CAfile', files[0], '-untrusted', files[1]];
      const { text } = await runProgram('openssl', [...args, files[2]]);
      expect(text).toMatch(/OK/);
    }
  });
});

/** TPM2_NV_DefineSpace by the owner with an empty password: 8 bytes, OWNERREAD, OWNERWRITE, NO_DA. */
function defineIndex(index) {
  // authorizationSize, then TPM_RS_PW, an empty nonce, no attributes, an empty password.
  const password = Buffer.from('00000009400000090000000000', 'hex');
  const nvPublic = Buffer.alloc(14);
  nvPublic.writeUInt32BE(index, 0);
  nvPublic.writeUInt16BE(0x000b, 4);
  nvPublic.writeUInt32BE(0x02020002, 6);
  nvPublic.writeUInt16BE(0, 10);
  nvPublic.writeUInt16BE(8, 12);
  const body = Buffer.concat([
    Buffer.from('40000001', 'hex'),
    password,
    Buffer.from('0000', 'hex'),
    Buffer.from([0, nvPublic.length]),
    nvPublic,
  ]);
  const header = Buffer.alloc(10);
  header.writeUInt16BE(0x8002, 0);
  header.writeUInt32BE(10 + body.length, 2);
  header.writeUInt32BE(0x12a, 6);
  return Buffer.concat([header, body]);
}

describe('the look from outside', () => {
  let tpm;
  beforeAll(async () => {
    tpm = await startSwtpm();
  });
  afterAll(() => tpm.stop());

  /** TPM2_StartAuthSession: unbound, unsalted, HMAC or policy. */
  const startSession = (type) => {
    const hex = `40000007 40000007 0010${'00'.repeat(16)} 0000 ${type} 0010 000b`;
    const body = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const header = Buffer.from('80010000000000000176', 'hex');
    const request = Buffer.concat([header, body]);
    request.writeUInt32BE(request.length, 2);
    return rawCommand(tpm, request);
  };

  it('sees sessions that are left, and names them', async () => {
    await expectNoLeaks(tpm);
    const hmac = await startSession('00');
    const policy = await startSession('01');
    expect([responseCode(hmac), responseCode(policy)]).toEqual([0, 0]);
    const handles = [hmac.readUInt32BE(10), policy.readUInt32BE(10)];
    expect((await loadedHandles(tpm)).loadedSessions).toHaveLength(2);
    await expect(expectNoLeaks(tpm)).rejects.toThrow(/left in the TPM: loadedSessions: 0x\w+, 0x/);
    for (const handle of handles) {
      expect(responseCode(await rawCommand(tpm, command(0x165, handle)))).toBe(0);
    }
    await expectNoLeaks(tpm);
  });

  it('says that a connection is open when the TPM does not answer because of it', async () => {
    const net = await import('node:net');
    const held = net.connect(socketOf(tpm));
    await new Promise((resolve) => held.once('connect', resolve));
    // Only a client that has been answered is certainly the one that swtpm serves.
    held.write(getRandom);
    await new Promise((resolve) => held.once('data', resolve));
    await expect(expectNoLeaks(tpm, { timeout: 300 })).rejects.toThrow(/another connection/);
    held.destroy();
    await expectNoLeaks(tpm);
  });

  it.runIf(haveTools())('agrees with tpm2-tools', async () => {
    const tools = toolsFor(tpm);
    const { yaml } = await tools.tpm2('getcap', ['properties-fixed']);
    expect(yaml.TPM2_PT_FAMILY_INDICATOR.value).toBe('2.0');
    expect(yaml.TPM2_PT_PS_REVISION ?? yaml.TPM2_PT_REVISION.value).toBeTruthy();
    await tools.tpm2('createprimary', ['-G', 'ecc', '-c', 'primary.ctx']);
    expect(fs.existsSync(tools.file('primary.ctx'))).toBe(true);
    expect((await loadedHandles(tpm)).transient).toHaveLength(1);
    const listed = await tools.tpm2('getcap', ['handles-transient']);
    expect(listed.yaml).toEqual((await loadedHandles(tpm)).transient);
    await expect(expectNoLeaks(tpm)).rejects.toThrow(/transient: 0x80000000/);
    await tools.flush();
    await expectNoLeaks(tpm);
    tools.close();
  });

  it.runIf(haveTools())("carries a failed tool's words and exit code", async () => {
    const tools = toolsFor(tpm);
    const failure = await tools.tpm2('nvread', ['0x1500003']).catch((error) => error);
    expect(failure).toBeInstanceOf(ToolError);
    expect(failure.code).toBe(1);
    expect(failure.stderr).toMatch(/nvread/i);
    tools.close();
  });

  it('ends a program that takes too long', async () => {
    const failure = await runProgram('sleep', ['600'], { timeout: 50 }).catch((error) => error);
    expect(failure).toBeInstanceOf(ToolError);
    expect(failure.late).toBe(true);
  });

  it('feeds a program its input', async () => {
    const { stdout } = await runProgram('cat', [], { input: Buffer.from([0, 1, 255]) });
    expect([...stdout]).toEqual([0, 1, 255]);
  });
});

describe('parseYaml', () => {
  it('reads what tpm2-tools print', () => {
    const text = [
      'TPM2_PT_LEVEL:',
      '  raw: 0',
      'TPM2_PT_REVISION:',
      '  raw: 0xA4',
      '  value: 1.64',
      'selected-pcrs:',
      '  - sha1: [ 0, 1, 23 ]',
      '  - sha256: [ ]',
      '  sha256:',
    ];
    expect(parseYaml(text.slice(0, 8).join('\n'))).toEqual({
      TPM2_PT_LEVEL: { raw: 0 },
      TPM2_PT_REVISION: { raw: 0xa4, value: '1.64' },
      'selected-pcrs': [{ sha1: [0, 1, 23] }, { sha256: [] }],
    });
    const digest = `0x${'00'.repeat(31)}FF`;
    expect(parseYaml(`  sha256:\n    0 : ${digest}\n    10: 0x01\n`)).toEqual({
      sha256: { 0: digest, 10: 1 },
    });
    expect(parseYaml('- 0x81000001\n- 0x81010001\n')).toEqual([0x81000001, 0x81010001]);
    expect(parseYaml('name: "a: b"\nempty:\n')).toEqual({ name: 'a: b', empty: null });
    expect(parseYaml('')).toBeNull();
  });
});
