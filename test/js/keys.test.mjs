// Keys: node:crypto accepts what they sign and encrypts what they decrypt; auth values; tpm2-tools.
import { constants, createHash, publicEncrypt, randomBytes, verify } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { afterEach, describe, expect, test } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';
import { expectNoLeaks, haveTools } from '../support/tools.mjs';
import { makeStorageParent } from './helpers/tools.mjs';
import { errorOf, recordCommands, useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
afterEach(() => context.forgetFailures());
const MESSAGE = Buffer.from('a message');
const HASHES = ['sha1', 'sha256', 'sha384', 'sha512'];
const AUTH = Buffer.from('a good password');
const digestOf = (hash) => createHash(hash).update(MESSAGE).digest();

function accepts(publicKey, hash, signature, scheme) {
  const options = { key: publicKey };
  if (publicKey.asymmetricKeyType === 'ec') options.dsaEncoding = 'ieee-p1363';
  if (scheme === 'rsapss') {
    options.padding = constants.RSA_PKCS1_PSS_PADDING;
    options.saltLength = constants.RSA_PSS_SALTLEN_AUTO;
  }
  return verify(hash, MESSAGE, options, signature);
}
const oaep = (publicKey, plain, oaepHash = 'sha256') =>
  publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, plain);

describe('signatures', () => {
  test('ECDSA with every hash, chosen at each signature', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    for (const hash of HASHES) {
      for (const scheme of [undefined, 'ecdsa']) {
        const signature = await key.sign(digestOf(hash), { hash, scheme });
        expect(signature).toHaveLength(64);
        expect(accepts(key.publicKey, hash, signature), hash).toBe(true);
        signature[5] ^= 1;
        expect(accepts(key.publicKey, hash, signature), hash).toBe(false);
      }
    }
  });

  test('RSASSA and RSAPSS with every hash', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'rsa' });
    for (const hash of HASHES) {
      for (const scheme of ['rsassa', 'rsapss']) {
        const signature = await key.sign(digestOf(hash), { hash, scheme });
        expect(signature).toHaveLength(256);
        expect(accepts(key.publicKey, hash, signature, scheme), `${scheme} ${hash}`).toBe(true);
      }
      const byDefault = await key.sign(digestOf(hash), { hash });
      expect(accepts(key.publicKey, hash, byDefault, 'rsassa')).toBe(true);
    }
  });

  test('a scheme that is fixed in the key', async () => {
    const tpm = await context.open();
    for (const [type, scheme, hash] of [
      ['ecc', 'ecdsa', 'sha256'],
      ['ecc', undefined, 'sha1'],
      ['rsa', 'rsapss', 'sha384'],
      ['rsa', 'rsassa', 'sha512'],
      ['rsa', undefined, 'sha1'],
    ]) {
      const key = await tpm.keys.create({ type, scheme, hash });
      const signature = await key.sign(digestOf(hash));
      expect(accepts(key.publicKey, hash, signature, scheme), `${scheme} ${hash}`).toBe(true);
      const again = await (await tpm.keys.load(key.export())).sign(digestOf(hash));
      expect(accepts(key.publicKey, hash, again, scheme)).toBe(true);
      await key.close();
    }
  });

  test('many signatures differ, and all verify', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    const all = await Promise.all(Array.from({ length: 40 }, () => key.sign(digestOf('sha256'))));
    for (const signature of all) expect(accepts(key.publicKey, 'sha256', signature)).toBe(true);
    expect(new Set(all.map((signature) => signature.toString('hex'))).size).toBe(40);
  });

  test('a repeated sign is one command', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    await key.sign(digestOf('sha256'));
    const { commands } = await recordCommands(() => key.sign(digestOf('sha256')));
    expect(commands).toEqual(['TPM2_Sign']);
  });
});

