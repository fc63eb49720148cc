// How many tests passed, failed and were skipped, from what each kind of runner writes down. A
// runner that failed without naming a test counts as one failure, so that nothing is lost; one that
// ran no test at all counts as a failure too.

import fs from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const kClosingLine = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** @returns {Counts} */
export function add(...all) {
  const sum = (key) => all.reduce((total, counts) => total + counts[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** The line that every one of our runners ends with. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Agrees the counts with the exit code: see the head of this file. */
function settle(counts, code) {
  const { passed, failed, skipped } = counts;
  if (code !== 0 && failed === 0) return { passed, failed: 1, skipped };
  if (code === 0 && passed + failed + skipped === 0) return { passed, failed: 1, skipped };
  return { passed, failed, skipped };
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @returns {Counts} from ctest's --output-junit */
export function fromJunit(file, code) {
  const head = /<testsuite\b[^>]*>/.exec(readIfThere(file) ?? '')?.[0] ?? '';
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures');
  const skipped = number('skipped') + number('disabled');
  return settle({ passed: number('tests') - failed - skipped, failed, skipped }, code);
}

/** @returns {Counts} from GoogleTest's --gtest_output=json: */
export function fromGoogleTest(file, code) {
  const text = readIfThere(file);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of text ? JSON.parse(text).testsuites : []) {
    for (const test of suite.testsuite) {
      if (test.failures?.length) counts.failed++;
      else if (test.result === 'SKIPPED' || test.status === 'NOTRUN') counts.skipped++;
      else counts.passed++;
    }
  }
  return settle(counts, code);
}

/** @returns {Counts & { reasons: string[] }} from vitest's json reporter; why tests were skipped */
export function fromVitest(file, code) {
  const text = readIfThere(file);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const reasons = [];
  for (const suite of text ? JSON.parse(text).testResults : []) {
    // A file that could not even be loaded has no tests to count.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) counts.failed++;
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else {
        counts.skipped++;
        reasons.push(test.fullName);
      }
    }
  }
  return { ...settle(counts, code), reasons };
}

/**
 * What tests that go through many cases in a loop have printed of them: a runner counts each such
 * test as one.
 * @param {string} output  of the tests, or a report that holds it
 * @returns {string[]}
 */
export function caseLines(output) {
  return output.match(/^faults: \d+ cases in .*$/gm) ?? [];
}

/** @returns {Counts} from the closing line of one of our own runners, the last one it printed */
export function fromClosingLine(output, code) {
  const lines = output.split('\n').map((line) => kClosingLine.exec(line.trim()));
  const [, passed, failed, skipped = 0] = lines.findLast(Boolean) ?? [null, 0, 0, 0];
  const counts = { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
  return settle(counts, code);
}

/** @returns {Counts} for a program that is one test */
export function fromExitCode(code) {
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}
