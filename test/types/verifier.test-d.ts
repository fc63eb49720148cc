// node-tpm2/verifier: what compiles, and what must not.

import type { KeyObject } from 'node:crypto';
import type { TpmError as BaseError, QuoteResult } from 'node-tpm2';
import {
  type Attest,
  type Credential,
  makeCredential,
  parseAttest,
  parseCredential,
  parsePublic,
  TpmError,
  verifyCreation,
  verifyQuote,
} from 'node-tpm2/verifier';
import { expectType } from './same.js';

const octets = new Uint8Array(32);

export function quotes(quote: QuoteResult): void {
  const verdict = verifyQuote({
    ...quote,
    akPublic: octets,
    qualifyingData: octets,
    previous: octets,
  });
  expectType<boolean>()(verdict.ok, true);
  expectType<Attest | null>()(verdict.attest, true);
  verifyQuote({
    message: octets,
    signature: octets,
    akPublicKey: 'PEM',
    qualifyingData: octets,
    pcrs: { sha256: { 0: '00', 7: octets } },
    previous: verdict.attest ?? undefined,
    scheme: 'rsapss',
    hash: 'sha1',
  });
  for (const check of verdict.checks) {
    expectType<boolean | null>()(check.ok, true);
    // @ts-expect-error no such check
    if (check.name === 'pcr') return;
  }
  // @ts-expect-error the nonce is missing
  verifyQuote({ message: octets, signature: octets, akPublic: octets });
  // @ts-expect-error not a bank
  verifyQuote({ message: octets, signature: octets, qualifyingData: octets, pcrs: { md5: {} } });
}

export function creations(): void {
  const verdict = verifyCreation({ binding: octets, qualifyingData: octets });
  expectType<'user' | 'machine' | undefined>()(verdict.scope, true);
  verifyCreation({ public: octets, creationData: octets, message: octets, signature: octets });
  // @ts-expect-error neither the parts nor the binding
  verifyCreation({ qualifyingData: octets });
}

export function records(): void {
  const attest = parseAttest(octets);
  if (attest.type === 'quote') {
    expectType<number[] | undefined>()(attest.quote.pcrSelect.sha256, true);
  } else if (attest.type === 'time') {
    expectType<number>()(attest.time.time, true);
  } else {
    // @ts-expect-error of a quote only
    attest.quote;
  }
  const area = parsePublic(octets);
  expectType<boolean>()(area.attributes.fixedTPM, true);
  expectType<KeyObject | undefined>()(area.publicKey, true);
  const made = makeCredential({ ekPublic: octets, akName: area.name, secret: octets });
  expectType<Credential>()(made, true);
  expectType<Credential>()(parseCredential(octets), true);
  const same: typeof BaseError = TpmError;
  void same;
}
