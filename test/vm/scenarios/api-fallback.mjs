// A kernel without resource manager, as far as a program can tell: /dev/tpmrm0 is not there.
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';
import { leftovers, NOTHING, RESOURCE_MANAGED } from '../guest/tpm-bytes.mjs';

test('with /dev/tpmrm0 there, it is the one that is taken, without a warning', async () => {
  const tpm = await Tpm.open();
  try {
    const { tcti, warning } = await tpm.info();
    assert.equal(tcti, 'device:/dev/tpmrm0');
    assert.ok(!warning, warning);
  } finally {
    await tpm.close();
  }
});

test('without it /dev/tpm0 is taken, with a warning', async (t) => {
  renameSync(RESOURCE_MANAGED, `${RESOURCE_MANAGED}.away`);
  try {
    const tpm = await Tpm.open();
    try {
      const info = await tpm.info();
      assert.equal(info.tcti, 'device:/dev/tpm0');
      assert.match(info.warning, /tpmrm0/);
      const key = await tpm.keys.create({ type: 'ecc' });
      await t.call('key.sign on /dev/tpm0', () => key.sign(Buffer.alloc(32, 1)));
    } finally {
      await tpm.close();
    }
    assert.deepEqual(leftovers(), NOTHING);
  } finally {
    renameSync(`${RESOURCE_MANAGED}.away`, RESOURCE_MANAGED);
  }
});
