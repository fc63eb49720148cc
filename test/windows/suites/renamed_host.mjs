// The addon in a program that is not called node.exe, as Electron's are.
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runNode, temporaryFolder } from '../lib/in_windows.mjs';

test('runs in a node.exe of another name', async () => {
  const folder = temporaryFolder();
  const program = path.join(folder, 'host.exe');
  copyFileSync(process.execPath, program);
  const script = path.join(folder, 'script.mjs');
  const addon = new URL('../../../index.js', import.meta.url);
  writeFileSync(
    script,
    `import { Tpm } from ${JSON.stringify(addon)};
    console.log(process.execPath, (await Tpm.randomBytes(8)).length);
    await Tpm.readPublic(0x8101ffff).catch((error) => console.log(error.code));`,
  );
  const { code, stdout, stderr } = await runNode(script, { program });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [first, second] = stdout.trim().split(/\r?\n/);
  expect(first).toMatch(/host\.exe 8$/);
  expect(second).toBe('KEY_NOT_FOUND'); // an exception of the core's came through as an error
});
