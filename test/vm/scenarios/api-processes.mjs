// Several processes with one TPM, and what each leaves behind however it ends.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Tpm } from 'node-tpm2';
import { test } from '../guest/scenario.mjs';
import * as raw from '../guest/tpm-bytes.mjs';

const CLIENT = new URL('../guest/api-client.mjs', import.meta.url);
const BARE_TCTI = `device:${raw.BARE}`;

/** A process that has got to its point; `exited` gives [exit code, signal]. */
async function startClient(...args) {
  const client = fork(CLIENT, args);
  const exited = once(client, 'exit');
  const ready = once(client, 'message');
  await Promise.race([ready, exited.then(([code]) => assert.fail(`client: exit status ${code}`))]);
  return { client, exited };
}

test('two processes use /dev/tpmrm0 at once', async (t) => {
  await t.call('two processes: create, five signs, close', async () => {
    const clients = await Promise.all([startClient('work'), startClient('work')]);
    const exits = await Promise.all(clients.map(({ exited }) => exited));
    assert.deepEqual(exits, [
      [0, null],
      [0, null],
    ]);
  });
  assert.deepEqual(raw.leftovers(), raw.NOTHING);
});

for (const deed of ['hold', 'generate']) {
  test(`kill -9 of a process that is to ${deed} leaves nothing behind`, async () => {
    const { client, exited } = await startClient(deed);
    client.kill('SIGKILL');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    assert.deepEqual(raw.leftovers(), raw.NOTHING);
  });
}

for (const tcti of ['device:/dev/tpmrm0', BARE_TCTI]) {
  test(`a process on ${tcti} that does not close ends by itself and leaves nothing behind`, async () => {
    const { exited } = await startClient('leave', tcti);
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(raw.leftovers(), raw.NOTHING);
  });
}

test('/dev/tpm0 in use by another is an error with a remedy, and works afterwards', async () => {
  const fd = raw.open(raw.BARE);
  try {
    const error = await Tpm.open({ tcti: BARE_TCTI }).then(
      () => assert.fail('opened'),
      (reason) => reason,
    );
    assert.equal(error.name, 'TpmError');
    assert.equal(error.code, 'TRANSPORT_ERROR');
    assert.match(error.suggestion, /tpmrm0/);
    assert.equal(await Tpm.isAvailable({ tcti: BARE_TCTI }), false);
  } finally {
    closeSync(fd);
  }
  const tpm = await Tpm.open({ tcti: BARE_TCTI });
  assert.equal((await tpm.random.bytes(8)).length, 8);
  await tpm.close();
});

test('two handles of one process share /dev/tpm0', async () => {
  const one = await Tpm.open({ tcti: BARE_TCTI });
  const other = await Tpm.open({ tcti: BARE_TCTI });
  await one.random.bytes(8);
  await one.close();
  assert.equal((await other.random.bytes(8)).length, 8);
  await other.close();
  assert.deepEqual(raw.leftovers(), raw.NOTHING);
});
