// The release's gate sees what must not be released: looked at with the addon that is built for tests.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gate } from '../../../scripts/release/gate.mjs';
import { root } from '../../../scripts/release/shell.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';

const addon = path.join(root, 'build', 'win32-x64-test', 'node_tpm2.node');
const target = findTarget('win32-x64');
let folder;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-gate-'));
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const problemsOf = async (file, of = target) => (await gate(of, file)).problems;

/** A copy of the addon that `change` was done to. */
function changed(name, change) {
  const file = path.join(folder, name);
  const bytes = fs.readFileSync(addon);
  change(bytes);
  fs.writeFileSync(file, bytes);
  return file;
}

test('an addon in which a test may pretend privileges', async () => {
  const problems = await problemsOf(addon);
  assert.ok(problems.includes('was built for tests (TPM2_TEST_SEAMS)'), String(problems));
});

test('and nothing else is wrong with it but, perhaps, its size', async () => {
  const others = (await problemsOf(addon)).filter(
    (problem) => !/^(was built for tests|has \d+ bytes)/.test(problem),
  );
  assert.deepEqual(others, []);
});

test('another processor', async () => {
  const problems = await problemsOf(addon, findTarget('win32-arm64'));
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
