// The emulated TBS: contexts, virtual handles, blocking, and the faults that can be asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tpm from '../../broker/tpm_commands.mjs';
import { Reader, sized, u8, u16, u32 } from '../../broker/wire.mjs';
import { until } from './keys.mjs';
import { closeContext, NULL_BUFFER, openContext, submit } from './probe.mjs';
import { emulatedWindows } from './setup.mjs';

const GET_RANDOM = Buffer.from('80010000000c0000017b0008', 'hex');
const BLOCKED = '80010000000a80280400';
const windows = emulatedWindows();

const bare = (code, ...parts) => {
  const rest = Buffer.concat(parts);
  return Buffer.concat([u16(0x8001), u32(10 + rest.length), u32(code), rest]);
};
const flush = (handle) => bare(0x165, u32(handle));
const readPublic = (handle) => bare(0x173, u32(handle));
const startSession = (type) =>
  bare(
    ...[0x176, u32(0x40000007), u32(0x40000007), sized(Buffer.alloc(16))],
    ...[u16(0), u8(type), u16(0x10), u16(0xb)],
  );

async function context(probe) {
  const { status, handle } = await openContext(probe);
  assert.equal(status, 0);
  return handle;
}
const through = (probe, handle) => async (bytes) => (await submit(probe, handle, bytes)).response;

// A key under the SRK, loaded in that context; returns its virtual handle and public area.
async function loadKey(probe, handle) {
  const send = through(probe, handle);
  const template = tpm.identityTemplate({ type: 'ecc', curve: 3, hash: 0xb });
  const made = await tpm.create(send, template, Buffer.alloc(0));
  return { handle: await tpm.load(send, made), publicArea: Buffer.from(made.publicArea) };
}

test('versions and kinds of context', async () => {
  assert.equal((await openContext(windows.user, { version: 1 })).status, 0x8028400f);
  assert.equal((await openContext(windows.user, { version: 2, flags: 2 })).status, 0x8028400f);
  assert.equal((await openContext(windows.user, { version: 3 })).status, 0x80284007);
  const handle = await context(windows.user);
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).response.length, 20);
  assert.equal(await closeContext(windows.user, handle), 0);
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).status, 0x80284004);
  await windows.control.change({ tpm: '1.2' });
  assert.equal((await openContext(windows.user)).status, 0x8028400f);
});

test('a context belongs to its process', async () => {
  const handle = await context(windows.user);
  assert.equal((await submit(windows.admin, handle, GET_RANDOM)).status, 0x80284004);
  assert.equal(await closeContext(windows.admin, handle), 0x80284004);
  windows.expectedViolations = ['a context was closed that is not open'];
  assert.equal(await closeContext(windows.user, handle), 0);
});

test('too many contexts', async () => {
  await windows.control.change({ maxContexts: 1 });
  const handle = await context(windows.user);
  assert.equal((await openContext(windows.user)).status, 0x80284009);
  await closeContext(windows.user, handle);
});

test('no TPM', async () => {
  await windows.control.change({ tpm: 'absent' });
  assert.equal((await openContext(windows.user)).status, 0x8028400f);
  assert.equal((await windows.user.call('Tbsi_GetDeviceInfo', 16)).status, 0x8028400f);
});

test('device information', async () => {
  const { status, values } = await windows.user.call('Tbsi_GetDeviceInfo', 16);
  assert.equal(status, 0);
  assert.deepEqual([values[0].readUInt32LE(0), values[0].readUInt32LE(4)], [1, 2]);
  assert.equal((await windows.user.call('Tbsi_GetDeviceInfo', 8)).status, 0x80284002);
});

test('malformed submissions', async () => {
  const handle = await context(windows.user);
  const wrongSize = Buffer.from(GET_RANDOM);
  wrongSize[5] = 11;
  assert.equal((await submit(windows.user, handle, wrongSize)).status, 0x80284002);
  assert.equal((await submit(windows.user, handle, Buffer.alloc(0))).status, 0x80284002);
  const elsewhere = await submit(windows.user, handle, GET_RANDOM, { locality: 1 });
  assert.equal(elsewhere.status, 0x80284002);
  await closeContext(windows.user, handle);
});

test('more objects than the TPM has slots, in two contexts at once', async () => {
  const contexts = [await context(windows.user), await context(windows.user)];
  const keys = [];
  for (let i = 0; i < 5; i++) {
    for (const handle of contexts)
      keys.push({ in: handle, ...(await loadKey(windows.user, handle)) });
  }
  for (const key of keys) {
    assert.equal(key.handle >>> 16, 0x80ff);
    const { response } = await submit(windows.user, key.in, readPublic(key.handle));
    const reader = new Reader(response);
    reader.take(10);
    assert.deepEqual(reader.sized(), key.publicArea);
  }
  for (const handle of contexts) assert.equal(await closeContext(windows.user, handle), 0);
  assert.deepEqual(await windows.control.loaded(), { objects: 0, sessions: 0 });
});

