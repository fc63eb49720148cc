// A user whom the device files refuse, for each tcti in DENIED; "default" stands for none given.
import assert from 'node:assert/strict';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';

for (const name of process.env.DENIED.split(' ')) {
  const options = name === 'default' ? undefined : { tcti: name };

  test(`${name}: denied, with what to do about it`, async () => {
    const error = await Tpm.open(options).then(
      () => assert.fail('opened'),
      (reason) => reason,
    );
    assert.equal(error.name, 'TpmError');
    assert.equal(error.code, 'ACCESS_DENIED');
    assert.match(error.suggestion, /\btss\b/);
  });

  test(`${name}: not available, and no exception`, async () => {
    assert.equal(await Tpm.isAvailable(options), false);
  });
}
