// examples/smoke-test.mjs, the example that everybody is told to run first, as a process of its own.
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { BrokerClient } from './broker_client.mjs';
import { runNode } from './in_windows.mjs';

const script = fileURLToPath(new URL('../../../examples/smoke-test.mjs', import.meta.url));

export const STEPS = [
  ...[
    'identity',
    'capabilities',
    'self test',
    'random',
    'PCRs',
    'PCR extend',
    'NV',
    'sign',
    'seal',
  ],
  ...['provision', 'quote', 'EK', 'activation'],
];

/** @param {object} [options] as runNode takes them; `steps` of the result: those that succeeded */
export async function runSmokeTest(options) {
  const { code, stdout, stderr } = await runNode(script, options);
  const steps = stdout
    .split(/\r?\n/)
    .map((line) => /^✓ (.{12})/.exec(line)?.[1].trim())
    .filter((name) => name !== undefined);
  return { code, steps, stderr };
}

/** Every step succeeds, and leaves nothing open. */
export async function expectWholeSmokeTest() {
  expect(await runSmokeTest()).toEqual({ code: 0, steps: STEPS, stderr: '' });
  const control = await BrokerClient.connect();
  expect(await control.leaks()).toEqual([]);
  expect(await control.loaded()).toEqual({ objects: 0, sessions: 0 });
  control.close();
}
