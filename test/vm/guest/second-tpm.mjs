// A second TPM that can be unplugged: swtpm in the guest behind the kernel's vTPM proxy, which shows
// it as /dev/tpm1 and /dev/tpmrm1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const SECOND_BARE = '/dev/tpm1';
export const SECOND_MANAGED = '/dev/tpmrm1';
const ATTEMPTS = 8;
const UNPLUGGED_WITHIN = 20_000;

/**
 * The kernel gives a new TPM two seconds for its first commands. On a busy host this one, which runs
 * in the emulated machine, may need longer; the kernel then drops it, swtpm ends, and it is tried
 * again. Skips the test when that does not help.
 * @param {import('./scenario.mjs').Context} t
 * @returns {Promise<{ unplug(): Promise<void> }>}
 */
export async function plugSecondTpm(t) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const second = await plug();
    if (second) return second;
  }
  return t.skip(`the kernel gave up on the emulated second TPM ${ATTEMPTS} times: busy host`);
}

async function plug() {
  const state = mkdtempSync('/tmp/second-tpm-');
  const args = ['chardev', '--tpm2', '--vtpm-proxy', '--tpmstate', `dir=${state}`];
  const flags = ['--flags', 'startup-clear,not-need-init', '--seccomp', 'action=none'];
  const swtpm = spawn('swtpm', [...args, ...flags], { stdio: 'ignore' });
  const exited = once(swtpm, 'exit');
  while (!existsSync(SECOND_MANAGED)) {
    if (swtpm.exitCode !== null) return undefined;
    await sleep(20);
  }
  return {
    async unplug() {
      swtpm.kill('SIGKILL');
      await exited;
      for (
        const limit = Date.now() + UNPLUGGED_WITHIN;
        existsSync(SECOND_MANAGED);
        await sleep(20)
      ) {
        if (Date.now() > limit) throw new Error('the second TPM does not go');
      }
    },
  };
}