describe('decryption', () => {
  test('of what node:crypto encrypted with OAEP', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    for (const size of [0, 1, 32, 190]) {
      const plain = randomBytes(size);
      expect(await key.decrypt(oaep(key.publicKey, plain))).toEqual(plain);
    }
    for (const hash of HASHES) {
      const plain = randomBytes(20);
      const cipher = oaep(key.publicKey, plain, hash);
      expect(await key.decrypt(cipher, { hash }), hash).toEqual(plain);
    }
    expect((await errorOf(key.sign(digestOf('sha256')))).code).toBe('INVALID_ARGUMENT');
  });

  test('sign and decrypt by one key', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'rsa', sign: true, decrypt: true });
    const plain = randomBytes(16);
    expect(await key.decrypt(oaep(key.publicKey, plain))).toEqual(plain);
    const signature = await key.sign(digestOf('sha384'), { hash: 'sha384', scheme: 'rsapss' });
    expect(accepts(key.publicKey, 'sha384', signature, 'rsapss')).toBe(true);
  });

  test('of rubbish is an error of the TPM, and the next call works', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'rsa', sign: false, decrypt: true });
    const altered = oaep(key.publicKey, randomBytes(16));
    altered[200] ^= 1;
    for (const cipher of [altered, Buffer.alloc(256, 0xff), Buffer.alloc(256)]) {
      const error = await errorOf(key.decrypt(cipher));
      expect(error.name).toBe('TpmError');
      expect(error.command).toBe('TPM2_RSA_Decrypt');
    }
    const plain = randomBytes(16);
    expect(await key.decrypt(oaep(key.publicKey, plain))).toEqual(plain);
    await key.close();
  });
});

describe('auth values', () => {
  test.each(['ecc', 'rsa'])('%s: right and wrong, namespace and flat', async (type) => {
    const tpm = await context.open();
    const digest = digestOf('sha256');
    const key = await tpm.keys.create({ type, auth: AUTH });
    const signature = await key.sign(digest);
    expect(accepts(key.publicKey, 'sha256', signature)).toBe(true);
    const blob = key.export();
    await key.close();

    const right = await tpm.keys.load(blob, { auth: AUTH });
    expect(accepts(key.publicKey, 'sha256', await right.sign(digest))).toBe(true);
    const wrong = await tpm.keys.load(blob, { auth: Buffer.from('hunter2') });
    const error = await errorOf(wrong.sign(digest));
    expect(error).toMatchObject({ code: 'AUTH_FAILED', command: 'TPM2_Sign' });
    expect(`${error.message} ${error.suggestion}`).not.toContain('hunter2');
    // One call's own auth is before the handle's.
    expect(await wrong.sign(digest, { auth: AUTH })).toHaveLength(signature.length);
    expect(await Tpm.signKeyBlob({ keyBlob: blob, digest, auth: AUTH })).toHaveLength(
      signature.length,
    );
    expect((await errorOf(Tpm.signKeyBlob({ keyBlob: blob, digest }))).code).toBe('AUTH_FAILED');
  });

  test('a lockout by one key does not stop keys without a password', async () => {
    const tpm = await context.open();
    const digest = digestOf('sha256');
    const guarded = await tpm.keys.create({ type: 'ecc', auth: AUTH });
    const open = await tpm.keys.create({ type: 'ecc' });
    let error;
    for (let i = 0; i < 6 && error?.rcName !== 'TPM_RC_LOCKOUT'; ++i) {
      error = await errorOf(guarded.sign(digest, { auth: Buffer.from('guess') }));
      expect(error.code).toBe('AUTH_FAILED');
    }
    expect(error).toMatchObject({ rcName: 'TPM_RC_LOCKOUT', code: 'AUTH_FAILED' });
    expect(error.suggestion).toMatch(/\w+ \w+/);
    expect((await tpm.info()).lockout).toMatchObject({ inLockout: true });
    expect(accepts(open.publicKey, 'sha256', await open.sign(digest))).toBe(true);
    await tpm.lockout.reset();
    expect((await tpm.info()).lockout).toMatchObject({ inLockout: false, counter: 0 });
  });

  test('trailing zeros are no part of an auth value', async () => {
    const tpm = await context.open();
    const padded = Buffer.concat([AUTH, Buffer.alloc(3)]);
    const key = await tpm.keys.create({ type: 'ecc', auth: padded });
    expect(await key.sign(digestOf('sha256'), { auth: AUTH })).toHaveLength(64);
    expect(await key.sign(digestOf('sha256'))).toHaveLength(64);
  });

  test('of 32 bytes with any value', async () => {
    const tpm = await context.open();
    const auth = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i));
    const key = await tpm.keys.create({ type: 'ecc', auth });
    expect(await key.sign(digestOf('sha256'))).toHaveLength(64);
  });

  test('without parameter encryption too', async () => {
    const tpm = await context.open({ encrypt: false });
    const key = await tpm.keys.create({ type: 'ecc', auth: AUTH });
    const { events } = await recordCommands(() => key.sign(digestOf('sha256')));
    expect(events.at(-1)).toMatchObject({ command: 'TPM2_Sign', sessions: 'password', rc: 0 });
  });
});

