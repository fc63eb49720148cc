#!/usr/bin/env node
// npm run test:windows: the tests that need Windows, in an emulation of it.
//
//   node test/windows/run.mjs [--yes] [NAME...]
//
// Installs what is missing (asks first, unless CI is set or --yes is given), builds the test
// doubles, runs their own tests (doubles/test/*.test.mjs, on the host), builds the addon for Windows
// (in build/win32-x64-test: as it is released, and with the seam that lets a test pretend
// privileges), shows both to the release's gate (release/*.test.mjs, on the host), then runs every
// suite (suites/*.mjs) in Windows' node.exe under Wine, each with a TPM and a broker of its own. NAMEs
// choose by parts of file names. A suite may say in a comment what it wants instead:
//   // @windows { "tbs": "old", "doubles": false, "addon": "release", "ekCertificates": false,
//   //            "env": { "NAME": "value" } }   (in one line)
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closingLine } from '../../scripts/lib/counts.mjs';
import { main, onInterrupt } from '../../scripts/lib/process.mjs';
import { addons, buildAddons } from './lib/addon.mjs';
import { startBroker } from './lib/broker.mjs';
import { BrokerClient } from './lib/broker_client.mjs';
import { buildDoubles } from './lib/build.mjs';
import { prepare } from './lib/packages.mjs';
import { countTap, outline } from './lib/tap.mjs';
import { Wine, windowsPath } from './lib/wine.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HOOK = path.join(HERE, 'lib/vitest_hook.mjs');
const TIMEOUT_MS = 600_000;

const { values: options, positionals } = parseArgs({
  options: { yes: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const total = { passed: 0, failed: 0, skipped: 0 };

const files = (folder, suffix) =>
  readdirSync(path.join(HERE, folder))
    .filter((name) => name.endsWith(suffix))
    .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
    .sort()
    .map((name) => path.join(HERE, folder, name));

function report(title, { code, stdout, stderr }) {
  console.log(`\n${title}`);
  console.log(outline(stdout));
  const counts = countTap(stdout);
  const bad = code !== 0 || counts === null;
  if (bad) console.log(`${stdout}\n${stderr}\n(exit ${code})`);
  if (counts) for (const kind of Object.keys(total)) total[kind] += counts[kind];
  // A run that failed without a failed test to show for it is a failure all the same.
  if (bad && !counts?.failed) total.failed++;
}

function runOnHost(file) {
  return new Promise((resolve, reject) => {
    const args = ['--test-reporter=tap', file];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      output.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output.stderr += chunk;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const ended = new Promise((done) => child.once('close', done));
    const forget = onInterrupt(() => {
      child.kill('SIGTERM'); // it cleans up after itself
      return ended;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      forget();
      resolve({ code: code ?? `signal ${signal}`, ...output });
    });
  });
}

function wishesOf(file) {
  const found = /^\/\/ @windows (\{.*\})$/m.exec(readFileSync(file, 'utf8'));
  return {
    doubles: true,
    tbs: undefined,
    addon: 'test',
    ekCertificates: true,
    env: {},
    ...JSON.parse(found?.[1] ?? '{}'),
  };
}

async function runSuite(wine, folder, file) {
  const { doubles, tbs, addon, ekCertificates, env } = wishesOf(file);
  await wine.useDoubles(folder, { tbs });
  const broker = await startBroker({ ekCertificates });
  try {
    const hook = new URL(`file:///${windowsPath(HOOK).replaceAll('\\', '/')}`).href;
    const result = await wine.run(file, {
      nodeArgs: ['--import', hook, '--test-reporter=tap'],
      env: {
        NODE_TPM2_ADDON: windowsPath(addons[addon]),
        NODE_TPM2_TEST_BROKER: String(broker.port),
        ...env,
      },
      doubles,
      timeoutMs: TIMEOUT_MS,
    });
    report(`${path.basename(file)} (Windows node.exe under Wine)`, result);
    const control = await BrokerClient.connect(broker.port);
    const violations = await control.violations();
    control.close();
    for (const { violation, fn } of violations) console.log(`NOT OK ${fn}: ${violation}`);
    total.failed += violations.length;
  } finally {
    await broker.stop();
  }
}

await main(async () => {
  await prepare(options);
  const doubles = await buildDoubles();
  for (const file of files('doubles/test', '.test.mjs')) {
    report(path.basename(file), await runOnHost(file));
  }
  const suites = files('suites', '.mjs');
  if (suites.length > 0) {
    await buildAddons();
    for (const file of files('release', '.test.mjs')) {
      report(path.basename(file), await runOnHost(file));
    }
    const wine = await Wine.open(doubles);
    try {
      for (const file of suites) await runSuite(wine, doubles, file);
    } finally {
      await wine.close();
    }
  }
  console.log('\nTested against our emulation under Wine; not run on Windows.');
  console.log(closingLine(total));
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});
