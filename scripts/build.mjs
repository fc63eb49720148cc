// npm run build [-- --preset NAME] [--yes]: sets the machine up and builds the addon (preset
// release), or another preset of CMakePresets.json.

import { parseArgs } from 'node:util';
import { buildFolder, buildPreset } from './lib/cmake.mjs';
import { main } from './lib/process.mjs';
import { setup } from './setup.mjs';

await main(async () => {
  const { values } = parseArgs({
    options: {
      preset: { type: 'string', default: 'release' },
      yes: { type: 'boolean', short: 'y' },
    },
  });
  const needsTestPackages = !['release', 'bench'].includes(values.preset);
  await setup({ purpose: needsTestPackages ? 'test' : 'build', yes: values.yes });
  if (values.preset !== 'release') await buildPreset(values.preset, { show: true });
  console.log(`Built in ${buildFolder(values.preset)}`);
});
