// A TPM that has died, its device files still there. ANSWER says what the kernel makes of it: through
// CRB the driver notices; for TIS, QEMU itself answers, with a TPM 1.2 tag and TPM_FAIL.
import assert from 'node:assert/strict';
import { test } from '../guest/scenario.mjs';
import * as tpm from '../guest/tpm-bytes.mjs';

const FAILURE_OF_A_TPM_12 = '00c40000000a00000009';

for (const path of [tpm.RESOURCE_MANAGED, tpm.BARE]) {
  test(`${path} of a dead TPM`, async (t) => {
    await t.killTpm();
    const use = () => tpm.once(path, tpm.commands.getRandom(16));
    if (process.env.ANSWER === 'EIO') assert.throws(use, { code: 'EIO' });
    else assert.equal(use().toString('hex'), FAILURE_OF_A_TPM_12);
  });
}