test("another context's object and an unknown one: in-band 80280401", async () => {
  const [mine, other] = [await context(windows.user), await context(windows.user)];
  await loadKey(windows.user, other);
  const key = await loadKey(windows.user, other); // its virtual number exists in `other` alone
  for (const handle of [key.handle, 0x80ffffff]) {
    const { status, response } = await submit(windows.user, mine, readPublic(handle));
    assert.equal(status, 0);
    assert.equal(response.toString('hex'), '80010000000a80280401');
  }
  assert.equal((await submit(windows.user, mine, flush(key.handle))).rc, 0x80280401);
  assert.equal((await submit(windows.user, other, flush(key.handle))).rc, 0);
  assert.equal((await submit(windows.user, other, readPublic(key.handle))).rc, 0x80280401);
  await closeContext(windows.user, mine);
  await closeContext(windows.user, other);
});

test('sessions keep their handles, are swapped, and belong to one context', async () => {
  const [mine, other] = [await context(windows.user), await context(windows.user)];
  const sessions = [];
  for (let i = 0; i < 5; i++) {
    const { rc, response } = await submit(windows.user, mine, startSession(1));
    assert.equal(rc, 0);
    sessions.push(response.readUInt32BE(10));
  }
  for (const session of sessions) {
    assert.equal(session >>> 24, 3);
    const digest = bare(0x189, u32(session));
    assert.equal((await submit(windows.user, mine, digest)).rc, 0);
    assert.equal((await submit(windows.user, other, digest)).rc, 0x80280401);
  }
  assert.equal((await submit(windows.user, mine, flush(sessions[0]))).rc, 0);
  assert.equal((await windows.control.loaded()).sessions, 4);
  await closeContext(windows.user, mine);
  assert.deepEqual(await windows.control.loaded(), { objects: 0, sessions: 0 });
  await closeContext(windows.user, other);
});

test('what a process that ends held is flushed, and told', async () => {
  const probe = await windows.start({ elevated: '0' });
  const handle = await context(probe);
  await loadKey(probe, handle);
  await submit(probe, handle, startSession(1));
  assert.deepEqual(await windows.control.loaded(), { objects: 1, sessions: 1 });
  await probe.end();
  windows.probes.splice(windows.probes.indexOf(probe), 1);
  const leak = await until('the leak', async () => (await windows.control.leaks())[0]);
  assert.deepEqual({ ...leak, pid: 0 }, { pid: 0, contexts: 1, providers: 0, keys: 0 });
  await until('an empty TPM', async () => {
    const { objects, sessions } = await windows.control.loaded();
    return objects + sessions === 0;
  });
});

test('blocked for everybody, for standard users, and for nobody', async () => {
  const probes = { user: windows.user, admin: windows.admin };
  const zeros = Buffer.alloc(8);
  const commands = {
    startup: [bare(0x144, u16(0)), 'user', 'admin'],
    contextSave: [bare(0x162, u32(0x80ff0001)), 'user', 'admin'],
    encryptDecrypt: [bare(0x164, zeros), 'user', 'admin'],
    encryptDecrypt2: [bare(0x193, zeros), 'user', 'admin'],
    notImplemented: [bare(0x1ff, zeros), 'user', 'admin'],
    pcrExtend: [bare(0x182, zeros), 'user'],
    nvDefineSpace: [bare(0x12a, zeros), 'user'],
    nvUndefineSpace: [bare(0x122, zeros), 'user'],
    activateCredential: [bare(0x147, zeros), 'user'],
    evictControl: [bare(0x120, zeros), 'user'],
    clear: [bare(0x126, zeros), 'user'],
    policySecretOfEndorsement: [bare(0x151, u32(0x4000000b), zeros), 'user'],
    policySecretOfOwner: [bare(0x151, u32(0x40000001), zeros)],
    getRandom: [GET_RANDOM],
  };
  for (const [who, probe] of Object.entries(probes)) {
    const handle = await context(probe);
    for (const [name, [command, ...blockedFor]] of Object.entries(commands)) {
      const { status, response } = await submit(probe, handle, command);
      const blocked = status === 0 && response.toString('hex') === BLOCKED;
      assert.equal(blocked, blockedFor.includes(who), `${name} as ${who}`);
    }
    await closeContext(probe, handle);
  }
});

