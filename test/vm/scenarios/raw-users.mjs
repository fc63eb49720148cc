// The rights of the device files: ACCESS says what this user is to have.
import assert from 'node:assert/strict';
import { test } from '../guest/scenario.mjs';
import * as tpm from '../guest/tpm-bytes.mjs';

const { ACCESS } = process.env;

test('/dev/tpmrm0 is for the group tss', () => {
  const use = () => tpm.once(tpm.RESOURCE_MANAGED, tpm.commands.getRandom(16));
  if (ACCESS === 'managed') assert.equal(tpm.responseCode(use()), tpm.RC.SUCCESS);
  else assert.throws(use, { code: 'EACCES' });
});

test('/dev/tpm0 is for the user tss only', () => {
  assert.throws(() => tpm.open(tpm.BARE), { code: 'EACCES' });
});
