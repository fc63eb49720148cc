// After a run whose process has ended: what does the TPM still hold?
import assert from 'node:assert/strict';
import { test } from '../guest/scenario.mjs';
import { leftovers, NOTHING } from '../guest/tpm-bytes.mjs';

test('the run before left nothing in the TPM', () => {
  assert.deepEqual(leftovers(), NOTHING);
});
