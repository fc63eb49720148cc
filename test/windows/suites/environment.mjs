// Proves the ground that the other suites stand on: Windows' node.exe, the broker, a second
// process, and vitest's names.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrokerClient } from '../lib/broker_client.mjs';
import { runNode, temporaryFolder } from '../lib/in_windows.mjs';

describe('the environment of the suites', () => {
  let control;
  beforeAll(async () => {
    control = await BrokerClient.connect();
  });
  afterAll(() => control.close());

  test('is Windows', () => {
    expect(process.platform).toBe('win32');
    expect(process.arch).toBe('x64');
  });

  test('reaches the broker', async () => {
    await control.change({ securityDescrSupport: 0 });
    expect(await control.settings()).toMatchObject({ securityDescrSupport: 0, tpm: '2.0' });
    await control.reset();
    expect(await control.settings()).toMatchObject({ securityDescrSupport: 1 });
    await expect(control.change({ colour: 1 })).rejects.toThrow(/no setting 'colour'/);
  });

  test('starts a second process with other privileges', async () => {
    const folder = temporaryFolder();
    const script = path.join(folder, 'child.mjs');
    writeFileSync(
      script,
      'console.log(process.env.NODE_TPM2_TEST_ELEVATED); process.exitCode = 3;',
    );
    const { code, stdout } = await runNode(script, { env: { NODE_TPM2_TEST_ELEVATED: '0' } });
    expect({ code, stdout: stdout.trim() }).toEqual({ code: 3, stdout: '0' });
  });

  test.each([
    [1, 2],
    [3, 4],
  ])('passes %i and %i', (first, second) => {
    expect(second - first).toBe(1);
  });
});
