// npm run test:vm: the scenarios on real kernel devices, in virtual machines without KVM.
//   --yes            install missing Debian packages without asking (as CI=true does)
//   --machine NAME   only that machine (crb, tis)
//   --only TEXT      only the runs whose scenario's name contains that text
//   --raw            only the scenarios that need no addon
//   --update-kernel  look for a newer guest kernel than the cached one
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ADDON, ensureBase, REPO, writeImage } from './lib/image.mjs';
import { ensureKernel } from './lib/kernel.mjs';
import { runMachine } from './lib/machine.mjs';
import { ensurePackages, run as runProgram } from './lib/packages.mjs';
import { callLines, outcomes, runName, saveReport } from './lib/report.mjs';
import { MACHINES, needsAddon } from './plan.mjs';

const RESULTS = join(REPO, 'build', 'vm');

const { values: options } = parseArgs({
  options: {
    yes: { type: 'boolean', default: process.env.CI === 'true' },
    machine: { type: 'string' },
    only: { type: 'string', default: '' },
    raw: { type: 'boolean', default: false },
    'update-kernel': { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main() {
  const plans = choose();
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const runs = plans.flatMap((plan) => plan.runs.map((run) => runName(plan, run)));
    console.log(
      `The virtual machine is made of this machine's own programs, so it needs Linux on x64.`,
    );
    return close(runs.map((name) => ({ name, result: 'skipped' })));
  }

  await ensurePackages({ yes: options.yes });
  const kernel = ensureKernel({ update: options['update-kernel'] });
  const base = ensureBase(kernel);
  if (plans.some((plan) => plan.runs.some(needsAddon)) && !existsSync(ADDON)) {
    console.log('The addon is not built yet: npm run build');
    runProgram(['npm', 'run', 'build'], { cwd: REPO });
  }

  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort());
  rmSync(RESULTS, { recursive: true, force: true });
  const folder = mkdtempSync(join(tmpdir(), 'node-tpm2-vm-image-'));
  try {
    const image = join(folder, 'image.cpio');
    writeImage(base, image);
    return close(await runAll(plans, { vmlinuz: kernel.vmlinuz, image, signal: interrupt.signal }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function choose() {
  const wanted = (run) => run.scenario.includes(options.only) && !(options.raw && needsAddon(run));
  const plans = MACHINES.filter(({ name }) => !options.machine || name === options.machine)
    .map((plan) => ({ ...plan, runs: plan.runs.filter(wanted) }))
    .filter((plan) => plan.runs.length > 0);
  if (plans.length === 0) throw new Error('no run is called that');
  return plans;
}

async function runAll(plans, { vmlinuz, image, signal }) {
  const results = [];
  const report = { machines: [] };
  for (const plan of plans) {
    console.log(`\n${plan.name} (${plan.tpm})`);
    const onTest = ({ run, name, result }) =>
      console.log(`  ${result} ${runName(plan, plan.runs[run])}: ${name}`);
    const record = await runMachine(plan, {
      vmlinuz,
      image,
      results: join(RESULTS, plan.name),
      signal,
      onTest,
    });
    results.push(...outcomes(plan, record));
    report.machines.push({ name: plan.name, tpm: plan.tpm, runs: plan.runs, ...record });
    const { node, kernel } = record.hello ?? {};
    console.log(`  ${(record.ms / 1000).toFixed(1)} s, kernel ${kernel}, node ${node}`);
  }
  saveReport(RESULTS, report);
  console.log('\nTPM commands for each call, as swtpm saw them:');
  for (const [index, plan] of plans.entries())
    console.log(callLines(plan, report.machines[index]).join('\n'));
  return results;
}

function close(results) {
  const of = (result) => results.filter((test) => test.result === result);
  for (const { name, reason } of of('skipped'))
    console.log(`\nskipped ${name}${reason ? `: ${reason}` : ''}`);
  for (const { name, reason } of of('failed')) console.log(`\nFAILED ${name}\n${reason}`);
  const failed = of('failed').length;
  console.log(`\n${of('passed').length} passed, ${failed} failed, ${of('skipped').length} skipped`);
  return failed === 0 ? 0 : 1;
}
