// The addon for Windows' node.exe, as it ships but for one thing: tests may pretend privileges.
import path from 'node:path';
import { buildAddon } from '../../../scripts/build-prebuilds.mjs';
import { root } from '../../../scripts/release/shell.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';

/** @returns {Promise<string>} the file */
export async function buildTestAddon() {
  const build = path.join(root, 'build', 'win32-x64-test');
  const { file } = await buildAddon(findTarget('win32-x64'), { build, testSeams: true });
  return file;
}
