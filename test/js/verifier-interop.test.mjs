// node-tpm2/verifier against tpm2-tools on a software TPM: they make what we check and read, and
// they use what we make.

import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  makeCredential,
  parseAttest,
  parseCredential,
  parsePublic,
  verifyCreation,
  verifyQuote,
} from '../../verifier.js';
import { startSwtpm } from '../support/swtpm.mjs';
import { haveProgram, haveTools, toolsFor } from '../support/tools.mjs';

const kReady = haveTools() && haveProgram('swtpm');
const kRestricted = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';
const kUnrestricted = kRestricted.replace('restricted|', '');

const outcome = (verdict) => Object.fromEntries(verdict.checks.map(({ name, ok }) => [name, ok]));
const sized = (bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length]), bytes]);
/** The file that tpm2_activatecredential reads. */
const credentialFile = ({ credentialBlob, secret }) =>
  Buffer.concat([Buffer.from('badcc0de00000001', 'hex'), sized(credentialBlob), sized(secret)]);

describe.skipIf(!kReady)('with tpm2-tools and swtpm', () => {
  let swtpm;
  let tools;
  beforeAll(async () => {
    swtpm = await startSwtpm();
    tools = toolsFor(swtpm);
    await tpm2('createprimary -C o -g sha256 -G ecc -c primary.ctx');
    await createKey('ak', `${kRestricted}`, 'ecc256:ecdsa-sha256');
  });
  afterEach(() => tools.flush());
  afterAll(async () => {
    tools?.close();
    await swtpm?.stop();
  });

  /** Runs a tool and then empties the TPM, since three objects fill it. */
  async function tpm2(line, options) {
    const [name, ...args] = line.split(' ');
    const result = await tools.tpm2(name, args, options);
    if (!line.includes('session')) await tools.tpm2('flushcontext', ['-t']);
    return result;
  }
  async function createKey(name, attributes, algorithm) {
    await tpm2(
      `create -C primary.ctx -G ${algorithm}:null -a ${attributes} -u ${name}.pub -r ${name}.priv`,
    );
    await tpm2(`load -C primary.ctx -u ${name}.pub -r ${name}.priv -c ${name}.ctx`);
  }
  async function readPcr(bank, index) {
    await tpm2(`pcrread ${bank}:${index} -o value`);
    return tools.read('value').toString('hex');
  }
  async function quote(key, { pcrs = 'sha256:0', options = '' } = {}) {
    const nonce = randomBytes(16);
    const extra = options && ` ${options}`;
    await tpm2(`quote -c ${key}.ctx -l ${pcrs} -q ${nonce.toString('hex')} -m msg -s sig${extra}`);
    return {
      message: tools.read('msg'),
      signature: tools.read('sig'),
      akPublic: tools.read(`${key}.pub`),
      qualifyingData: nonce,
    };
  }

  it.each([
    ['ecc256:ecdsa-sha256', 'sha256'],
    ['ecc384:ecdsa-sha384', 'sha384'],
    ['rsa2048:rsassa-sha256', 'sha256'],
    ['rsa2048:rsapss-sha384', 'sha384'],
    ['ecc256:ecdsa-sha1', 'sha1'],
  ])('verifies quotes by %s', async (algorithm, hash) => {
    await tpm2('pcrextend 16:sha1=1111111111111111111111111111111111111111');
    await createKey('key', kRestricted, algorithm);
    const scheme = algorithm.match(/:([a-z]+)/)[1];
    const options = `-g ${hash} --scheme ${scheme}`;
    const good = await quote('key', { pcrs: 'sha1:16+sha256:0,7', options });
    const sha256 = { 0: await readPcr('sha256', 0), 7: await readPcr('sha256', 7) };
    good.pcrs = { sha256, sha1: { 16: await readPcr('sha1', 16) } };
    const verdict = verifyQuote(good);
    expect(verdict.checks.filter(({ ok }) => ok !== true).map(({ name }) => name)).toEqual([
      'rollback',
    ]);
    expect(verdict.ok).toBe(true);
    expect(verdict.attest.quote.pcrSelect).toEqual({ sha1: [16], sha256: [0, 7] });

    const nonce = randomBytes(16);
    expect(outcome(verifyQuote({ ...good, qualifyingData: nonce })).nonce).toBe(false);
    const wrong = { ...good.pcrs, sha1: { 16: '22'.repeat(20) } };
    expect(outcome(verifyQuote({ ...good, pcrs: wrong })).pcrs).toBe(false);
    const { pcrs: _, ...without } = good;
    for (const part of ['message', 'signature']) {
      for (let at = 0; at < good[part].length; at++) {
        const changed = Buffer.from(good[part]);
        changed[at] ^= 1 << (at % 8);
        expect(verifyQuote({ ...without, [part]: changed }).ok, `${part} ${at}`).toBe(false);
      }
    }
  });

  it('verifies the plain forms of signatures', async () => {
    const der = await quote('ak', { options: '-f plain' });
    expect(der.signature[0]).toBe(0x30);
    expect(verifyQuote(der).ok).toBe(true);
    await createKey('rsa', kRestricted, 'rsa2048:rsapss-sha256');
    const raw = await quote('rsa', { options: '-f plain --scheme rsapss' });
    expect(raw.signature.length).toBe(256);
    expect(verifyQuote(raw).ok).toBe(true);
    const { publicKeyDer } = parsePublic(raw.akPublic);
    const bare = { ...raw, akPublic: undefined, akPublicKey: publicKeyDer };
    expect(verifyQuote(bare).ok).toBe(false); // RSASSA is the default of a bare key
    expect(verifyQuote({ ...bare, scheme: 'rsapss' }).ok).toBe(true);
  });

  it('refuses a quote forged with an unrestricted key, which a restricted one cannot sign', async () => {
    const real = await quote('ak');
    // The same PCR digest and nonce, made up outside of the TPM.
    tools.write('forged', real.message);
    await createKey('free', kUnrestricted, 'ecc256:ecdsa-sha256');
    await tpm2('sign -c free.ctx -g sha256 -s ecdsa -o forged.sig forged');
    const forged = {
      ...real,
      signature: tools.read('forged.sig'),
      akPublic: tools.read('free.pub'),
    };
    const verdict = verifyQuote(forged);
    expect(outcome(verdict)).toMatchObject({ signature: true, nonce: true, restricted: false });
    expect(verdict.ok).toBe(false);
    await expect(tpm2('sign -c ak.ctx -g sha256 -s ecdsa -o forged.sig forged')).rejects.toThrow(
      /ended with/,
    );
  });

  it('reads public areas as the TPM does', async () => {
    const file = tools.read('ak.pub');
    const area = parsePublic(file);
    await tpm2('readpublic -c ak.ctx -n ak.name -f der -o ak.der');
    expect(area.name).toEqual(tools.read('ak.name'));
    expect(area.publicKeyDer).toEqual(tools.read('ak.der'));
    expect(area.publicArea).toEqual(file);
    expect(area).toMatchObject({
      type: 'ecc',
      nameAlg: 'sha256',
      curve: 'P-256',
      scheme: 'ecdsa',
      hash: 'sha256',
      attributesRaw: 0x50072,
      authPolicy: Buffer.alloc(0),
    });
    expect(area.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(parsePublic(file.subarray(2)).name).toEqual(area.name);
  });

  it.each([
    ['rsa', ''],
    ['ecc', ''],
    ['rsa', 'der'],
    ['ecc', 'der'],
  ])('makes credentials for the %s EK that its TPM opens %s', async (type, form) => {
    await tpm2(`createek -c ek.ctx -G ${type} -u ek.pub`);
    await tpm2('createak -C ek.ctx -c eak.ctx -G ecc -g sha256 -s ecdsa -u eak.pub -n eak.name');
    const ekPublic = tools.read('ek.pub');
    for (const secret of [randomBytes(32), randomBytes(1)]) {
      const made = makeCredential({
        ekPublic: form === 'der' ? parsePublic(ekPublic).publicKeyDer : ekPublic,
        akName: parsePublic(tools.read('eak.pub')).name,
        secret,
      });
      tools.write('credential', credentialFile(made));
      await tpm2('startauthsession --policy-session -S session');
      await tpm2('policysecret -S session -c e');
      await tpm2(
        'activatecredential -c eak.ctx -C ek.ctx -i credential -o plain -P session:session',
      );
      await tools.flush();
      expect(tools.read('plain')).toEqual(secret);
      expect(parseCredential(tools.read('credential'))).toEqual(made);
    }
  });

  it('reads what tpm2_makecredential writes', async () => {
    await tpm2('createek -c ek.ctx -G rsa -u ek.pub');
    tools.write('secret', randomBytes(20));
    const name = parsePublic(tools.read('ak.pub')).name.toString('hex');
    await tpm2(`makecredential -u ek.pub -s secret -n ${name} -o credential`);
    const file = tools.read('credential');
    const read = parseCredential(file);
    expect(read.secret.length).toBe(256);
    expect(credentialFile(read)).toEqual(file);
    expect(parseCredential(file.subarray(8))).toEqual(read);
    for (let size = 0; size < file.length; size++) {
      expect(() => parseCredential(file.subarray(0, size))).toThrow(/credential/);
    }
  });

  it('reads the other attestations', async () => {
    await tpm2('certify -c primary.ctx -C ak.ctx -g sha256 -o att -s sig');
    const { name } = parsePublic((await primaryPublic()).area);
    expect(parseAttest(tools.read('att'))).toMatchObject({ type: 'certify', certify: { name } });

    await tpm2('gettime -c ak.ctx -g sha256 -q 1234 --attestation att -o sig');
    const time = parseAttest(tools.read('att'));
    expect(time).toMatchObject({ type: 'time', extraData: Buffer.from([0x12, 0x34]) });
    expect(time.time.clockInfo.clock).toBe(time.clockInfo.clock);
    expect(time.time.firmwareVersion).toMatch(/^0x[0-9a-f]{16}$/);

    await tpm2('nvdefine 0x1500001 -C o -s 8 -a ownerread|ownerwrite|authread|authwrite');
    await tpm2('nvwrite 0x1500001 -C o -i -', { input: Buffer.from('contents') });
    await tpm2('nvcertify -C ak.ctx -c o -g sha256 -o sig --attestation att --size 8 0x1500001');
    expect(parseAttest(tools.read('att'))).toMatchObject({
      type: 'nv',
      nv: { offset: 0, contents: Buffer.from('contents') },
    });
  });

  async function primaryPublic() {
    await tpm2('readpublic -c primary.ctx -o primary.pub');
    return { area: tools.read('primary.pub') };
  }

  it('verifies the certified creation of another key', async () => {
    await tpm2(
      `create -C primary.ctx -G ecc -a ${kUnrestricted} -u new.pub -r new.priv -q 0badcafe --creation-data data -d hash -t ticket`,
    );
    await tpm2('load -C primary.ctx -u new.pub -r new.priv -c new.ctx');
    await tpm2(
      'certifycreation -C ak.ctx -c new.ctx -d hash -t ticket -g sha256 -q c0de -o sig --attestation att',
    );
    const good = {
      public: tools.read('new.pub'),
      creationData: tools.read('data'),
      message: tools.read('att'),
      signature: tools.read('sig'),
      akPublic: tools.read('ak.pub'),
      qualifyingData: Buffer.from('c0de', 'hex'),
    };
    const verdict = verifyCreation(good);
    expect(verdict.checks.every(({ ok }) => ok)).toBe(true);
    expect(verdict.creation.outsideInfo).toEqual(Buffer.from('0badcafe', 'hex'));
    expect(verdict.creation.parentName).toEqual(parsePublic((await primaryPublic()).area).name);
    expect(verdict.attest.creation.creationHash).toEqual(
      createHash('sha256').update(good.creationData.subarray(2)).digest(),
    );
    // It is not the new key that has signed, nor another key that was made.
    expect(outcome(verifyCreation({ ...good, akPublic: undefined })).signature).toBe(false);
    const other = verifyCreation({ ...good, public: good.akPublic });
    expect(outcome(other)).toMatchObject({ signature: true, name: false });
  });

  it('notices when the TPM went back in time', async () => {
    const first = await quote('ak');
    await swtpm.restart();
    await tpm2('createprimary -C o -g sha256 -G ecc -c primary.ctx');
    await tpm2('load -C primary.ctx -u ak.pub -r ak.priv -c ak.ctx');
    const second = await quote('ak');
    const later = verifyQuote({ ...second, previous: first.message });
    expect(outcome(later).rollback).toBe(true);
    const { clockInfo } = verifyQuote(first).attest;
    expect((later.attest.clockInfo.resetCount - clockInfo.resetCount) >>> 0).toBe(1);
    const earlier = verifyQuote({ ...first, previous: verifyQuote(second).attest });
    expect(earlier.ok).toBe(false);
    expect(outcome(earlier).rollback).toBe(false);
  });
});
