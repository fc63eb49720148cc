// The results as a table for a terminal.

import { kContestants } from './rows.mjs';

const kColumns = ['F', 'C', 'O', 'E'];

function number(value, digits) {
  return value === undefined ? '-' : value.toFixed(digits);
}

const microseconds = (value) => number(value, value < 10 ? 2 : value < 100 ? 1 : 0);

function targetText({ kind, of, to, most, measured }) {
  const name = { ratio: `${of}/${to}`, over: `${of}-${to}`, time: 'own' }[kind];
  const unit = kind === 'ratio' ? '' : ' us';
  const value = kind === 'ratio' ? number(measured, 2) : microseconds(measured);
  return `${name} ${value}${unit}, target ${most}${unit}`;
}

function table(rows) {
  const lines = [
    ['', ...kColumns.map((name) => `${name} us`), 'ours/F', 'ours/E', '', 'against the target'],
    ...rows.map((row) => [
      row.title,
      ...kColumns.map((name) => microseconds(row.microseconds[name])),
      number(row.overFloor, 2),
      number(row.overEsapi, 2),
      row.overFloor === undefined && row.overEsapi === undefined ? '' : `(${row.ours})`,
      row.targets.map(targetText).join('; '),
    ]),
  ];
  const left = (column) => column === 0 || column >= lines[0].length - 2;
  const widths = lines[0].map((_, column) =>
    Math.max(...lines.map((cells) => cells[column].length)),
  );
  return lines.map((cells) =>
    cells
      .map((cell, column) =>
        left(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
}

function factLines(facts) {
  const lines = [];
  const loop = facts['event-loop'];
  if (loop) {
    const ms = (value) => `${value.toFixed(1)} ms`;
    lines.push(
      `${loop.queued} RSA keys queued (${loop.madeMeanwhile} made meanwhile): worst fs.readFile ${ms(loop.busy.worstReadFile)} (idle ${ms(loop.idle.worstReadFile)}), target 20 ms`,
      `event-loop delay p99 ${ms(loop.busy.loopDelayP99)} (idle ${ms(loop.idle.loopDelayP99)}), target 1.5 times idle`,
    );
  }
  if (facts.import) {
    const [all, crypto, processor] = ['milliseconds', 'crypto', 'processor'].map((name) =>
      facts.import[name].toFixed(1),
    );
    lines.push(
      `import ${all} ms (of these node:crypto ${crypto} ms; processor time ${processor} ms), target 10 ms`,
    );
  }
  if (facts.size?.skipped) lines.push(`size of the addon: skipped, ${facts.size.skipped}`);
  else {
    for (const { file, bytes } of facts.size ?? []) {
      lines.push(`${file} stripped: ${(bytes / 1e6).toFixed(2)} MB, target 3 MB`);
    }
  }
  return lines;
}

/** @param {object} results as run.mjs gives them with --json */
export function report(results) {
  const { machine, rounds, share, rows, skipped, facts } = results;
  const lines = [
    `${results.date}, ${machine.swtpm}, Node ${machine.node}, ${machine.cores} x ${machine.cpu}, load ${machine.load.map((value) => value.toFixed(1)).join(' ')}`,
  ];
  if (rows.length > 0) {
    lines.push(
      `Microseconds: ${share === 0.5 ? 'the median' : `the ${100 * share}th percentile`} of the repetitions in a round, and the median of ${rounds} rounds; ratios inside a round, then their median.`,
      ...Object.entries(kContestants).map(([name, what]) => `  ${name}  ${what}`),
      '',
      ...table(rows),
    );
  }
  for (const why of Object.values(skipped)) lines.push('', `skipped: ${why}`);
  return [...lines, '', ...factLines(facts)].join('\n').trimEnd();
}
