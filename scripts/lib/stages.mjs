// Runs stages one after the other, goes on after a failure, and sums up. What a stage prints goes
// to build/test-logs; its end is shown when the stage failed.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { add, closingLine } from './counts.mjs';
import { Failure, onInterrupt, root, run, tail } from './process.mjs';

/**
 * @typedef {import('./counts.mjs').Counts} Counts
 * @typedef {{
 *   log: string,                      the stage's log file
 *   file: (name: string) => string,   a path for a result file beside it
 *   run: typeof run,                  runs a program with the log and the temporary folder
 *   note: (line: string) => void,     a line for the summary: why something was skipped
 * }} StageContext
 * @typedef {{ name: string, about: string, run: (context: StageContext) => Promise<Counts> }} Stage
 */

/** Where the stages' output is kept. */
export const logFolder = path.join(root, 'build', 'test-logs');

const kMostNotes = 12;
const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;

async function runStage(stage) {
  const log = path.join(logFolder, `${stage.name}.log`);
  fs.rmSync(log, { force: true });
  // A folder of the stage's own under the system's, for a unix socket's path has to be short.
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2t-'));
  const removeTemporary = () => fs.rmSync(temporary, { recursive: true, force: true });
  const forget = onInterrupt(removeTemporary);
  const notes = [];
  const problems = [];
  const outputs = [];
  const context = {
    log,
    file: (name) => path.join(logFolder, name),
    note: (line) => notes.push(line),
    run: async (file, args, options = {}) => {
      const env = { TMPDIR: temporary, ...options.env };
      const result = await run(file, args, { log, ...options, env });
      outputs.push(result.output);
      for (const left of result.leftover) problems.push(`left a process behind: ${left}`);
      if (result.timedOut) problems.push(`${file} was ended after ${options.timeout / 1000} s`);
      return result;
    },
  };
  let counts;
  try {
    counts = await stage.run(context);
  } catch (error) {
    problems.push(error instanceof Failure ? error.message : error.stack);
    counts = { passed: 0, failed: 0, skipped: 0 };
  }
  // Ours begin with tpm2 or node-tpm2; what compilers and test runners keep there is theirs.
  for (const entry of fs.readdirSync(temporary)) {
    if (/^(node-)?tpm2/.test(entry)) problems.push(`left a file behind: ${entry}`);
  }
  removeTemporary();
  forget();
  if (counts.failed === 0 && problems.length > 0) counts.failed += 1;
  return { counts, notes, problems, end: tail(outputs.join('\n'), 60), log };
}

function printResult(stage, result, started) {
  const { counts, notes, problems, end, log } = result;
  const verdict = counts.failed > 0 ? 'FAILED' : 'ok';
  console.log(
    `${stage.name.padEnd(12)} ${verdict.padEnd(7)} ${closingLine(counts)}  (${seconds(started)})`,
  );
  for (const note of notes.slice(0, kMostNotes)) console.log(`    ${note}`);
  if (notes.length > kMostNotes) console.log(`    and ${notes.length - kMostNotes} more`);
  if (counts.failed === 0) return;
  const indent = (text) => text.replace(/^/gm, '    | ');
  if (end.trim() !== '' && problems.length === 0) console.log(indent(end));
  for (const problem of problems) console.log(indent(problem));
  console.log(`    all of it: ${path.relative(root, log)}`);
}

/**
 * The command line that both test scripts share.
 * @param {Stage[]} stages
 * @param {string} usage
 * @returns {{ chosen: Stage[], yes: boolean } | undefined} undefined when all is said already
 */
export function chooseStages(stages, usage) {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        list: { type: 'boolean' },
        yes: { type: 'boolean', short: 'y' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new Failure(`${error.message}\n${usage}`);
  }
  if (values.help) console.log(usage);
  if (values.help || values.list) {
    for (const stage of stages) console.log(`${stage.name.padEnd(12)} ${stage.about}`);
    return undefined;
  }
  const wanted = values.only?.flatMap((list) => list.split(',')).filter(Boolean);
  const unknown = wanted?.find((name) => !stages.some((stage) => stage.name === name));
  if (unknown) {
    const names = stages.map((stage) => stage.name).join(', ');
    throw new Failure(`There is no stage ${unknown}. Stages: ${names}`);
  }
  const chosen = wanted ? stages.filter((stage) => wanted.includes(stage.name)) : stages;
  return { chosen, yes: Boolean(values.yes) };
}

/**
 * Runs the stages and prints the summary, whose last line is the plain closing line.
 * @param {Stage[]} stages
 * @returns {Promise<number>} the exit code
 */
export async function runStages(stages) {
  fs.mkdirSync(logFolder, { recursive: true });
  const started = performance.now();
  const results = [];
  for (const stage of stages) {
    const stageStarted = performance.now();
    // Shown while it runs; on a terminal the result takes its place.
    if (process.stdout.isTTY) process.stdout.write(`${stage.name.padEnd(12)} ...\r`);
    const result = await runStage(stage);
    printResult(stage, result, stageStarted);
    results.push({ stage, ...result });
  }
  const total = add(...results.map((result) => result.counts));
  const failed = results.filter((result) => result.counts.failed > 0);
  console.log('');
  if (failed.length > 0) console.log(`failed: ${failed.map((r) => r.stage.name).join(', ')}`);
  console.log(`${stages.length} stages in ${seconds(started)}`);
  console.log(closingLine(total));
  return failed.length > 0 || total.passed === 0 ? 1 : 0;
}