describe('blobs', () => {
  test('one altered octet anywhere is INVALID_ARGUMENT unsent, or INTEGRITY; the connection goes on', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc' });
    const { public: area, private: wrapped } = key.export();
    const sealed = await tpm.seal.seal({ data: digestOf('sha256') });
    const sign = async (blob) => (await tpm.keys.load(blob)).sign(digestOf('sha256'));
    const found = new Map();
    for (const [octets, use] of [
      [area, (altered) => sign({ public: altered, private: wrapped })],
      [wrapped, (altered) => sign({ public: area, private: altered })],
      [sealed, (altered) => tpm.seal.unseal(altered)],
    ]) {
      for (let at = 0; at < octets.length; at++) {
        const altered = Buffer.from(octets);
        altered[at] ^= 0x40;
        const { commands, result } = await recordCommands(() => errorOf(use(altered)));
        const where = `octet ${at} of ${octets.length}: ${result.message}`;
        if (result.code === 'INVALID_ARGUMENT') expect(commands, where).toEqual([]);
        else expect(result, where).toMatchObject({ code: 'INTEGRITY', command: 'TPM2_Load' });
        found.set(result.code, (found.get(result.code) ?? 0) + 1);
      }
    }
    expect(found.get('INVALID_ARGUMENT')).toBeGreaterThan(5);
    expect(found.get('INTEGRITY')).toBeGreaterThan(300);
    expect(await key.sign(digestOf('sha256'))).toHaveLength(64);
  });

  test('halves of two keys do not make one', async () => {
    const tpm = await context.open();
    const [one, two] = [
      await tpm.keys.create({ type: 'ecc' }),
      await tpm.keys.create({ type: 'ecc' }),
    ];
    const mixed = await tpm.keys.load({ ...one.export(), private: two.export().private });
    expect((await errorOf(mixed.sign(digestOf('sha256')))).code).toBe('INTEGRITY');
  });

  test("another TPM's is INTEGRITY, with nothing left loaded", async () => {
    const other = await startSwtpm();
    try {
      const there = await Tpm.open({ tcti: other.tcti });
      const blob = (await there.keys.create({ type: 'ecc' })).export();
      await there.close();
      await expectNoLeaks(other);
      const tpm = await context.open();
      const foreign = await tpm.keys.load(blob);
      const error = await errorOf(foreign.sign(digestOf('sha256')));
      expect(error).toMatchObject({ code: 'INTEGRITY', command: 'TPM2_Load' });
      expect(error.suggestion).toMatch(/\w+ \w+/);
      const { handles } = await tpm.capabilities();
      expect(handles.transient.length).toBeLessThanOrEqual(1);
    } finally {
      await other.stop();
    }
  });

  test('the storage parent can be pinned by its name', async () => {
    const tpm = await context.open();
    await tpm.keys.create({ type: 'ecc' });
    const pinned = await context.open({
      parentName: Buffer.concat([Buffer.from([0, 11]), randomBytes(32)]),
    });
    const { events, result } = await recordCommands(() =>
      errorOf(pinned.keys.create({ type: 'ecc' })),
    );
    expect(result).toMatchObject({ code: 'INTEGRITY' });
    expect(events.map(({ command }) => command)).not.toContain('TPM2_Create');
    await context.closeAll();
    if (!haveTools()) return;
    await makeStorageParent(context);
    await context.tpm2('readpublic', ['-c', 'parent.ctx', '-n', 'parent.name']);
    await context.tools.flush();
    const right = await context.open({ parentName: context.tools.read('parent.name') });
    expect(await (await right.keys.create({ type: 'ecc' })).sign(digestOf('sha256'))).toHaveLength(
      64,
    );
  });
});

