// tpm2-tools judge what the Platform Crypto Provider's keys make, and make what they activate.
import { createPublicKey, randomBytes } from 'node:crypto';
import { Tpm } from 'node-tpm2';
import { parseCredential } from 'node-tpm2/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerClient } from '../lib/broker_client.mjs';
import { quoteElsewhere } from '../lib/provider.mjs';

let control;
beforeAll(async () => {
  control = await BrokerClient.connect();
});
afterAll(() => control.close());

const pem = (der) =>
  createPublicKey({ key: der, format: 'der', type: 'spki' }).export({
    type: 'spki',
    format: 'pem',
  });
const missing = (result) => result.code === 'ENOENT' && 'tpm2-tools are not installed';

describe.each([['user'], ['machine']])('tpm2-tools, scope %s', (scope) => {
  let made;
  beforeAll(async () => {
    made = await Tpm.provisionAk({ scope, keyName: `tools ${scope}`, overwrite: true });
  });

  test("tpm2_checkquote accepts a standard user's quote, and no changed one", async ({ skip }) => {
    const nonce = randomBytes(20);
    const quote = await quoteElsewhere(made.akBlob, nonce, '0');
    const args = ['-u', 'ak.pem', '-m', 'message', '-s', 'signature', '-g', quote.hash];
    args.push('-q', nonce.toString('hex'));
    const input = {
      'ak.pem': Buffer.from(pem(made.akPublicDer)),
      message: quote.message,
      signature: quote.signatureTpmt,
    };
    const result = await control.tool('tpm2_checkquote', args, { input });
    if (missing(result)) skip(missing(result));
    expect(result).toMatchObject({ code: 0 });
    const changed = Buffer.from(quote.message);
    changed[changed.length - 1] ^= 1;
    input.message = changed;
    expect((await control.tool('tpm2_checkquote', args, { input })).code).not.toBe(0);
  });

  test("an administrator activates tpm2_makecredential's output", async ({ skip }) => {
    const tpm = await Tpm.open();
    const ek = await tpm.attest.ek({ type: 'rsa' });
    const { name } = await tpm.attest.load(made.akBlob);
    await tpm.close();
    const secret = randomBytes(16);
    const args = [
      '-T',
      'none',
      '-u',
      'ek.pem',
      '-G',
      'rsa',
      '-s',
      'secret',
      '-n',
      name.toString('hex'),
    ];
    args.push('-o', 'credential');
    const input = { 'ek.pem': Buffer.from(pem(ek.publicKeyDer)), secret };
    const result = await control.tool('tpm2_makecredential', args, {
      input,
      output: ['credential'],
    });
    if (missing(result)) skip(missing(result));
    expect(result).toMatchObject({ code: 0 });
    const credential = parseCredential(Buffer.from(result.files.credential, 'hex'));
    expect(await Tpm.activateCredential({ akBlob: made.akBlob, ...credential })).toEqual(secret);
  });
});
