// A second TPM that can be unplugged: swtpm in the guest behind the kernel's vTPM proxy, which shows
// it as /dev/tpm1 and /dev/tpmrm1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const SECOND_BARE = '/dev/tpm1';
export const SECOND_MANAGED = '/dev/tpmrm1';
const START = 20_000;

/** @returns {Promise<{ unplug(): Promise<void> }>} */
export async function plugSecondTpm() {
  const state = mkdtempSync('/tmp/second-tpm-');
  const args = ['chardev', '--tpm2', '--vtpm-proxy', '--tpmstate', `dir=${state}`];
  const flags = ['--flags', 'startup-clear,not-need-init', '--seccomp', 'action=none'];
  const swtpm = spawn('swtpm', [...args, ...flags], { stdio: 'ignore' });
  await until(() => existsSync(SECOND_MANAGED), 'no second TPM appears');
  return {
    async unplug() {
      swtpm.kill('SIGKILL');
      await once(swtpm, 'exit');
      await until(() => !existsSync(SECOND_MANAGED), 'the second TPM does not go');
    },
  };
}

async function until(condition, complaint) {
  for (const limit = Date.now() + START; !condition(); await sleep(20)) {
    if (Date.now() > limit) throw new Error(complaint);
  }
}
