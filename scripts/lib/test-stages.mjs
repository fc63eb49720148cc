// The stages of `npm test`.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { buildFolder, buildPreset, fixedAddresses } from './cmake.mjs';
import { add, caseLines, fromExitCode, fromGoogleTest, fromJunit, fromVitest } from './counts.mjs';
import { findProgram, root } from './process.mjs';

/** No stage is near this; it is there for a test that hangs. */
const kTimeout = 10 * 60_000;

const inModules = (...names) => path.join(root, 'node_modules', ...names);

function filesBelow(folder, pattern, found = []) {
  if (!fs.existsSync(folder)) return found;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) filesBelow(file, pattern, found);
    else if (pattern.test(entry.name)) found.push(file);
  }
  return found;
}

/** Says how many cases the tests with a loop over faults had, by what they printed. */
function noteCases(context, printed) {
  for (const line of caseLines(printed)) context.note(line);
}

/** Each test in a process of its own: one that crashes does not hide the others. */
async function ctest(context, preset) {
  const junit = context.file(`${preset}.junit.xml`);
  fs.rmSync(junit, { force: true });
  const args = ['--test-dir', buildFolder(preset), '-j2', '--output-on-failure'];
  // What a test that passed has printed is in the report only; by default its first KiB.
  args.push('--no-tests=error', '--output-junit', junit, '--test-output-size-passed', '65536');
  const { code, output } = await context.run('ctest', args, { timeout: kTimeout });
  if (fs.existsSync(junit)) noteCases(context, fs.readFileSync(junit, 'utf8'));
  for (const [, name] of output.matchAll(/ (\S+) \.*\s*\*\*\*Skipped/g)) {
    context.note(`skipped: ${name}`);
  }
  return fromJunit(junit, code);
}

/** All tests in one process, in an order of its own: what a process keeps is looked at as well. */
async function googleTest(context, preset, env, prefix = []) {
  const program = path.join(buildFolder(preset), 'test', 'unit', 'tpm2_unit_tests');
  const json = context.file(`${preset}.gtest.json`);
  fs.rmSync(json, { force: true });
  const words = [...prefix, program, `--gtest_output=json:${json}`, '--gtest_brief=1'];
  words.push('--gtest_shuffle');
  const { code, output } = await context.run(words[0], words.slice(1), { env, timeout: kTimeout });
  noteCases(context, output);
  return fromGoogleTest(json, code);
}

async function vitest(context, name, env) {
  const json = context.file(`${name}.vitest.json`);
  fs.rmSync(json, { force: true });
  const args = [inModules('vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json'];
  args.push(`--outputFile.json=${json}`);
  const { code, output } = await context.run(process.execPath, args, {
    env: { NO_COLOR: '1', ...env },
    timeout: kTimeout,
  });
  noteCases(context, output);
  const { reasons, ...counts } = fromVitest(json, code);
  for (const reason of reasons) context.note(`skipped: ${reason}`);
  return counts;
}

async function lint(context) {
  const biome = inModules('@biomejs', 'biome', 'bin', 'biome');
  const args = [biome, 'check', '--error-on-warnings', '--max-diagnostics=none', '.'];
  const script = fromExitCode(
    (await context.run(process.execPath, args, { env: { NO_COLOR: '1' } })).code,
  );
  const folders = ['src', 'include', 'test', 'bench'];
  const sources = folders.flatMap((name) => filesBelow(path.join(root, name), /\.(cc|h)$/));
  if (!findProgram('clang-format')) {
    context.note('skipped: the C++ format, since clang-format is not installed');
    return add(script, { passed: 0, failed: 0, skipped: 1 });
  }
  const format = await context.run('clang-format', ['--dry-run', '-Werror', ...sources]);
  return add(script, fromExitCode(format.code));
}

const kUbsan = 'print_stacktrace=1:halt_on_error=1';

async function asan(context) {
  await buildPreset('asan', { log: context.log });
  return googleTest(context, 'asan', {
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
    UBSAN_OPTIONS: kUbsan,
  });
}

/**
 * The JS suite with the sanitized addon. Node is not built with ASan, so its run-time comes first
 * by LD_PRELOAD, and leaks are left to the C++ tests: what node keeps to its end is not ours.
 */
async function asanJs(context) {
  await buildPreset('asan', { log: context.log });
  const library = async (name) => {
    const { output } = await context.run('c++', [`-print-file-name=${name}`]);
    return fs.realpathSync(output.trim());
  };
  // libstdc++ too: ASan looks for __cxa_throw when it starts, before the addon brings it in.
  const preload = [await library('libasan.so'), await library('libstdc++.so.6')];
  const addon = path.join(buildFolder('asan'), 'node_tpm2.node');
  const env = {
    NODE_TPM2_ADDON: addon,
    LD_PRELOAD: preload.join(':'),
    ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=1',
    UBSAN_OPTIONS: kUbsan,
  };
  const question = `const { binding, error } = require('./native.cjs');
    const loaded = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
    if (!binding) throw new Error(error.message);
    if (!loaded.includes(${JSON.stringify(addon)})) throw new Error('another addon was loaded');`;
  const { code } = await context.run(process.execPath, ['-e', question], { env });
  if (code !== 0) return fromExitCode(code);
  return vitest(context, 'asan-js', env);
}

async function tsan(context) {
  const prefix = await fixedAddresses();
  await buildPreset('tsan', { log: context.log, prefix });
  const env = { TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1' };
  return googleTest(context, 'tsan', env, prefix);
}

/** @type {import('./stages.mjs').Stage[]} */
export const testStages = [
  {
    name: 'build',
    about: 'the addon, as it is used',
    run: async (context) => {
      await buildPreset('release', { log: context.log });
      return fromExitCode(0);
    },
  },
  {
    name: 'unit',
    about: 'GoogleTest on the C++ core',
    run: async (context) => {
      await buildPreset('dev', { log: context.log });
      return ctest(context, 'dev');
    },
  },
  { name: 'js', about: 'vitest on swtpm', run: (context) => vitest(context, 'js', {}) },
  {
    name: 'types',
    about: 'the type declarations against test/types',
    run: async (context) => {
      const compiler = inModules('typescript', 'bin', 'tsc');
      let counts = { passed: 0, failed: 0, skipped: 0 };
      // As node resolves imports, as bundlers do, for those who tell undefined from absent (of whom
      // node's own types are none), and what the examples do with the API.
      const variants = ['tsconfig', 'tsconfig.bundler', 'tsconfig.exact', 'tsconfig.examples'];
      for (const name of variants) {
        const args = [compiler, '-p', path.join(root, 'test/types', `${name}.json`)];
        counts = add(counts, fromExitCode((await context.run(process.execPath, args)).code));
      }
      return counts;
    },
  },
  { name: 'lint', about: 'biome, clang-format', run: lint },
  { name: 'asan', about: 'C++ tests under ASan, UBSan and LSan', run: asan },
  { name: 'asan-js', about: 'vitest with the addon under ASan and UBSan', run: asanJs },
  { name: 'tsan', about: 'C++ tests under TSan', run: tsan },
  {
    name: 'fuzz',
    about: 'every fuzzer on its corpus',
    run: async (context) => {
      await buildPreset('fuzz', { log: context.log });
      return ctest(context, 'fuzz');
    },
  },
];
