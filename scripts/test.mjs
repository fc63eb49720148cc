// npm test: what a contributor runs. Sets the machine up, then runs every stage, also after one
// that failed, and ends with the line `N passed, N failed, N skipped`.

import { closingLine } from './lib/counts.mjs';
import { Failure, main } from './lib/process.mjs';
import { chooseStages, runStages } from './lib/stages.mjs';
import { testStages } from './lib/test-stages.mjs';
import { setup } from './setup.mjs';

const kUsage = `usage: npm test [-- --only STAGE,STAGE] [--list] [--yes]

  --only    these stages instead of all
  --list    the stages
  --yes     do not ask before installing packages
`;

await main(async () => {
  const choice = chooseStages(testStages, kUsage);
  if (!choice) return 0;
  try {
    await setup({ purpose: 'test', yes: choice.yes, addon: false });
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    console.log(
      `\nthe set-up failed, so no test ran\n${closingLine({ passed: 0, failed: 1, skipped: 0 })}`,
    );
    return 1;
  }
  return runStages(choice.chosen);
});
