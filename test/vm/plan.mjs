// Which scenario runs on which machine, as whom. A scenario is a file in scenarios/; those that
// start with "api-" use the package, the others only the kernel's device files.

const RUN_TIMEOUT = 120_000;

/**
 * alice is in the group tss, bob is not: see init for what Debian's udev rules give to that group.
 * @param {string} scenario
 * @param {'root' | 'alice' | 'bob'} user
 * @param {Record<string, string>} [env]
 */
function run(scenario, user, env = {}) {
  return { scenario, user, env, timeout: RUN_TIMEOUT };
}

/** Each is booted once, with a fresh TPM; its runs share that TPM. The last two kill it. */
export const MACHINES = [
  {
    name: 'crb',
    tpm: 'tpm-crb',
    timeout: 270_000,
    runs: [
      run('raw-device', 'root'),
      run('raw-users', 'alice', { ACCESS: 'managed' }),
      run('raw-users', 'bob', { ACCESS: 'none' }),
      run('raw-unplugged', 'root'),
      run('raw-event-log', 'root'),
      run('api-base', 'root'),
      run('api-first-use', 'root'),
      run('raw-leftovers', 'root'),
      run('api-smoke', 'root', { TCTI: 'device:/dev/tpm0' }),
      run('api-smoke', 'alice', { TCTI: 'device:/dev/tpmrm0' }),
      run('raw-leftovers', 'root'),
      run('api-no-rights', 'alice', { DENIED: 'device:/dev/tpm0' }),
      run('api-no-rights', 'bob', { DENIED: 'default device:/dev/tpmrm0 device:/dev/tpm0' }),
      run('api-processes', 'root'),
      run('api-fallback', 'root'),
      run('api-unplugged', 'root'),
      run('api-gone', 'root'),
      run('raw-gone', 'root', { ANSWER: 'EIO' }),
    ],
  },
  {
    name: 'tis',
    tpm: 'tpm-tis',
    timeout: 180_000,
    runs: [
      run('raw-device', 'root'),
      run('raw-event-log', 'root'),
      run('api-smoke', 'root', { TCTI: 'device:/dev/tpmrm0' }),
      run('api-gone', 'root'),
      run('raw-gone', 'root', { ANSWER: 'failure' }),
    ],
  },
];

export function needsAddon({ scenario }) {
  return scenario.startsWith('api-');
}
