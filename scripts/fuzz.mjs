// node scripts/fuzz.mjs [--short] [--seconds N] [--only NAME] [--merge] [--yes]
// Builds the fuzzers and runs each for a while, from the corpus in test/fuzz/corpus and what earlier
// runs have found (kept in the build folder). A crash leaves its input in build/fuzz/found.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildFolder, buildPreset } from './lib/cmake.mjs';
import { findProgram, main, root, run, tail } from './lib/process.mjs';

const kShortSeconds = 20;
const kUsualSeconds = 60;

/** Runs one fuzzer. @returns {Promise<{ ok: boolean, line: string, output: string }>} */
async function fuzz(name, seconds, folders) {
  const program = path.join(buildFolder('fuzz'), 'test', 'fuzz', `fuzz_${name}`);
  const args = [
    folders.work,
    folders.corpus,
    `-max_total_time=${seconds}`,
    `-artifact_prefix=${folders.found}/${name}-`,
    '-print_final_stats=1',
    '-timeout=25',
    '-rss_limit_mb=2048',
  ];
  const { code, output } = await run(program, args, { timeout: (seconds + 120) * 1000 });
  const stat = (key) => new RegExp(`stat::${key}:\\s+(\\d+)`).exec(output)?.[1] ?? '?';
  const line = `${name}: ${stat('number_of_executed_units')} runs, ${stat('average_exec_per_sec')} a second`;
  return { ok: code === 0, line, output };
}

/** Puts what is new in the work folder into the committed corpus, as few small files as possible. */
async function merge(name, folders) {
  const program = path.join(buildFolder('fuzz'), 'test', 'fuzz', `fuzz_${name}`);
  await run(program, ['-merge=1', '-max_len=512', folders.corpus, folders.work], {});
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      merge: { type: 'boolean' },
      yes: { type: 'boolean' },
    },
  });
  const seconds = Number(values.seconds ?? (values.short ? kShortSeconds : kUsualSeconds));
  if (!findProgram('clang++')) {
    console.log('skipped: clang is not installed, and libFuzzer comes with it (apt install clang)');
    console.log('0 passed, 0 failed, 1 skipped');
    return 0;
  }
  await buildPreset('fuzz', { show: true });
  const names = fs
    .readdirSync(path.join(root, 'test', 'fuzz'))
    .map((file) => /^fuzz_(\w+)\.cc$/.exec(file)?.[1])
    .filter((name) => name && (!values.only || values.only === name));
  const counts = { passed: 0, failed: 0 };
  for (const name of names) {
    const folders = {
      corpus: path.join(root, 'test', 'fuzz', 'corpus', name),
      work: path.join(buildFolder('fuzz'), 'work', name),
      found: path.join(buildFolder('fuzz'), 'found'),
    };
    for (const folder of Object.values(folders)) fs.mkdirSync(folder, { recursive: true });
    const { ok, line, output } = await fuzz(name, seconds, folders);
    console.log(line);
    counts[ok ? 'passed' : 'failed']++;
    if (!ok) console.log(tail(output, 60));
    if (values.merge) await merge(name, folders);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
  return counts.failed === 0 ? 0 : 1;
});
