// npm run test:vm: the scenarios on real kernel devices, in virtual machines without KVM.
//   --yes            install missing Debian packages without asking (as CI=true does)
//   --machine NAME   only that machine (crb, tis)
//   --only TEXT      only the runs whose scenario's name contains that text
//   --no-build       take the addon as it is built, instead of bringing it up to date
//   --raw            only the scenarios that need no addon
//   --update-kernel  look for a newer guest kernel than the cached one
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closingLine } from '../../scripts/lib/counts.mjs';
import { ensurePackages } from '../../scripts/lib/packages.mjs';
import { Failure, main, onInterrupt, root } from '../../scripts/lib/process.mjs';
import { setup } from '../../scripts/setup.mjs';
import { ensureBase, writeImage } from './lib/image.mjs';
import { ensureKernel } from './lib/kernel.mjs';
import { runMachine } from './lib/machine.mjs';
import { callLines, outcomes, runName, saveReport } from './lib/report.mjs';
import { MACHINES, needsAddon } from './plan.mjs';

const PACKAGES = ['qemu-system-x86', 'busybox-static', 'swtpm', 'binutils', 'util-linux'];
const RESULTS = join(root, 'build', 'vm');

const { values: options } = parseArgs({
  options: {
    yes: { type: 'boolean', short: 'y' },
    machine: { type: 'string' },
    only: { type: 'string', default: '' },
    'no-build': { type: 'boolean', default: false },
    raw: { type: 'boolean', default: false },
    'update-kernel': { type: 'boolean', default: false },
  },
});

await main(async () => {
  const plans = choose();
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log("The guest is made of this machine's own programs, so this needs Linux on x64.");
    const names = plans.flatMap((plan) => plan.runs.map((run) => runName(plan, run)));
    return close(names.map((name) => ({ name, result: 'skipped', reason: 'needs Linux on x64' })));
  }

  const { yes } = options;
  const build = !options['no-build'] && plans.some((plan) => plan.runs.some(needsAddon));
  if (build) await setup({ purpose: 'build', yes });
  await ensurePackages(PACKAGES, { yes, tools: ['qemu-system-x86_64', 'busybox', 'swtpm'] });
  const kernel = await ensureKernel({ update: options['update-kernel'] });
  const base = await ensureBase(kernel);

  rmSync(RESULTS, { recursive: true, force: true });
  const folder = mkdtempSync(join(tmpdir(), 'node-tpm2-vm-image-'));
  const clearUp = () => rmSync(folder, { recursive: true, force: true });
  onInterrupt(clearUp);
  try {
    const image = join(folder, 'image.cpio');
    await writeImage(base, image);
    return close(await runAll(plans, { vmlinuz: kernel.vmlinuz, image }));
  } finally {
    clearUp();
  }
});

function choose() {
  const wanted = (run) => run.scenario.includes(options.only) && !(options.raw && needsAddon(run));
  const plans = MACHINES.filter(({ name }) => !options.machine || name === options.machine)
    .map((plan) => ({ ...plan, runs: plan.runs.filter(wanted) }))
    .filter((plan) => plan.runs.length > 0);
  if (plans.length === 0) throw new Failure('No run is called that.');
  return plans;
}

async function runAll(plans, { vmlinuz, image }) {
  const outcomesOfAll = [];
  const machines = [];
  for (const plan of plans) {
    console.log(`\n${plan.name} (${plan.tpm})`);
    const onTest = ({ run, name, result }) =>
      console.log(`  ${result} ${runName(plan, plan.runs[run])}: ${name}`);
    const results = join(RESULTS, plan.name);
    const record = await runMachine(plan, { vmlinuz, image, results, onTest });
    outcomesOfAll.push(...outcomes(plan, record));
    machines.push({ ...plan, ...record });
    const { node, kernel } = record.hello ?? {};
    console.log(`  ${(record.ms / 1000).toFixed(1)} s, kernel ${kernel}, node ${node}`);
  }
  saveReport(RESULTS, { machines });
  console.log('\nTPM commands for each call, as swtpm saw them:');
  for (const line of machines.flatMap((machine) => callLines(machine, machine))) console.log(line);
  return outcomesOfAll;
}

function close(tests) {
  const those = (result) => tests.filter((test) => test.result === result);
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(those);
  for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
  for (const { name, reason } of failed) console.log(`\nFAILED ${name}\n${reason}`);
  const counts = { passed: passed.length, failed: failed.length, skipped: skipped.length };
  console.log(`\n${closingLine(counts)}`);
  return counts.failed === 0 ? 0 : 1;
}
