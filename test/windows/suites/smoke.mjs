// The example that everybody is told to run first, as a process of its own.
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BrokerClient } from '../lib/broker_client.mjs';
import { runNode } from '../lib/in_windows.mjs';

const script = fileURLToPath(new URL('../../../examples/smoke-test.mjs', import.meta.url));
const STEPS = [
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
const stepsOf = (stdout) =>
  stdout
    .split(/\r?\n/)
    .map((line) => /^✓ (.{12})/.exec(line)?.[1].trim())
    .filter((name) => name !== undefined);

describe('examples/smoke-test.mjs', () => {
  test('passes as an administrator, and leaves nothing open', async () => {
    const { code, stdout, stderr } = await runNode(script);
    expect(stderr).toBe('');
    expect(stepsOf(stdout)).toEqual(STEPS);
    expect(code).toBe(0);
    const control = await BrokerClient.connect();
    expect(await control.leaks()).toEqual([]);
    expect(await control.loaded()).toEqual({ objects: 0, sessions: 0 });
    control.close();
  });

  test('as a standard user it comes to the first step that needs an administrator', async () => {
    const { code, stdout, stderr } = await runNode(script, {
      env: { NODE_TPM2_TEST_ELEVATED: '0' },
    });
    expect(code).toBe(1);
    expect(stepsOf(stdout)).toEqual(STEPS.slice(0, STEPS.indexOf('PCR extend')));
    expect(stderr).toMatch(/✗ REQUIRES_ELEVATION: .*0x80280400/);
  });

  test('as a standard user, without what writes: all but activation', async () => {
    const { code, stdout, stderr } = await runNode(script, {
      args: ['--non-destructive'],
      env: { NODE_TPM2_TEST_ELEVATED: '0' },
    });
    const without = ['PCR extend', 'NV', 'activation'];
    expect(stepsOf(stdout)).toEqual(STEPS.filter((name) => !without.includes(name)));
    expect(stderr).toMatch(/✗ REQUIRES_ELEVATION: /);
    expect(code).toBe(1);
  });
});
