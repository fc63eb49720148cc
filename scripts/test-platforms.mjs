// npm run test:platforms: what is slow, and what needs another system. Each stage is a runner of its
// own, which sees to its own packages and ends with the line `N passed, N failed, N skipped`.

import process from 'node:process';
import { fromClosingLine } from './lib/counts.mjs';
import { checkNode, ensureNodeModules } from './lib/npm.mjs';
import { saidYes } from './lib/packages.mjs';
import { main } from './lib/process.mjs';
import { chooseStages, runStages } from './lib/stages.mjs';

const kUsage = `usage: npm run test:platforms [-- --only STAGE,STAGE] [--list] [--yes]

  --only    these stages instead of all
  --list    the stages
  --yes     let the stages install packages (CI=true says so too)
`;

let yes = false;
const minutes = (count) => count * 60_000;

function runner(name, about, words, timeout) {
  return {
    name,
    about,
    run: async (context) => {
      const args = [...words, ...(yes ? ['--yes'] : [])];
      const { code, output } = await context.run(process.execPath, args, { timeout });
      for (const [, what] of output.matchAll(/^\s*(skipped: .*)$/gm)) context.note(what);
      return fromClosingLine(output, code);
    },
  };
}

const stages = [
  runner('windows', 'the Windows build under Wine', ['test/windows/run.mjs'], minutes(25)),
  runner('vm', "the kernel's devices in a virtual machine", ['test/vm/run.mjs'], minutes(20)),
  runner(
    'packages',
    'the npm packages, installed elsewhere',
    ['test/packages/run.mjs'],
    minutes(30),
  ),
  runner(
    'soak',
    'faults, fuzzers and soak, in short',
    ['scripts/fuzz.mjs', '--short'],
    minutes(15),
  ),
];

await main(async () => {
  const choice = chooseStages(stages, kUsage);
  if (!choice) return 0;
  yes = saidYes(choice);
  checkNode();
  await ensureNodeModules();
  return runStages(choice.chosen);
});
