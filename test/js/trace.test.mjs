// NODE_DEBUG=tpm2, the diagnostics channel, and the ways to a TPM besides a unix socket.
import { createHash, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { describe, expect, test } from 'vitest';
import { startMssimBridge } from '../support/mssim-bridge.mjs';
import { startSwtpm } from '../support/swtpm.mjs';
import { expectNoLeaks } from '../support/tools.mjs';
import { runNode } from './helpers/child.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const DIGEST = createHash('sha256').update('x').digest();

/** What must never be seen: as text, as hexadecimal, as base64. */
function expectUnseen(text, secrets) {
  for (const secret of secrets) {
    for (const form of [secret.toString(), secret.toString('hex'), secret.toString('base64')]) {
      expect(text.toLowerCase().includes(form.toLowerCase())).toBe(false);
    }
  }
}

describe('NODE_DEBUG=tpm2', () => {
  test.each([true, false])('says each command, and no secret (encrypt: %s)', async (encrypt) => {
    const secrets = {
      data: Buffer.from('planted: sealed data'),
      auth: Buffer.from('planted: auth value'),
      nv: Buffer.from('planted: NV contents'),
      wrong: Buffer.from('planted: wrong auth'),
      plain: Buffer.from('planted: plain text'),
      credential: Buffer.from('planted: credential'),
      entropy: Buffer.from('planted: entropy'),
    };
    const result = await runNode(
      `import { constants, publicEncrypt } from 'node:crypto';
       import { makeCredential } from 'node-tpm2/verifier';
       const { Tpm } = await import('node-tpm2');
       const s = Object.fromEntries(Object.entries(JSON.parse(process.env.SECRETS))
         .map(([name, text]) => [name, Buffer.from(text)]));
       const tpm = await Tpm.open({ tcti: process.env.NODE_TPM2_TCTI, encrypt: ${encrypt} });
       const digest = Buffer.alloc(32, 1);
       await tpm.seal.unseal(await tpm.seal.seal({ data: s.data, auth: s.auth }), { auth: s.auth });
       const key = await tpm.keys.create({ auth: s.auth });
       await key.sign(digest);
       await key.sign(digest, { auth: s.wrong }).catch(({ code }) => say(code));
       const index = '0x01800077';
       await tpm.nv.define({ handle: index, size: s.nv.length, auth: s.auth });
       await tpm.nv.write(index, s.nv, 0, s.auth);
       await tpm.nv.read(index, 0, undefined, s.auth);
       await tpm.nv.undefine(index);
       await tpm.random.stir(s.entropy);
       const rsa = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
       const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
       await rsa.decrypt(publicEncrypt({ key: rsa.publicKey, ...oaep }, s.plain));
       const ak = await tpm.attest.provisionAk();
       const ek = await tpm.attest.ek({ type: 'ecc' });
       const secret = s.credential;
       const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
       say((await ak.activateCredential(credential)).equals(secret));
       const random = await tpm.random.bytes(24);
       say(random.toString('hex'));
       await tpm.close();`,
      {
        env: {
          NODE_DEBUG: 'tpm2',
          SECRETS: JSON.stringify(
            Object.fromEntries(Object.entries(secrets).map(([name, s]) => [name, s.toString()])),
          ),
        },
      },
    );
    expect(result.code, result.stderr).toBe(0);
    expect(result.answers.slice(0, 2)).toEqual(['AUTH_FAILED', true]);
    const { stderr } = result;
    for (const name of [
      'Create',
      'Load',
      'Unseal',
      'Sign',
      'NV_DefineSpace',
      'NV_Write',
      'NV_Read',
    ]) {
      expect(stderr).toMatch(new RegExp(`^TPM2 \\d+: TPM2_${name} `, 'm'));
    }
    expect(stderr).toMatch(/TPM2_Sign .* 0x[0-9a-f]+ TPM_RC_(AUTH_FAIL|BAD_AUTH) \d+us/);
    expect(stderr).toMatch(/TPM2_GetRandom .*TPM_RC_SUCCESS \d+us/);
    expectUnseen(stderr, [...Object.values(secrets), Buffer.from(result.answers[2], 'hex')]);
  });

  test('without it nothing is written', async () => {
    const result = await runNode(
      `const { Tpm } = await import('node-tpm2'); await Tpm.randomBytes(4);`,
      { env: { NODE_DEBUG: '' } },
    );
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe("the diagnostics channel 'tpm2'", () => {
  test('tells each command with its outcome', async () => {
    const tpm = await context.open();
    const { events } = await recordCommands(() => tpm.random.bytes(70));
    expect(events).toHaveLength(2);
    for (const event of events) {
      expect(event).toMatchObject({ command: 'TPM2_GetRandom', rc: 0 });
      expect(event.microseconds).toBeGreaterThanOrEqual(0);
      expect(event.commandSize).toBe(12);
      expect(event.responseSize).toBeGreaterThan(12);
      expect(event.request).toContain('bytesRequested');
    }
  });

  test('also those that fail', async () => {
    const tpm = await context.open();
    const { events } = await recordCommands(() => errorOf(tpm.readPublic('0x81ff0001')));
    expect(events.at(-1)).toMatchObject({ command: 'TPM2_ReadPublic', rc: 0x18b });
    expect(events.at(-1).rcName).toMatch(/^TPM_RC_HANDLE/);
  });

  test('a listener that throws harms no call', async () => {
    const result = await runNode(
      `import { subscribe } from 'node:diagnostics_channel';
       const { Tpm } = await import('node-tpm2');
       process.on('uncaughtException', (error) => say(error.message));
       subscribe('tpm2', () => { throw new Error('of the listener'); });
       say((await Tpm.randomBytes(4)).length);`,
    );
    expect(result.code).toBe(0);
    expect(result.answers).toContain(4);
  });

  test('what a handle does with the parameters encrypted', async () => {
    const tpm = await context.open();
    const { events } = await recordCommands(() => tpm.seal.seal({ data: randomBytes(16) }));
    const create = events.find(({ command }) => command === 'TPM2_Create');
    expect(create.sessions).toMatch(/encrypt/);
  });
});

describe('other ways to the TPM', () => {
  async function exercise(tcti) {
    const tpm = await Tpm.open({ tcti });
    try {
      expect((await tpm.info()).tcti).toBe(tcti);
      const key = await tpm.keys.create({ type: 'ecc' });
      expect(await key.sign(DIGEST)).toHaveLength(64);
      const blob = await tpm.seal.seal({ data: DIGEST, pcrSelection: [7] });
      expect(await tpm.seal.unseal(blob)).toEqual(DIGEST);
      expect(await tpm.random.bytes(500)).toHaveLength(500);
      expect(await Tpm.isAvailable({ tcti })).toBe(true);
      expect(Object.keys((await tpm.capabilities()).properties).length).toBeGreaterThan(20);
    } finally {
      await tpm.close();
    }
  }

  test('swtpm by TCP', async () => {
    const swtpm = await startSwtpm({ tcp: true });
    try {
      await exercise(swtpm.tcti);
      await expectNoLeaks(swtpm);
    } finally {
      await swtpm.stop();
    }
  });

  test("the reference simulator's protocol", async () => {
    const bridge = await startMssimBridge({ swtpmPath: context.swtpm.path });
    try {
      await exercise(bridge.tcti);
    } finally {
      await bridge.close();
    }
  });
});
