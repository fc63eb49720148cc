// Steps that tests of the emulated provider begin with.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKey, FLAG, finalize, openProvider, setProperty } from './probe.mjs';

/** Asks until the answer is truthy, and returns it: the broker hears of some things a bit later. */
export async function until(what, ask) {
  for (let tries = 0; tries < 1000; tries++) {
    const answer = await ask();
    if (answer) return answer;
    await sleep(20);
  }
  return assert.fail(`waited in vain for ${what}`);
}

/** Opens the provider; it is there. */
export async function provider(probe) {
  const { status, handle } = await openProvider(probe);
  assert.equal(status, 0);
  return handle;
}

/** Makes and finalises an identity key; returns its open handle. */
export async function made(probe, from, name, { flags = FLAG.silent, descriptor } = {}) {
  const { status, handle } = await createKey(probe, from, name, { flags });
  assert.equal(status, 0);
  assert.equal(await setProperty(probe, handle, 'PCP_KEY_USAGE_POLICY', 8), 0);
  if (descriptor) {
    assert.equal(await setProperty(probe, handle, 'Security Descr', descriptor, 4), 0);
  }
  assert.equal(await finalize(probe, handle), 0);
  return handle;
}
