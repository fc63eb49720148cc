// What the kernel's device files do, as the transport for them relies on it.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, readSync, writeSync } from 'node:fs';
import { test } from '../guest/scenario.mjs';
import * as tpm from '../guest/tpm-bytes.mjs';

const { commands, exchange, responseCode, responseHandle, RC, BARE, RESOURCE_MANAGED } = tpm;
const RANDOM_ANSWER = 28; // header, size, sixteen bytes

/** Opens the files, gives their descriptors to the body, closes them whatever happens. */
function withOpen(paths, body) {
  const fds = [];
  try {
    for (const path of paths) fds.push(tpm.open(path));
    return body(...fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

// Reads until there is an answer: 0 stands for none yet.
function answerLater(fd) {
  const answer = Buffer.alloc(4096);
  for (;;) {
    const count = readSync(fd, answer);
    if (count > 0) return answer.subarray(0, count);
  }
}

for (const path of [BARE, RESOURCE_MANAGED]) {
  test(`${path} gives random bytes`, async (t) => {
    const answer = await t.call(`${path} GetRandom(16)`, () =>
      tpm.once(path, commands.getRandom(16)),
    );
    assert.equal(responseCode(answer), RC.SUCCESS);
    assert.equal(answer.length, RANDOM_ANSWER);
    assert.deepEqual(t.sent, ['GetRandom']);
  });

  test(`${path} refuses a command while an answer is unread, and gives it in parts`, () => {
    withOpen([path], (fd) => {
      const part = Buffer.alloc(RANDOM_ANSWER);
      assert.equal(readSync(fd, part), 0, 'nothing to read before a command');
      writeSync(fd, commands.getRandom(16));
      assert.throws(() => writeSync(fd, commands.getRandom(16)), { code: 'EBUSY' });
      assert.equal(readSync(fd, part, 0, 10), 10);
      assert.equal(readSync(fd, part, 10, 18), 18);
      assert.equal(part.readUInt32BE(2), RANDOM_ANSWER);
      assert.equal(readSync(fd, part), 0, 'nothing after its end');
    });
  });

  test(`${path} refuses what is too short or too long`, () => {
    withOpen([path], (fd) => {
      assert.throws(() => writeSync(fd, commands.getRandom(16).subarray(0, 5)), { code: 'EINVAL' });
      assert.throws(() => writeSync(fd, commands.getRandom(16).subarray(0, 11)), {
        code: 'EINVAL',
      });
      assert.throws(() => writeSync(fd, Buffer.alloc(4097)), { code: 'E2BIG' });
      assert.equal(responseCode(exchange(fd, commands.getRandom(16))), RC.SUCCESS);
    });
  });
}

test('/dev/tpm0 is for one at a time, /dev/tpmrm0 for any number beside it', () => {
  withOpen([BARE, RESOURCE_MANAGED, RESOURCE_MANAGED], () => {
    assert.throws(() => tpm.open(BARE), { code: 'EBUSY' });
  });
  withOpen([BARE], () => {});
});

test('the resource manager answers in its own layer', () => {
  withOpen([BARE, RESOURCE_MANAGED], (bare, managed) => {
    assert.equal(responseCode(exchange(bare, commands.unknown())), RC.COMMAND_CODE);
    assert.equal(responseCode(exchange(managed, commands.unknown())), RC.KERNEL_COMMAND_CODE);
    assert.equal(
      responseCode(exchange(bare, commands.flushContext(0x80000000))),
      RC.HANDLE_IN_PARAMETER_1,
    );
    assert.throws(() => writeSync(managed, commands.flushContext(0x80000000)), { code: 'EINVAL' });
  });
});

test('without waiting, a command is only queued, and a refusal comes when its answer is read', () => {
  const fd = tpm.open(RESOURCE_MANAGED, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    writeSync(fd, commands.getRandom(16));
    assert.equal(answerLater(fd).length, RANDOM_ANSWER);
    writeSync(fd, commands.flushContext(0x80000000));
    assert.throws(() => answerLater(fd), { code: 'EINVAL' });
  } finally {
    closeSync(fd);
  }
});

test('each client of the resource manager has its own objects, and at most three', async (t) => {
  await t.call('/dev/tpmrm0 two clients, four objects asked for', () =>
    withOpen([RESOURCE_MANAGED, RESOURCE_MANAGED], (one, other) => {
      const codes = [1, 2, 3, 4].map(() => responseCode(exchange(one, commands.createPrimary())));
      assert.deepEqual(codes, [RC.SUCCESS, RC.SUCCESS, RC.SUCCESS, RC.OBJECT_MEMORY]);
      const answer = exchange(other, commands.createPrimary());
      assert.equal(responseCode(answer), RC.SUCCESS);
      assert.equal(responseHandle(answer), 0x80ffffff);
    }),
  );
  assert.ok(
    t.commands.some(({ by }) => by === 'kernel'),
    'the kernel swaps',
  );
  assert.deepEqual(tpm.leftovers(), tpm.NOTHING);
});

test('what is left on /dev/tpm0 stays', () => {
  const answer = tpm.once(BARE, commands.createPrimary());
  assert.deepEqual(tpm.leftovers().objects, [responseHandle(answer)]);
  tpm.once(BARE, commands.flushContext(responseHandle(answer)));
  assert.deepEqual(tpm.leftovers(), tpm.NOTHING);
});

test('what a killed client of /dev/tpmrm0 held goes with it', async () => {
  const holder = fork(new URL('../guest/holder.mjs', import.meta.url), [RESOURCE_MANAGED]);
  const [held] = await once(holder, 'message');
  assert.deepEqual(held, { objects: 1, sessions: 1 });
  assert.equal(tpm.leftovers().savedSessions.length, 1);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.deepEqual(tpm.leftovers(), tpm.NOTHING);
});
