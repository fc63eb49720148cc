// npm run demo: from a fresh clone to a TPM that answers, in one command.

import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { startSwtpm } from '../test/support/swtpm.mjs';
import { Failure, main, onInterrupt, root, run } from './lib/process.mjs';
import { setup } from './setup.mjs';

const kHelp = `usage: npm run demo [-- OPTIONS]

Installs what is missing (after asking), builds the addon, and runs examples/smoke-test.mjs on a
private software TPM that is started for it and ended after it.

  --tcti STRING   use this TPM instead, for example device:/dev/tpmrm0. Nothing is written there:
                  no NV index is defined and no PCR is extended.
  --yes           do not ask before installing packages
  --help          this text
`;

async function demo() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        tcti: { type: 'string' },
        yes: { type: 'boolean', short: 'y' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new Failure(`${error.message}\n\n${kHelp}`);
  }
  if (values.help) {
    console.log(kHelp);
    return 0;
  }
  if (values.tcti === '') throw new Failure('--tcti needs a value, for example device:/dev/tpmrm0');
  // Somebody's own TPM needs no software one beside it.
  await setup({ purpose: values.tcti ? 'build' : 'demo', yes: values.yes });

  const swtpm = values.tcti ? undefined : await startSwtpm();
  const forget = swtpm && onInterrupt(() => swtpm.stop());
  try {
    if (swtpm) console.log(`A private software TPM runs (swtpm, process ${swtpm.pid})\n`);
    else console.log(`Using the TPM at ${values.tcti}; nothing is changed there\n`);
    const env = { NODE_TPM2_TCTI: swtpm?.tcti ?? values.tcti };
    const args = [path.join(root, 'examples/smoke-test.mjs')];
    if (!swtpm) {
      env.NODE_TPM2_DEMO_NONDESTRUCTIVE = '1';
      args.push('--non-destructive');
    }
    const { code } = await run(process.execPath, args, { env, show: true });
    return code;
  } finally {
    await swtpm?.stop();
    forget?.();
    if (swtpm) console.log('\nThe software TPM and its folder are gone again');
  }
}

await main(demo);