test('privileges: by the environment, at any time, and by the control', async () => {
  const probe = windows.admin;
  const handle = await context(probe);
  const blocked = async () =>
    (await submit(probe, handle, bare(0x12a, Buffer.alloc(8)))).rc === 0x80280400;
  assert.equal(await blocked(), false);
  await probe.setEnvironment('NODE_TPM2_TEST_ELEVATED', '0');
  assert.equal(await blocked(), true);
  await probe.setEnvironment('NODE_TPM2_TEST_ELEVATED', 'system');
  assert.equal(await blocked(), false);
  await windows.control.change({ elevated: '0' });
  assert.equal(await blocked(), true);
  await probe.setEnvironment('NODE_TPM2_TEST_ELEVATED', '1');
  await closeContext(probe, handle);
});

test('a buffer that is too small: the command has run', async () => {
  const handle = await context(windows.user);
  const small = await submit(windows.user, handle, startSession(1), { capacity: 20 });
  assert.deepEqual([small.status, small.response], [0x80284005, null]);
  assert.equal(small.size, 32);
  assert.equal((await windows.control.loaded()).sessions, 1);
  await closeContext(windows.user, handle);
});

test('the same by a rule, and a client that submits again is found out', async () => {
  const handle = await context(windows.user);
  const rule = { fn: 'Tbsip_Submit_Command', ordinal: 0x176, nth: 2, tooSmall: true };
  await windows.control.change({ rules: [rule] });
  assert.equal((await submit(windows.user, handle, startSession(1))).status, 0);
  assert.equal((await windows.control.pendingRules()).length, 1);
  assert.equal((await submit(windows.user, handle, startSession(1))).status, 0x80284005);
  assert.deepEqual(await windows.control.pendingRules(), []);
  assert.equal((await windows.control.loaded()).sessions, 2);
  assert.equal((await submit(windows.user, handle, startSession(1))).status, 0);
  windows.expectedViolations = ['a command that had run was submitted again'];
  await closeContext(windows.user, handle);
});

test('statuses, in-band codes and canned responses by rule', async () => {
  const fn = 'Tbsip_Submit_Command';
  const handle = await context(windows.user);
  await windows.control.change({
    rules: [
      { fn, status: 0x80284006 },
      { fn, nth: 2, inBand: 0x80280800 },
      { fn, nth: 3, response: '8001' },
      { fn: 'Tbsi_Context_Create', status: 0x80284008 },
    ],
  });
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).status, 0x80284006);
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).rc, 0x80280800);
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).response.toString('hex'), '8001');
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).rc, 0);
  assert.equal((await openContext(windows.user)).status, 0x80284008);
  await closeContext(windows.user, handle);
  await assert.rejects(windows.control.change({ rules: [{ fn }] }), /needs an effect/);
  await assert.rejects(windows.control.change({ colour: 1 }), /no setting 'colour'/);
});

test('cancelling from another thread, with both outcomes', async () => {
  const other = await windows.user.thread();
  const handle = await context(windows.user);
  const fn = 'Tbsip_Submit_Command';
  for (const [hold, outcome] of [
    ['status', [0x8028400d, null]],
    ['inBand', [0, 0x909]],
  ]) {
    await windows.control.change({ rules: [{ fn, hold }] });
    const held = submit(windows.user, handle, GET_RANDOM);
    await until('the hold', async () => (await windows.control.pendingRules()).length === 0);
    assert.equal((await other.call('Tbsip_Cancel_Commands', handle)).status, 0);
    const { status, rc } = await held;
    assert.deepEqual([status, rc], outcome);
  }
  assert.equal((await submit(windows.user, handle, GET_RANDOM)).rc, 0);
  other.socket.destroy();
  await closeContext(windows.user, handle);
});

test('the log tells who called what', async () => {
  const handle = await context(windows.user);
  await windows.control.clearLog();
  await submit(windows.user, handle, GET_RANDOM);
  const [entry] = await windows.control.log();
  assert.deepEqual(
    { ...entry, pid: 0 },
    {
      ...{ fn: 'Tbsip_Submit_Command', pid: 0, elevated: '0', ordinal: 0x17b, priority: 200 },
      ...{
        context: Number(handle),
        command: GET_RANDOM.toString('hex'),
        responseCode: 0,
        status: 0,
      },
    },
  );
  await closeContext(windows.user, handle);
});

