// A TPM that is unplugged under an open connection, and plugged in again.
import assert from 'node:assert/strict';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';
import { plugSecondTpm, SECOND_BARE, SECOND_MANAGED } from '../guest/second-tpm.mjs';

const LOST = ['TRANSPORT_ERROR', 'TPM_UNAVAILABLE'];

for (const path of [SECOND_MANAGED, SECOND_BARE]) {
  const tcti = `device:${path}`;

  test(`${path}: an error while it is gone, and a new connection once it is back`, async (t) => {
    let second = await plugSecondTpm(t);
    const tpm = await Tpm.open({ tcti });
    try {
      const key = await tpm.keys.create({ type: 'ecc' });
      await key.sign(Buffer.alloc(32, 1));
      await second.unplug();
      const error = await key.sign(Buffer.alloc(32, 1)).then(
        () => assert.fail('signed'),
        (reason) => reason,
      );
      assert.equal(error.name, 'TpmError');
      assert.ok(LOST.includes(error.code), `${error.code}: ${error.message}`);
      assert.equal(await Tpm.isAvailable({ tcti }), false);
    } finally {
      await tpm.close();
    }
    await assert.rejects(Tpm.open({ tcti }), { name: 'TpmError', code: 'TPM_UNAVAILABLE' });

    second = await plugSecondTpm(t);
    try {
      const again = await Tpm.open({ tcti });
      assert.equal((await again.random.bytes(16)).length, 16);
      await again.close();
    } finally {
      await second.unplug();
    }
  });
}
