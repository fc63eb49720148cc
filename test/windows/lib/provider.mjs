// What the suites of the Platform Crypto Provider share.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tpm } from 'node-tpm2';
import { makeCredential } from 'node-tpm2/verifier';
import { runNode, temporaryFolder } from './in_windows.mjs';

const CHILD = fileURLToPath(new URL('./quoting_child.mjs', import.meta.url));

/** Makes a key, in another's place if there is one of its name. */
export const provision = (options = {}) => Tpm.provisionAk({ overwrite: true, ...options });

/** Activates a credential made for the key: with the TPM's own RSA endorsement key, or for `ekPublic`. */
export async function activateFor(akBlob, { ekPublic, secret = randomBytes(16), ...options } = {}) {
  const tpm = await Tpm.open();
  try {
    const made = {
      ekPublic: ekPublic ?? (await tpm.attest.ek({ type: 'rsa' })).public,
      akName: (await tpm.attest.load(akBlob)).name,
      secret,
    };
    return await Tpm.activateCredential({ akBlob, ...makeCredential(made), ...options });
  } finally {
    await tpm.close();
  }
}

/** Quotes in a second process with these privileges. */
export async function quoteElsewhere(akBlob, qualifyingData, elevated) {
  const folder = temporaryFolder();
  const [request, answer] = ['request', 'answer'].map((name) => path.join(folder, name));
  const hex = (bytes) => bytes.toString('hex');
  writeFileSync(
    request,
    JSON.stringify({ akBlob: hex(akBlob.public), qualifyingData: hex(qualifyingData) }),
  );
  const { code, stderr } = await runNode(CHILD, {
    args: [request, answer],
    env: { NODE_TPM2_TEST_ELEVATED: elevated },
  });
  if (code !== 0) throw new Error(`the second process ended with ${code}: ${stderr}`);
  const quote = JSON.parse(readFileSync(answer, 'utf8'));
  for (const name of ['message', 'signature', 'signatureTpmt']) {
    if (quote[name]) quote[name] = Buffer.from(quote[name], 'hex');
  }
  return quote;
}

/** Takes a PCP1 or PCP2 blob apart, by its documentation and not by our own parser. */
export function splitProviderBlob({ public: bytes }) {
  const fields = [];
  for (let at = 4; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at);
    fields.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  const [keyName, publicArea, creationData, attest, signature] = fields;
  return {
    magic: bytes.toString('latin1', 0, 4),
    keyName,
    publicArea,
    creationData,
    attest,
    signature,
  };
}

/** Puts one together, by its documentation. */
export function joinProviderBlob({ magic, keyName, publicArea, creationData, attest, signature }) {
  const field = (bytes) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    return [size, bytes];
  };
  const fields = [Buffer.from(keyName), publicArea, creationData, attest, signature].flatMap(field);
  return { public: Buffer.concat([Buffer.from(magic), ...fields]), private: Buffer.alloc(0) };
}

/** Pretends privileges: '0' standard user, '1' administrator, 'system'. */
export async function as(elevated, body) {
  const before = process.env.NODE_TPM2_TEST_ELEVATED;
  process.env.NODE_TPM2_TEST_ELEVATED = elevated;
  try {
    return await body();
  } finally {
    if (before === undefined) delete process.env.NODE_TPM2_TEST_ELEVATED;
    else process.env.NODE_TPM2_TEST_ELEVATED = before;
  }
}