test('the event log: sizes, growth, kinds, and that it agrees with the PCRs', async () => {
  const handle = await context(windows.user);
  const read = async (fn, first, capacity) => {
    const { status, values } = await windows.user.call(fn, first, capacity);
    return { status, bytes: values[0], size: values[1].readUInt32LE() };
  };
  const { status, size } = await read('Tbsi_Get_TCG_Log', handle, NULL_BUFFER);
  assert.equal(status, 0);
  assert.equal((await read('Tbsi_Get_TCG_Log', handle, size - 1)).status, 0x80284005);
  const log = await read('Tbsi_Get_TCG_Log', handle, size);
  assert.deepEqual([log.status, log.bytes.length], [0, size]);
  assert.equal(log.bytes.toString('latin1', 32, 47), 'Spec ID Event03');
  assert.deepEqual((await read('Tbsi_Get_TCG_Log_Ex', 0, size)).bytes, log.bytes);
  assert.equal((await read('Tbsi_Get_TCG_Log_Ex', 1, size)).status, 0x80284011);
  assert.equal((await read('Tbsi_Get_TCG_Log_Ex', 9, size)).status, 0x80284002);

  await windows.control.change({ logSizing: 'insufficient', logGrowths: 1 });
  const short = await read('Tbsi_Get_TCG_Log', handle, NULL_BUFFER);
  assert.deepEqual([short.status, short.size], [0x80284005, size - 1]);
  assert.equal((await read('Tbsi_Get_TCG_Log', handle, short.size)).status, 0x80284005);
  assert.equal((await read('Tbsi_Get_TCG_Log', handle, NULL_BUFFER)).size, size);
  await windows.control.change({ logStatus: 0x80284001 });
  assert.equal((await read('Tbsi_Get_TCG_Log_Ex', 0, size)).status, 0x80284001);

  const { createHash } = await import('node:crypto');
  const { parseLog } = await import('../../broker/event_log.mjs');
  let expected = Buffer.alloc(32);
  for (const { pcr, type, digests } of parseLog(log.bytes)) {
    if (pcr !== 0 || type === 3) continue;
    expected = createHash('sha256').update(expected).update(digests.get(0xb)).digest();
  }
  assert.deepEqual(await tpm.readPcr(through(windows.user, handle), 0xb, 0), expected);
  await closeContext(windows.user, handle);
});

test('owner authorisation is not to be had, and revoking attestation is never right', async () => {
  for (const [probe, expected] of [
    [windows.admin, 0x80284015],
    [windows.user, 0x80284012],
  ]) {
    const handle = await context(probe);
    assert.equal((await probe.call('Tbsi_Get_OwnerAuth', handle, 13, 64)).status, expected);
    await closeContext(probe, handle);
  }
  assert.equal((await windows.admin.call('Tbsi_Revoke_Attestation')).status, 0x80284012);
  windows.expectedViolations = ['Tbsi_Revoke_Attestation makes the platform unattestable'];
});

test("Wine's own tbs.dll knows no TPM, and is no double", async () => {
  const probe = await windows.start({ doubles: false });
  assert.equal((await openContext(probe)).status, 0x8028400f);
  assert.equal((await probe.call('Tbsi_GetDeviceInfo', 16)).status, 0x8028400f);
  assert.equal((await probe.call('marker', Buffer.from('tbs.dll'))).status, 1);
});

test('an old Windows lacks the later exports of tbs.dll', async () => {
  await windows.wine.useDoubles(windows.folder, { tbs: 'old' });
  try {
    const probe = await windows.start({ elevated: '0' });
    const missing = 0xdead0001; // the probe's word for it
    assert.equal((await probe.call('Tbsi_GetDeviceInfo', 16)).status, missing);
    assert.equal((await probe.call('Tbsi_Get_TCG_Log_Ex', 0, NULL_BUFFER)).status, missing);
    const handle = await context(probe);
    const asked = await probe.call('Tbsi_Get_TCG_Log', handle, NULL_BUFFER);
    assert.equal(asked.status, 0);
    await closeContext(probe, handle);
  } finally {
    await windows.wine.useDoubles(windows.folder);
  }
});

test('a process that ends while its command is held leaves nothing behind', async () => {
  const probe = await windows.start({ elevated: '0' });
  const handle = await context(probe);
  await windows.control.change({ rules: [{ fn: 'Tbsip_Submit_Command', hold: 'status' }] });
  const held = submit(probe, handle, GET_RANDOM);
  held.catch(() => {});
  await until('the hold', async () => (await windows.control.pendingRules()).length === 0);
  probe.started.child.kill('SIGKILL');
  await assert.rejects(held, /the probe is gone/);
  await probe.end();
  windows.probes.splice(windows.probes.indexOf(probe), 1);
  const leak = await until('the leak', async () => (await windows.control.leaks())[0]);
  assert.equal(leak.contexts, 1);
});
