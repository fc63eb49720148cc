// Where the system starts no further thread, open() says so, and the process lives on.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findProgram, root } from '../../scripts/lib/process.mjs';

// Limits are not for root: the program becomes nobody, whose processes are counted.
const program = `
  import { execFileSync } from 'node:child_process';
  import { Tpm } from './index.js';
  await Tpm.isAvailable({ tcti: 'device:/nonexistent' });
  process.setgid('nogroup');
  process.setuid('nobody');
  execFileSync(process.argv[1], ['--pid', String(process.pid), '--nproc=1:1']);
  const seen = [];
  for (const open of [() => Tpm.open(), () => Tpm.isAvailable()]) {
    seen.push(await open().catch(({ code, message, suggestion }) => ({ code, message, suggestion })));
  }
  console.log(JSON.stringify(seen));`;

const prlimit = findProgram('prlimit');
const isRoot = process.getuid() === 0;

test.skipIf(!prlimit || !isRoot)('no thread can be started (skipped without root)', async () => {
  const args = ['--input-type=module', '-e', program, prlimit];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const [opened, available] = JSON.parse(stdout);
  expect(opened.code).toBe('RESOURCE_EXHAUSTED');
  expect(opened.message).toMatch(/starts no thread/);
  expect(opened.suggestion).toMatch(/ulimit -u/);
  expect(available).toBe(false);
});