describe.skipIf(!haveTools())('tpm2-tools', () => {
  const write = (name, { public: pub, private: priv }) => {
    context.tools.write(`${name}.pub`, pub);
    context.tools.write(`${name}.priv`, priv);
  };
  const read = (name) => ({
    public: context.tools.read(`${name}.pub`),
    private: context.tools.read(`${name}.priv`),
  });
  const load = async (name) => {
    await makeStorageParent(context);
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('load', ['-C', 'parent.ctx', '-u', `${name}.pub`, '-r', `${name}.priv`,
      '-c', `${name}.ctx`, '-n', `${name}.name`]);
    await context.tools.flush();
  };

  test.each([
    ['ecc', 'ecdsa', []],
    ['rsa', 'rsassa', []],
    ['rsa', 'rsapss', ['-p', AUTH.toString()]],
  ])('load ours and sign: %s %s', async (type, scheme, auth) => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type, auth: auth.length ? AUTH : undefined });
    write('ours', key.export());
    context.tools.write('message', MESSAGE);
    await load('ours');
    expect(context.tools.read('ours.name')).toEqual(key.name);
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('sign', ['-c', 'ours.ctx', '-g', 'sha256', '-s', scheme, ...auth,
      '-f', 'plain', '-o', 'signature', 'message']);
    await context.tools.flush();
    const signature = context.tools.read('signature');
    // tpm2-tools' plain form of ECDSA is DER.
    const options = { key: key.publicKey };
    if (scheme === 'rsapss') options.padding = constants.RSA_PKCS1_PSS_PADDING;
    expect(verify('sha256', MESSAGE, options, signature)).toBe(true);
  });

  test.each([
    ['ecc', 'ecdsa', 'sha256'],
    ['rsa', 'rsassa', 'sha256'],
    ['rsa', 'rsassa', 'sha384'],
  ])('tpm2_verifysignature accepts ours: %s %s %s', async (type, scheme, hash) => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type });
    context.tools.write('message', MESSAGE);
    const raw = await key.sign(digestOf(hash), { hash, scheme });
    context.tools.write('key.pem', key.publicKey.export({ type: 'spki', format: 'pem' }));
    await context.tpm2('loadexternal', ['-C', 'n', '-G', type, '-u', 'key.pem', '-c', 'key.ctx']);
    await context.tools.flush();
    context.tools.write('signature', type === 'ecc' ? tpmtEcdsa(raw) : raw);
    const format = type === 'ecc' ? [] : ['-f', scheme];
    // biome-ignore format: an option and its value stay on one line
    const args = ['-c', 'key.ctx', '-g', hash, '-m', 'message', '-s', 'signature', ...format];
    await context.tpm2('verifysignature', args);
    await context.tools.flush();
    raw[raw.length - 1] ^= 1;
    context.tools.write('signature', type === 'ecc' ? tpmtEcdsa(raw) : raw);
    await expect(context.tpm2('verifysignature', args)).rejects.toThrow();
    await context.tools.flush();
  });

  test.each([
    ['ecc256:ecdsa', 'ecc'],
    ['ecc', 'ecc'],
    ['ecc384', 'ecc'],
    ['rsa2048', 'rsa'],
    ['rsa2048:rsapss-sha256:null', 'rsa'],
  ])('create a key (%s) that we load and use', async (algorithm, type) => {
    await makeStorageParent(context);
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('create', ['-C', 'parent.ctx', '-G', algorithm, '-u', 'theirs.pub',
      '-r', 'theirs.priv', '-p', AUTH.toString()]);
    await context.tools.flush();
    const tpm = await context.open();
    const key = await tpm.keys.load(read('theirs'), { auth: AUTH });
    expect(key.publicKey.asymmetricKeyType).toBe(type === 'ecc' ? 'ec' : 'rsa');
    const signature = await key.sign(digestOf('sha256'));
    const scheme = algorithm.includes('rsapss') ? 'rsapss' : undefined;
    expect(accepts(key.publicKey, 'sha256', signature, scheme)).toBe(true);
    if (algorithm === 'rsa2048') {
      const plain = randomBytes(20);
      expect(await key.decrypt(oaep(key.publicKey, plain))).toEqual(plain);
    }
  });

  test('the auth of a key is changed by them, and the new blob opens with the new one', async () => {
    const tpm = await context.open();
    const key = await tpm.keys.create({ type: 'ecc', auth: AUTH });
    write('ours', key.export());
    await load('ours');
    // biome-ignore format: an option and its value stay on one line
    await context.tpm2('changeauth', ['-C', 'parent.ctx', '-c', 'ours.ctx', '-p', AUTH.toString(),
      '-r', 'changed.priv', 'new password']);
    await context.tools.flush();
    const fresh = await context.open();
    const blob = { public: key.export().public, private: context.tools.read('changed.priv') };
    const changed = await fresh.keys.load(blob, { auth: Buffer.from('new password') });
    expect(await changed.sign(digestOf('sha256'))).toHaveLength(64);
    const error = await errorOf(changed.sign(digestOf('sha256'), { auth: AUTH }));
    expect(error.code).toBe('AUTH_FAILED');
  });

  test('a parent with an auth value is used with the right one only', async () => {
    const name = '0x81000001';
    await makeStorageParent(context, AUTH);
    await context.tpm2('evictcontrol', ['-C', 'o', '-c', 'parent.ctx', name]);
    await context.tools.flush();
    try {
      for (const encrypt of [true, false]) {
        const tpm = await context.open({ encrypt, auth: { parent: AUTH } });
        const { result: key, commands } = await recordCommands(() => tpm.keys.create());
        expect(commands).not.toContain('TPM2_CreatePrimary');
        expect(await key.sign(digestOf('sha256'))).toHaveLength(64);
        for (const auth of [undefined, { parent: Buffer.from('hunter2') }]) {
          const without = await context.open({ encrypt, auth });
          const loaded = await without.keys.load(key.export());
          await key.close();
          for (const [command, use] of [
            ['TPM2_Create', () => without.keys.create()],
            ['TPM2_Load', () => loaded.sign(digestOf('sha256'))],
          ]) {
            expect(await errorOf(use())).toMatchObject({ code: 'AUTH_FAILED', command });
          }
        }
      }
    } finally {
      await context.tpm2('evictcontrol', ['-C', 'o', '-c', name]);
    }
  });

  test('a parent that they made persistent is used; a stranger there is not', async () => {
    const name = '0x81000001';
    await makeStorageParent(context);
    await context.tpm2('evictcontrol', ['-C', 'o', '-c', 'parent.ctx', name]);
    await context.tools.flush();
    const tpm = await context.open();
    const { result: key, commands } = await recordCommands(() => tpm.keys.create({ type: 'ecc' }));
    expect(commands).not.toContain('TPM2_CreatePrimary');
    await context.tpm2('evictcontrol', ['-C', 'o', '-c', name]);

    await context.tpm2('createprimary', ['-C', 'o', '-G', 'rsa', '-c', 'other.ctx']);
    await context.tpm2('evictcontrol', ['-C', 'o', '-c', 'other.ctx', name]);
    await context.tools.flush();
    try {
      const again = await context.open();
      const loaded = await again.keys.load(key.export());
      const signed = await recordCommands(() => loaded.sign(digestOf('sha256')));
      expect(signed.commands).toContain('TPM2_CreatePrimary');
      expect(accepts(key.publicKey, 'sha256', signed.result)).toBe(true);
    } finally {
      await context.tpm2('evictcontrol', ['-C', 'o', '-c', name]);
    }
  });
});

/** TPMT_SIGNATURE of ECDSA-SHA256 from r and s. */
function tpmtEcdsa(raw) {
  const half = raw.length / 2;
  const sized = (part) => Buffer.concat([Buffer.from([0, part.length]), part]);
  const head = Buffer.from('0018000b', 'hex');
  return Buffer.concat([head, sized(raw.subarray(0, half)), sized(raw.subarray(half))]);
}
