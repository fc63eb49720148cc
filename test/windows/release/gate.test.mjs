// The release's gate takes the addon for Windows, and sees what must not be released.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gate } from '../../../scripts/release/gate.mjs';
import { clearTimestamp } from '../../../scripts/release/pe.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';
import { addons } from '../lib/addon.mjs';

const target = findTarget('win32-x64');
let folder;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-gate-'));
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const problemsOf = async (file, of = target) => (await gate(of, file)).problems;

/** A copy of the addon as it is released that `change` was done to. */
function changed(name, change) {
  const file = path.join(folder, name);
  const bytes = fs.readFileSync(addons.release);
  change(bytes);
  fs.writeFileSync(file, bytes);
  return file;
}

test('nothing is wrong with what is released', async () => {
  assert.deepEqual(await problemsOf(addons.release), []);
});

test('an addon in which a test may pretend privileges', async () => {
  assert.deepEqual(await problemsOf(addons.test), ['was built for tests (TPM2_TEST_SEAMS)']);
});

test('another processor', async () => {
  const problems = await problemsOf(addons.release, findTarget('win32-arm64'));
  assert.ok(problems.includes('is for x64'), String(problems));
});

test('no ASLR, no DEP', async () => {
  const file = changed('flags.node', (bytes) => {
    const header = bytes.readUInt32LE(0x3c) + 24; // the optional header, behind signature and COFF header
    bytes.writeUInt16LE(0, header + 70); // DllCharacteristics
  });
  const problems = await problemsOf(file);
  for (const flag of ['dynamicBase', 'highEntropyVa', 'nxCompat']) {
    assert.ok(problems.includes(`has not set ${flag}`), String(problems));
  }
});

test('the time at which it was linked, which makes no two builds the same', async () => {
  const file = changed('time.node', (bytes) => {
    bytes.writeUInt32LE(1_700_000_000, bytes.readUInt32LE(0x3c) + 8);
  });
  assert.deepEqual(await problemsOf(file), ['holds the time at which it was linked']);
  clearTimestamp(file);
  assert.deepEqual(fs.readFileSync(file), fs.readFileSync(addons.release));
});

test("a library that is not the system's", async () => {
  const file = changed('import.node', (bytes) => {
    const at = bytes.indexOf('KERNEL32.dll');
    assert.ok(at > 0);
    bytes.write('LIBGCC64.dll', at, 'latin1');
  });
  const problems = await problemsOf(file);
  assert.ok(
    problems.some((problem) => /^imports from libgcc64\.dll/i.test(problem)),
    String(problems),
  );
});
