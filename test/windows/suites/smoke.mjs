import { describe, expect, test } from 'vitest';
import { expectWholeSmokeTest, runSmokeTest, STEPS } from '../lib/smoke.mjs';

describe('examples/smoke-test.mjs', () => {
  test('passes as an administrator, and leaves nothing open', expectWholeSmokeTest);

  test('as a standard user it comes to the first step that needs an administrator', async () => {
    const { code, steps, stderr } = await runSmokeTest({ env: { NODE_TPM2_TEST_ELEVATED: '0' } });
    expect(code).toBe(1);
    expect(steps).toEqual(STEPS.slice(0, STEPS.indexOf('PCR extend')));
    expect(stderr).toMatch(/✗ REQUIRES_ELEVATION: .*0x80280400/);
  });

  test('as a standard user, without what writes: all but activation', async () => {
    const { code, steps, stderr } = await runSmokeTest({
      args: ['--non-destructive'],
      env: { NODE_TPM2_TEST_ELEVATED: '0' },
    });
    const without = ['PCR extend', 'NV', 'activation'];
    expect(steps).toEqual(STEPS.filter((name) => !without.includes(name)));
    expect(stderr).toMatch(/✗ REQUIRES_ELEVATION: /);
    expect(code).toBe(1);
  });
});
