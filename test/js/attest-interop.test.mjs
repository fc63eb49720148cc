// Attestation with tpm2-tools, both ways: quotes, credentials, endorsement keys that they made.
import { randomBytes } from 'node:crypto';
import { makeCredential, parseCredential, verifyQuote } from 'node-tpm2/verifier';
import { describe, expect, test } from 'vitest';
import { haveTools, runProgram } from '../support/tools.mjs';
import { makeStorageParent } from './helpers/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
const NONCE = randomBytes(20);

const writeBlob = (name, { public: pub, private: priv }) => {
  context.tools.write(`${name}.pub`, pub);
  context.tools.write(`${name}.priv`, priv);
};
/** tpm2_checkquote needs no TPM, and takes none. */
const checkquote = (args) =>
  runProgram('tpm2', ['checkquote', ...args], { cwd: context.tools.dir });
async function loadWithTools(name) {
  await makeStorageParent(context);
  // biome-ignore format: an option and its value stay on one line
  await context.tpm2('load', ['-C', 'parent.ctx', '-u', `${name}.pub`, '-r', `${name}.priv`,
    '-c', `${name}.ctx`, '-n', `${name}.name`]);
  await context.tools.flush();
}

const secret = randomBytes(32);

describe.skipIf(!haveTools())('quotes and tpm2-tools', () => {
  test('tpm2_sign is refused that as well; TPM2_Hash gives no ticket for it', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const { message } = await ak.quote({ pcrSelection: [0], qualifyingData: NONCE });
    message[message.length - 1] ^= 1;
    writeBlob('ak', ak.export());
    context.tools.write('forged', message);
    await loadWithTools('ak');
    const sign = ['-c', 'ak.ctx', '-g', 'sha256', '-s', 'ecdsa', '-o', 'signature'];
    await expect(context.tpm2('sign', [...sign, 'forged'])).rejects.toThrow();
    await context.tools.flush();
    // The check of the check: what is no TPM structure, the same key signs.
    context.tools.write('harmless', 'harmless');
    await context.tpm2('sign', [...sign, 'harmless']);
    await context.tools.flush();
  });

  test.each([
    ['ecc', 'sha256:0,1,7'],
    ['rsa', 'sha256:0,1,7'],
    ['ecc', 'sha1:2,3+sha256:0,16+sha512:5'],
  ])('tpm2_checkquote accepts ours: %s, %s', async (algorithm, list) => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk({ algorithm });
    const pcrSelection = Object.fromEntries(
      list.split('+').map((part) => {
        const [bank, indices] = part.split(':');
        return [bank, indices.split(',').map(Number)];
      }),
    );
    const quote = await ak.quote({ pcrSelection, qualifyingData: NONCE });
    context.tools.write('message', quote.message);
    context.tools.write('signature', quote.signatureTpmt);
    context.tools.write('ak.pem', ak.publicKey.export({ type: 'spki', format: 'pem' }));
    const args = ['-u', 'ak.pem', '-m', 'message', '-s', 'signature', '-g', 'sha256'];
    await checkquote([...args, '-q', NONCE.toString('hex')]);
    // With the values, in the form that tpm2_pcrread has.
    await context.tpm2('pcrread', [list, '-o', 'values', '-F', 'values']);
    await checkquote([...args, '-q', NONCE.toString('hex'), '-f', 'values', '-l', list]);
    const other = randomBytes(20).toString('hex');
    await expect(checkquote([...args, '-q', other])).rejects.toThrow();
  });

  test.each([
    ['ecc', 'ecdsa', 'sha256'],
    ['rsa', 'rsassa', 'sha256'],
    ['rsa', 'rsassa', 'sha384'],
    ['ecc', 'ecdsa', 'sha384'],
  ])('verifyQuote accepts theirs: %s, %s, %s', async (algorithm, scheme, hash) => {
    await context.tpm2('createek', ['-G', 'rsa', '-c', 'ek.ctx', '-u', 'ek.pub']);
    await context.tools.flush();
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('createak', ['-C', 'ek.ctx', '-c', 'ak.ctx', '-G', algorithm, '-g', hash,
      '-s', scheme, '-u', 'ak.pub', '-f', 'tss', '-n', 'ak.name']);
    await context.tools.flush();
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('quote', ['-c', 'ak.ctx', '-l', 'sha256:0,5,16', '-q', NONCE.toString('hex'),
      '-m', 'message', '-s', 'signature', '-g', hash]);
    await context.tools.flush();
    const tpm = await context.open();
    const quote = {
      message: context.tools.read('message'),
      signature: context.tools.read('signature'),
      akPublic: context.tools.read('ak.pub'),
      qualifyingData: NONCE,
      pcrs: await tpm.pcr.read({ sha256: [0, 5, 16] }),
    };
    const verdict = verifyQuote(quote);
    expect(verdict.checks.filter((check) => check.ok === false)).toEqual([]);
    expect(verdict.ok).toBe(true);
    expect(verifyQuote({ ...quote, qualifyingData: randomBytes(4) }).ok).toBe(false);
  });

  test('an AK of ours quotes in their hands', async () => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    writeBlob('ak', ak.export());
    await loadWithTools('ak');
    expect(context.tools.read('ak.name')).toEqual(ak.name);
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('quote', ['-c', 'ak.ctx', '-l', 'sha256:0,1', '-q', NONCE.toString('hex'),
      '-m', 'message', '-s', 'signature']);
    await context.tools.flush();
    const verdict = verifyQuote({
      message: context.tools.read('message'),
      signature: context.tools.read('signature'),
      akPublic: ak.export().public,
      qualifyingData: NONCE,
    });
    expect(verdict.ok).toBe(true);
  });
});

