// The addon for Windows' node.exe: as it is released, and as the suites need it.
import fs from 'node:fs';
import path from 'node:path';
import { buildAddon } from '../../../scripts/build-prebuilds.mjs';
import { root } from '../../../scripts/release/shell.mjs';
import { findTarget } from '../../../scripts/release/targets.mjs';

const BUILD = path.join(root, 'build', 'win32-x64-test');

/** release: what ships; test: the same but for one thing, that tests may pretend privileges */
export const addons = {
  release: path.join(BUILD, 'release.node'),
  test: path.join(BUILD, 'test.node'),
};

/** Builds both in one folder, since only one source file differs. */
export async function buildAddons() {
  for (const [name, file] of Object.entries(addons)) {
    const options = { build: BUILD, testSeams: name === 'test' };
    fs.copyFileSync((await buildAddon(findTarget('win32-x64'), options)).file, file);
  }
}
