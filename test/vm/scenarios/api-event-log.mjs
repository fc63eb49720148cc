// The event log as the package reads it, against the PCRs of the same machine.
import assert from 'node:assert/strict';
import { Tpm } from 'node-tpm2';
import { replayEventLog } from 'node-tpm2/verifier';
import { test } from '../guest/scenario.mjs';

const KERNELS_OWN = '10'; // IMA's, which the firmware's log does not have
const APPLICATIONS = '16'; // other scenarios extend it

test('the log replays to the PCRs, in every bank', async (t) => {
  const tpm = await Tpm.open();
  try {
    const log = await t.call('eventLog', () => tpm.eventLog());
    assert.equal(log.format, 'crypto-agile');
    assert.ok(log.events.length > 1);
    const replayed = replayEventLog(log);
    assert.deepEqual(Object.keys(replayed).sort(), [...log.banks].sort());
    for (const [bank, values] of Object.entries(replayed)) {
      const indices = Object.keys(values).filter(
        (index) => index !== KERNELS_OWN && index !== APPLICATIONS,
      );
      assert.ok(indices.length >= 8, `${bank}: ${indices}`);
      const pcrs = await tpm.pcr.read(indices.map(Number), bank);
      for (const index of indices) assert.equal(values[index], pcrs[index], `${bank} PCR ${index}`);
    }
  } finally {
    await tpm.close();
  }
});
