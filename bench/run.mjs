// npm run bench [-- --rounds N --only ROW,ROW --fastest --json --no-build --list]: how fast this is, beside
// the bare socket and ESAPI. docs/performance.md says what the columns mean. Times never fail it.

import os from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPreset } from '../scripts/lib/cmake.mjs';
import { Failure, main, run } from '../scripts/lib/process.mjs';
import { setup } from '../scripts/setup.mjs';
import { report } from './lib/report.mjs';
import { choose, kRows } from './lib/rows.mjs';

const kUsage = `usage: npm run bench [-- options]

  --rounds N   rounds of fresh processes (5)
  --only A,B   these rows; \`own\` and \`old\` choose all that begin so
  --fastest    the tenth percentile of the repetitions instead of their median, for a machine that
               does other work meanwhile
  --json       the results as JSON on standard output
  --no-build   use what is built already
  --list       the rows
  --yes        do not ask before installing packages
`;

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        only: { type: 'string' },
        fastest: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'no-build': { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
      },
    });
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds takes a number');
    return { ...values, rounds, chosen: choose(values.only) };
  } catch (error) {
    throw new Failure(`${error.message}\n\n${kUsage}`);
  }
}

async function machine() {
  const { output } = await run('swtpm', ['--version']);
  const version = /version (\d[\d.]*)/.exec(output)?.[1] ?? 'of unknown version';
  const cpus = os.cpus();
  return {
    swtpm: `swtpm ${version}`,
    node: process.versions.node,
    cores: cpus.length,
    cpu: cpus[0]?.model.trim() ?? 'unknown processor',
    load: os.loadavg(),
  };
}

async function setUp({ json, yes }) {
  if (!json) return setup({ purpose: 'demo', yes });
  // Standard output is for the results alone.
  const script = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url));
  const words = [script, 'demo', ...(yes ? ['--yes'] : [])];
  const { code, output } = await run(process.execPath, words);
  if (code !== 0) throw new Failure(output);
}

await main(async () => {
  const options = parse();
  const { rows, facts } = options.chosen;
  if (options.list) {
    for (const { id, title } of kRows) console.log(`${id.padEnd(14)}${title}`);
    console.log(choose().facts.join('\n'));
    return;
  }
  if (!options['no-build']) {
    await setUp(options);
    if (rows.length > 0) await buildPreset('bench');
  }
  // Not before the addon is built: facts.mjs looks for it as soon as it is loaded.
  const { measure } = await import('./lib/measure.mjs');
  const { measureFacts } = await import('./lib/facts.mjs');
  const say = (text) => process.stderr.write(`${text}\n`);
  const described = await machine();
  const rounds = rows.length > 0 ? options.rounds : 0;
  const share = options.fastest ? 0.1 : 0.5;
  const measured = await measure(rows, rounds, share, say);
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: described,
    rounds,
    share,
    ...measured,
    facts: await measureFacts(facts, say),
  };
  console.log(options.json ? JSON.stringify(results, null, 2) : report(results));
});
