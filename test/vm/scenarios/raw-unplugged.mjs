// A TPM that is unplugged while a program has it open.
import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { test } from '../guest/scenario.mjs';
import { plugSecondTpm, SECOND_BARE, SECOND_MANAGED } from '../guest/second-tpm.mjs';
import * as tpm from '../guest/tpm-bytes.mjs';

for (const path of [SECOND_BARE, SECOND_MANAGED]) {
  test(`${path} gives EPIPE to who has it open, and is gone`, async (t) => {
    const second = await plugSecondTpm(t);
    const fd = tpm.open(path);
    try {
      assert.equal(tpm.responseCode(tpm.exchange(fd, tpm.commands.getRandom(16))), tpm.RC.SUCCESS);
      await second.unplug();
      assert.throws(() => writeSync(fd, tpm.commands.getRandom(16)), { code: 'EPIPE' });
      assert.throws(() => tpm.open(path), { code: 'ENOENT' });
    } finally {
      closeSync(fd);
    }
  });
}
