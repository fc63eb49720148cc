// From what the machines sent to lines, counts and a file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {{ runs: object[] }} plan
 * @param {Awaited<ReturnType<import('./machine.mjs').runMachine>>} record
 * @returns {{ result: 'passed' | 'failed' | 'skipped', name: string, reason?: string }[]} every test
 *   that ran, and a failure for each run that did not come to its end or that ran no test
 */
export function outcomes(plan, record) {
  const list = plan.runs.flatMap((run, index) => {
    const tests = record.tests.filter((test) => test.run === index);
    const named = tests.map(({ name, result, reason }) => ({
      name: `${runName(plan, run)}: ${name}`,
      result,
      reason,
    }));
    const reason = runProblem(record.dones[index], tests);
    return reason ? [...named, { name: runName(plan, run), result: 'failed', reason }] : named;
  });
  if (record.problem)
    list.push({ name: `${plan.name}: the machine`, result: 'failed', reason: record.problem });
  return list;
}

/** @param {{ name: string }} plan @param {{ scenario: string, user: string, env: object }} run */
export function runName(plan, { scenario, user, env }) {
  const where = env.TCTI ? ` ${env.TCTI}` : '';
  return `${plan.name} ${scenario} (${user}${where})`;
}

function runProblem(done, tests) {
  if (!done) return 'no result';
  if (done.timedOut) return `killed after its time was up; its output:\n${done.output}`;
  if (done.code !== 0)
    return `exit status ${done.code ?? done.signal}; its output:\n${done.output}`;
  return tests.length === 0 ? 'ran no test' : undefined;
}

/** @param {object} plan @param {object} record @returns {string[]} a line for each counted call */
export function callLines(plan, record) {
  return plan.runs.flatMap((run, index) => {
    const calls = record.calls.filter((call) => call.run === index);
    if (calls.length === 0) return [];
    return [`  ${runName(plan, run)}`, ...calls.map(callLine)];
  });
}

function callLine({ label, commands }) {
  const by = (who) => commands.filter((command) => command.by === who);
  const own = by('caller');
  const extra = [
    [by('kernel').length, 'by the kernel'],
    [by('resubmission').length, 'resubmitted'],
  ];
  const others = extra.filter(([count]) => count > 0).map(([count, what]) => `, +${count} ${what}`);
  return `    ${String(own.length).padStart(3)}  ${label}: ${inShort(own.map(({ name }) => name)) || 'none'}${others.join('')}`;
}

// GetRandom GetRandom GetRandom -> GetRandom x3
function inShort(names) {
  const groups = [];
  for (const name of names) {
    if (groups.at(-1)?.name === name) groups.at(-1).count++;
    else groups.push({ name, count: 1 });
  }
  return groups.map(({ name, count }) => (count > 1 ? `${name} x${count}` : name)).join(' ');
}

/** @param {string} folder @param {object} content */
export function saveReport(folder, content) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(content, null, 2)}\n`);
}
