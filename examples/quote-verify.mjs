// Remote attestation, both halves in one program: a device proves to a server which TPM it has and
// in what state it booted.
//   node examples/quote-verify.mjs [PCR...]
// PCRs: default 0 1 2 3 4 5 6 7. What stands in `wire` is what would go over the network. On Windows
// an attestation key is made otherwise: docs/verifier.md says what its server checks.
import assert from 'node:assert/strict';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import process from 'node:process';
import { Tpm, TpmError } from 'node-tpm2';
import { makeCredential, parsePublic, verifyQuote } from 'node-tpm2/verifier';

const pcrs = process.argv.slice(2).map(Number);
if (pcrs.length === 0) pcrs.push(0, 1, 2, 3, 4, 5, 6, 7);

const server = {
  /** Enrolment: is there a TPM with this EK, and does it hold this attestation key? */
  challenge({ ekPublic, akPublic }) {
    // A real server also verifies the EK certificate: without it, any EK will do here.
    const { attributes, name } = parsePublic(akPublic);
    assert.ok(attributes.restricted && attributes.sign, 'a restricted signing key');
    assert.ok(attributes.fixedTPM && attributes.sensitiveDataOrigin, 'made in the TPM, for good');
    this.secret = randomBytes(32);
    this.akPublic = akPublic;
    return makeCredential({ ekPublic, akName: name, secret: this.secret });
  },
  enrol(answer) {
    assert.ok(timingSafeEqual(answer, this.secret), 'the key lives in the TPM of the EK');
  },
  /** Each time: a nonce, so that no old quote will do. */
  nonce() {
    this.qualifyingData = randomBytes(32);
    return this.qualifyingData;
  },
  verify(quote) {
    const { akPublic, qualifyingData, previous } = this;
    const verdict = verifyQuote({ ...quote, akPublic, qualifyingData, previous });
    // The verdict says whose values these are; whether they are good ones is this server's business.
    if (verdict.ok) this.previous = verdict.attest;
    return verdict;
  },
};

let tpm;
try {
  tpm = await Tpm.open();
  const keyName = 'node-tpm2-quote-verify';
  const ak = await tpm.attest.provisionAk({ keyName, overwrite: true });
  const wire = [];
  try {
    const ek = await tpm.attest.ek({ type: 'ecc' });
    wire.push({ ekPublic: ek.public, akPublic: ak.export().public });
    const credential = server.challenge(wire.at(-1));
    server.enrol(await ak.activateCredential(credential));
    console.log('✓ enrolled: the attestation key lives in the TPM that owns the EK');

    for (const attempt of ['first', 'second']) {
      const qualifyingData = server.nonce();
      const quote = await ak.quote({ pcrSelection: pcrs, qualifyingData, includePcrs: true });
      const verdict = server.verify(quote);
      const said = verdict.checks.map(({ name, ok }) => `${name} ${ok ?? 'not checked'}`);
      console.log(`${verdict.ok ? '✓' : '✗'} ${attempt} quote of PCRs ${pcrs}: ${said.join(', ')}`);
      if (!verdict.ok) process.exitCode = 1;
      wire.push(quote);
    }

    // What an attacker could try: another PCR value, an old quote.
    const quote = wire.at(-1);
    const [bank] = Object.keys(quote.pcrs);
    const values = {
      ...quote.pcrs[bank],
      [pcrs[0]]: 'ff'.repeat(quote.pcrs[bank][pcrs[0]].length / 2),
    };
    const altered = server.verify({ ...quote, pcrs: { [bank]: values } });
    server.nonce();
    const replayed = server.verify(quote);
    for (const [what, verdict] of Object.entries({ altered, replayed })) {
      assert.equal(verdict.ok, false);
      const failed = verdict.checks.filter(({ ok }) => ok === false).map(({ name }) => name);
      console.log(`✓ ${what} quote refused: ${failed.join(', ')}`);
    }
  } finally {
    await ak.close();
  }
} catch (error) {
  if (!(error instanceof TpmError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  ${error.suggestion ?? ''}`);
  process.exitCode = 1;
} finally {
  await tpm?.close();
}
