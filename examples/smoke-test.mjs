// Asks a TPM everything that this package can ask without leaving a trace in it.
//   node examples/smoke-test.mjs [--non-destructive]
// --non-destructive: defines no NV index and extends no PCR.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { Tpm, TpmError } from 'node-tpm2';
import { makeCredential, verifyQuote } from 'node-tpm2/verifier';

const nonDestructive =
  process.argv.includes('--non-destructive') || process.env.NODE_TPM2_DEMO_NONDESTRUCTIVE === '1';
const SCRATCH_INDEX = '0x01800042';
const SCRATCH_PCR = 16; // the debug PCR: anybody may extend and reset it

const hex = (bytes, shown = 16) =>
  `${Buffer.from(bytes).toString('hex', 0, shown)}${bytes.length > shown ? '…' : ''}`;

async function step(name, body) {
  const text = await body();
  console.log(`✓ ${name.padEnd(12)} ${text}`);
}

if (!(await Tpm.isAvailable())) {
  // open() says why, and what to do about it.
  await Tpm.open().catch((error) => {
    console.error(`✗ no TPM: ${error.message}\n  ${error.suggestion ?? ''}`);
    process.exit(1);
  });
}

const tpm = await Tpm.open();
try {
  await step('identity', async () => {
    const info = await tpm.info();
    const kind = info.isVirtual ? 'virtual' : 'hardware';
    return `${info.manufacturer.trim()} ${info.vendorString}, firmware ${info.firmwareVersion}, TPM ${info.spec} rev. ${info.specRevision}, ${kind}, by ${info.tcti}`;
  });
  await step('capabilities', async () => {
    const { algorithms, commands, eccCurves, pcrBanks } = await tpm.capabilities();
    return `${algorithms.length} algorithms, ${commands.length} commands, curves ${eccCurves.join(' ')}, banks ${Object.keys(pcrBanks).join(' ')}`;
  });
  await step('self test', async () => {
    await tpm.selfTest();
    const { clock, resetCount } = await tpm.clock();
    return `passed; clock ${clock} ms, reset ${resetCount} times`;
  });
  await step('random', async () => hex(await tpm.random.bytes(32), 32));
  await step('PCRs', async () => {
    const pcrs = await tpm.pcr.read([0, 7, SCRATCH_PCR]);
    return Object.entries(pcrs)
      .map(([index, digest]) => `${index}=${digest.slice(0, 12)}…`)
      .join(' ');
  });

  if (!nonDestructive) {
    await step('PCR extend', async () => {
      const digest = createHash('sha256').update('node-tpm2 smoke test').digest();
      const before = (await tpm.pcr.read([SCRATCH_PCR]))[SCRATCH_PCR];
      await tpm.pcr.extend(SCRATCH_PCR, digest);
      const after = (await tpm.pcr.read([SCRATCH_PCR]))[SCRATCH_PCR];
      const expected = createHash('sha256').update(before, 'hex').update(digest).digest('hex');
      assert.equal(after, expected);
      await tpm.pcr.reset(SCRATCH_PCR);
      return `${SCRATCH_PCR} -> ${after.slice(0, 12)}…, then reset`;
    });
    await step('NV', async () => {
      const data = Buffer.from('written, read back and removed');
      await tpm.nv.define({ handle: SCRATCH_INDEX, size: data.length });
      try {
        await tpm.nv.write(SCRATCH_INDEX, data);
        const read = await tpm.nv.read(SCRATCH_INDEX);
        assert.deepEqual(read, data);
        return `${SCRATCH_INDEX}: "${read}"`;
      } finally {
        await tpm.nv.undefine(SCRATCH_INDEX);
      }
    });
  }

  await step('sign', async () => {
    const key = await tpm.keys.create({ type: 'ecc', sign: true });
    const message = Buffer.from('a document');
    const signature = await key.sign(createHash('sha256').update(message).digest());
    const good = verify(
      'sha256',
      message,
      { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    );
    assert.ok(good, 'node:crypto accepts the signature');
    return `P-256 signature ${hex(signature)} verifies in node:crypto`;
  });
  await step('seal', async () => {
    const secret = randomBytes(32);
    const blob = await tpm.seal.seal({ data: secret, pcrSelection: [7] });
    assert.deepEqual(await tpm.seal.unseal(blob), secret);
    return `32 bytes bound to PCR 7, as a blob of ${blob.length} bytes, opened again`;
  });

  const ak = await tpm.attest.provisionAk({ keyName: 'node-tpm2-smoke-test', overwrite: true });
  await step('provision', async () => {
    const { asymmetricKeyType } = createPublicKey({
      key: ak.publicKeyDer,
      format: 'der',
      type: 'spki',
    });
    return `restricted ${asymmetricKeyType} attestation key, name ${hex(ak.name)}`;
  });
  await step('quote', async () => {
    const qualifyingData = randomBytes(20);
    const quote = await ak.quote({ pcrSelection: [0, 1, 7], qualifyingData, includePcrs: true });
    // Windows' blobs are no TPM2B_PUBLIC; there the public key alone has to do.
    const akPublic = process.platform === 'win32' ? undefined : ak.export().public;
    const akPublicKey = ak.publicKeyDer;
    const verdict = verifyQuote({ ...quote, akPublicKey, akPublic, qualifyingData });
    assert.ok(verdict.ok, JSON.stringify(verdict.checks));
    const passed = verdict.checks.filter((check) => check.ok).map((check) => check.name);
    return `${quote.scheme}-${quote.hash}, verified: ${passed.join(', ')}`;
  });
  await step('EK', async () => {
    const certificate = await tpm.attest.ekCertificate();
    return certificate ? `certificate of ${certificate.length} bytes` : 'no certificate in NV';
  });
  await step('activation', async () => {
    // The server's half, with the EK that the TPM makes from the standard template; Windows activates
    // with its RSA key.
    const ek = await tpm.attest.ek({ type: process.platform === 'win32' ? 'rsa' : 'ecc' });
    const secret = randomBytes(32);
    const credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
    assert.deepEqual(await ak.activateCredential(credential), secret);
    return 'the attestation key lives in the TPM that owns the EK';
  });
  await ak.close();
} catch (error) {
  if (!(error instanceof TpmError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  ${error.suggestion ?? ''}`);
  process.exitCode = 1;
} finally {
  await tpm.close();
}