describe.skipIf(!haveTools())('credential activation and tpm2-tools', () => {
  test.each(['rsa', 'ecc'])('tpm2_makecredential to our %s EK', async (type) => {
    const tpm = await context.open();
    const ak = await tpm.attest.provisionAk();
    const ek = await tpm.attest.ek({ type });
    context.tools.write('ek.pub', ek.public);
    context.tools.write('secret', secret);
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('makecredential', ['-u', 'ek.pub', '-s', 'secret',
      '-n', ak.name.toString('hex'), '-o', 'credential']);
    const credential = parseCredential(context.tools.read('credential'));
    const again = await context.open();
    const same = await again.attest.load(ak.export());
    expect(await same.activateCredential(credential)).toEqual(secret);
  });

  test.each(['rsa', 'ecc'])(
    'tpm2_activatecredential of our makeCredential: %s EK',
    async (type) => {
      const tpm = await context.open();
      const ak = await tpm.attest.provisionAk();
      writeBlob('ak', ak.export());
      await loadWithTools('ak');
      await context.tpm2('createek', ['-G', type, '-c', 'ek.ctx', '-u', 'ek.pub', '-f', 'tss']);
      await context.tools.flush();
      const fresh = await context.open();
      const ours = await fresh.attest.ek({ type });
      expect(ours.public).toEqual(context.tools.read('ek.pub'));
      const made = makeCredential({ ekPublic: ours.public, akName: ak.name, secret });
      const sized = (bytes) =>
        Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
      const file = [
        Buffer.from('badcc0de00000001', 'hex'),
        sized(made.credentialBlob),
        sized(made.secret),
      ];
      context.tools.write('credential', Buffer.concat(file));
      await context.tpm2('startauthsession', ['--policy-session', '-S', 'session.ctx']);
      await context.tpm2('policysecret', ['-S', 'session.ctx', '-c', 'e']);
      // biome-ignore format: an option and its value stay on one line
      await context.tpm2('activatecredential', ['-c', 'ak.ctx', '-C', 'ek.ctx', '-i', 'credential',
      '-o', 'recovered', '-P', 'session:session.ctx']);
      expect(context.tools.read('recovered')).toEqual(secret);
      await context.tools.flush();
    },
  );

  test('a persistent EK is found and used', async () => {
    await context.tpm2('createek', ['-G', 'rsa', '-c', '0x81010001', '-u', 'ek.pub', '-f', 'tss']);
    await context.tools.flush();
    try {
      const tpm = await context.open();
      const ek = await tpm.attest.ek({ type: 'rsa' });
      expect(ek.handle).toBe(0x81010001);
      expect(ek.public).toEqual(context.tools.read('ek.pub'));
      expect(ek.name).toEqual((await tpm.readPublic('0x81010001')).name);
      const ak = await tpm.attest.provisionAk();
      const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
      for (const choice of [{}, { ek: 'rsa' }, { ek: '0x81010001' }, { ek: 0x81010001 }]) {
        const { result, commands } = await recordCommands(() =>
          ak.activateCredential({ ...credential, ...choice }),
        );
        expect(result).toEqual(secret);
        // No RSA primary is made where the EK is there (seconds, on a chip).
        expect(commands.filter((name) => name === 'TPM2_CreatePrimary').length).toBeLessThanOrEqual(
          0,
        );
      }
      const missing = await errorOf(ak.activateCredential({ ...credential, ek: '0x81010005' }));
      expect(missing.code).toBe('KEY_NOT_FOUND');
    } finally {
      await context.tpm2('evictcontrol', ['-C', 'o', '-c', '0x81010001']);
    }
  });

  test('with an endorsement password', async () => {
    const endorsement = Buffer.from('of the endorsement hierarchy');
    await context.tpm2('changeauth', ['-c', 'e', endorsement.toString()]);
    try {
      const tpm = await context.open({ auth: { endorsement } });
      const ak = await tpm.attest.provisionAk();
      for (const type of ['ecc', 'rsa']) {
        const ek = await tpm.attest.ek({ type });
        const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
        expect(await ak.activateCredential(credential)).toEqual(secret);
      }
      const without = await context.open();
      expect((await errorOf(without.attest.ek({ type: 'ecc' }))).code).toBe('AUTH_FAILED');
      const unencrypted = await context.open({ auth: { endorsement }, encrypt: false });
      expect((await unencrypted.attest.ek({ type: 'ecc' })).type).toBe('ecc');
    } finally {
      await context.tpm2('changeauth', ['-c', 'e', '-p', endorsement.toString()]);
    }
  });
});
