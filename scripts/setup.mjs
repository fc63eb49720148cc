// Makes a fresh machine ready: system packages, node_modules, the addon. Everything that is there
// already is left alone, so a second run takes seconds and no network.
//
//   node scripts/setup.mjs [build|demo|test] [--yes]

import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPreset } from './lib/cmake.mjs';
import { checkNode, ensureNodeModules } from './lib/npm.mjs';
import { ensurePackages, packagesFor, toolsFor } from './lib/packages.mjs';
import { Failure, main } from './lib/process.mjs';

export { ensurePackages, missingPackages } from './lib/packages.mjs';

/**
 * @param {{ purpose?: 'build' | 'demo' | 'test', yes?: boolean, addon?: boolean }} [options]
 *   `addon: false` leaves the build to the caller.
 */
export async function setup({ purpose = 'build', yes = false, addon = true } = {}) {
  const started = performance.now();
  checkNode();
  if (process.platform === 'win32') {
    throw new Failure('This builds on Linux (docs/getting-started.md says how Windows is built).');
  }
  await ensurePackages(packagesFor(purpose), { yes, tools: toolsFor(purpose) });
  await ensureNodeModules();
  if (addon) console.log('Building the addon');
  if (addon) await buildPreset('release', { show: true });
  console.log(`Set up (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { yes: { type: 'boolean', short: 'y' } },
    });
    const purpose = positionals[0] ?? 'build';
    if (!['build', 'demo', 'test'].includes(purpose) || positionals.length > 1) {
      throw new Failure('usage: node scripts/setup.mjs [build|demo|test] [--yes]');
    }
    await setup({ purpose, yes: values.yes });
  });
}
