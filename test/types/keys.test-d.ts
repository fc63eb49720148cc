// Keys, sealed data, attestation: what compiles, and what must not.
import type { KeyObject } from 'node:crypto';
import type {
  ActivateCredentialFlatOptions,
  ActivateCredentialOptions,
  AkBlob,
  EkResult,
  KeyBlob,
  KeyCreateOptions,
  PcrValuesByBank,
  ProvisionAkOptions,
  ProvisionAkResult,
  QuoteOptions,
  QuoteResult,
  SealOptions,
  TpmHandle,
} from 'node-tpm2';
import { AkHandle, KeyHandle, Tpm } from 'node-tpm2';
import { expectType } from './same.js';

const octets = new Uint8Array(32);
const signal = new AbortController().signal;

export async function keys(tpm: TpmHandle): Promise<void> {
  const options: KeyCreateOptions = {
    type: 'rsa',
    sign: true,
    decrypt: true,
    scheme: 'rsapss',
    hash: 'sha384',
    auth: octets,
    timeout: 60_000,
  };
  const key = await tpm.keys.create(options);
  expectType<KeyHandle>()(key, true);
  await tpm.keys.create();
  const blob: KeyBlob = key.export();
  expectType<Buffer>()(blob.private, true);
  expectType<Buffer>()(key.publicKeyDer, true);
  expectType<KeyObject>()(key.publicKey, true);
  expectType<Buffer>()(key.name, true);
  expectType<Buffer>()(await key.sign(octets), true);
  await key.sign(octets, { hash: 'sha256', scheme: 'rsassa', auth: octets, signal });
  expectType<Buffer>()(await key.decrypt(octets, { hash: 'sha1' }), true);
  const again = await tpm.keys.load({ public: octets, private: octets }, { auth: octets });
  expectType<KeyHandle>()(again, true);
  await again.close();
  await using scoped = await tpm.keys.load(blob);
  void scoped;
  const created = await Tpm.createKey({ type: 'ecc' });
  expectType<KeyBlob>()(created.keyBlob, true);
  expectType<Buffer>()(created.publicKeyDer, true);
  expectType<Buffer>()(await Tpm.signKeyBlob({ keyBlob: blob, digest: octets }), true);
  expectType<Buffer>()(await Tpm.decryptKeyBlob({ keyBlob: blob, cipher: octets }), true);

  // @ts-expect-error no such type
  await tpm.keys.create({ type: 'ed25519' });
  // @ts-expect-error no such scheme
  await key.sign(octets, { scheme: 'pkcs1' });
  // @ts-expect-error bytes
  await key.sign('digest');
  // @ts-expect-error both halves
  await tpm.keys.load({ public: octets });
  // @ts-expect-error no TPM is asked, so there is nothing to limit
  await tpm.keys.load(blob, { timeout: 5 });
  // @ts-expect-error handles come from keys.create() and keys.load()
  new KeyHandle();
  // @ts-expect-error read only
  key.name = Buffer.alloc(34);
  // @ts-expect-error the digest is missing
  await Tpm.signKeyBlob({ keyBlob: blob });
  // @ts-expect-error keys have no quote()
  await key.quote({ pcrSelection: [0] });
}

export async function sealing(tpm: TpmHandle): Promise<void> {
  const options: SealOptions = { data: octets, pcrSelection: [7], bank: 'sha256', auth: octets };
  const blob = await tpm.seal.seal(options);
  expectType<Buffer>()(blob, true);
  await tpm.seal.seal({ data: octets, pcrSelection: { sha1: [0], sha256: [7] } });
  expectType<Buffer>()(await tpm.seal.unseal(blob, { auth: octets, timeout: 100 }), true);
  expectType<Buffer>()(await Tpm.seal({ data: octets }), true);
  expectType<Buffer>()(await Tpm.unseal(blob), true);

  // @ts-expect-error data is needed
  await tpm.seal.seal({ pcrSelection: [7] });
  // @ts-expect-error bytes
  await tpm.seal.seal({ data: 'secret' });
  // @ts-expect-error an array of numbers
  await tpm.seal.seal({ data: octets, pcrSelection: [[7]] });
}

export async function attestation(tpm: TpmHandle): Promise<void> {
  const provision: ProvisionAkOptions = {
    algorithm: 'ecc',
    keyName: 'name',
    scope: 'machine',
    overwrite: true,
  };
  const ak = await tpm.attest.provisionAk(provision);
  expectType<AkHandle>()(ak, true);
  const blob: AkBlob = ak.export();
  const options: QuoteOptions = { pcrSelection: [0], qualifyingData: octets, includePcrs: true };
  const quote: QuoteResult = await ak.quote(options);
  expectType<Buffer>()(quote.signatureTpmt, true);
  const values: PcrValuesByBank | undefined = quote.pcrs;
  expectType<string | undefined>()(values?.sha256?.[0], true);
  await tpm.attest.quote({ akBlob: blob, pcrSelection: { sha256: [0] } });
  const activate: ActivateCredentialOptions = { credentialBlob: octets, secret: octets, ek: 'rsa' };
  expectType<Buffer>()(await ak.activateCredential(activate), true);
  await ak.activateCredential({ ...activate, ek: 0x81010001, timeout: 5000 });
  expectType<AkHandle>()(await tpm.attest.load(blob), true);
  expectType<Buffer | null>()(await tpm.attest.ekCertificate(), true);
  const ek: EkResult = await tpm.attest.ek({ type: 'ecc' });
  expectType<number | null>()(ek.handle, true);

  const flat: ProvisionAkResult = await Tpm.provisionAk();
  expectType<Buffer>()(flat.akPublicDer, true);
  expectType<QuoteResult>()(await Tpm.quote({ akBlob: flat.akBlob, pcrSelection: [0] }), true);
  const flatActivate: ActivateCredentialFlatOptions = { akBlob: flat.akBlob, ...activate };
  expectType<Buffer>()(await Tpm.activateCredential(flatActivate), true);
  expectType<Buffer | null>()(await Tpm.readEkCertificate({ signal }), true);

  // @ts-expect-error an AK signs only what the TPM made
  await ak.sign(octets);
  // @ts-expect-error a selection is needed
  await ak.quote({ qualifyingData: octets });
  // @ts-expect-error bytes
  await ak.quote({ pcrSelection: [0], qualifyingData: 'nonce' });
  // @ts-expect-error no such scope
  await tpm.attest.provisionAk({ scope: 'system' });
  // @ts-expect-error the blob is needed here
  await tpm.attest.quote({ pcrSelection: [0] });
  // @ts-expect-error the encrypted seed is missing
  await ak.activateCredential({ credentialBlob: octets });
  // @ts-expect-error handles come from provisionAk() and attest.load()
  new AkHandle();
}
