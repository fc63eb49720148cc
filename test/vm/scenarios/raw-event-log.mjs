// The machine's event log and the PCRs beside it, copied out for the tests of the log's reader.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from '../guest/scenario.mjs';
import * as tpm from '../guest/tpm-bytes.mjs';

const LOG = '/sys/kernel/security/tpm0/binary_bios_measurements';
const BANKS = { sha1: 0x0004, sha256: 0x000b, sha384: 0x000c, sha512: 0x000d };
const PCR_COUNT = 24;

test('the firmware left an event log', async (t) => {
  const log = readFileSync(LOG);
  assert.match(log.subarray(32, 48).toString('latin1'), /^Spec ID Event03/);
  await t.sendFile('binary_bios_measurements', log);
  await t.sendFile('pcrs.json', JSON.stringify(readPcrs(), null, 2));
});

function readPcrs() {
  return Object.fromEntries(
    Object.entries(BANKS).map(([bank, algorithm]) => [
      bank,
      Object.fromEntries(
        Array.from({ length: PCR_COUNT }, (_, index) => [index, readPcr(algorithm, index)]),
      ),
    ]),
  );
}

// updateCounter, one selection of a three-byte bitmap, the count of digests, one TPM2B_DIGEST.
function readPcr(algorithm, index) {
  const answer = tpm.once(tpm.RESOURCE_MANAGED, tpm.commands.pcrRead(algorithm, [index]));
  assert.equal(tpm.responseCode(answer), tpm.RC.SUCCESS);
  assert.equal(answer.readUInt32BE(24), 1);
  const size = answer.readUInt16BE(28);
  return answer.subarray(30, 30 + size).toString('hex');
}
