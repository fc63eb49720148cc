// npm run test:packages [-- --all] [--keep] [--yes]: what is published works where it is installed.
//
// Builds the release binaries, packs everything, installs the tarballs into empty folders without
// a registry, and runs the smoke test from there in every way that this machine has. --all builds
// and packs all six platforms; without it only those whose binary is run here. docs/platforms.md
// has the table of what that covers.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { buildPrebuild } from '../../scripts/build-prebuilds.mjs';
import { ensurePackages } from '../../scripts/lib/packages.mjs';
import { main, onInterrupt, run } from '../../scripts/lib/process.mjs';
import { gate } from '../../scripts/release/gate.mjs';
import { pack } from '../../scripts/release/pack.mjs';
import { ensureBuildPackages, must, root } from '../../scripts/release/shell.mjs';
import { findTarget, targets } from '../../scripts/release/targets.mjs';
import { setup } from '../../scripts/setup.mjs';
import { startSwtpm } from '../support/swtpm.mjs';
import { Checks, expect } from './lib/checks.mjs';
import { checkContents } from './lib/contents.mjs';
import { checkMissing, checkRuns } from './lib/runs.mjs';

const kPackages = [
  'swtpm',
  'musl',
  'qemu-user-static',
  'libc6-arm64-cross',
  'libgcc-s1-arm64-cross',
  'libstdc++6-arm64-cross',
];
/** Those that are run each time; the others are built with --all, and by a release. */
const kRun = ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu'];

async function buildAll(checks, chosen) {
  const built = [];
  for (const target of chosen) {
    await checks.check(`${target.name} is built and fit for release`, async () => {
      const { summary, openssl } = await buildPrebuild(target);
      built.push({ target, openssl });
      return `${summary}, OpenSSL ${openssl.version}`;
    });
  }
  return built;
}

/** Programs that are here anyway, none of which could be released as the addon. */
const kUnfit = [
  {
    file: process.execPath,
    target: 'linux-x64-gnu',
    reasons: [
      / bytes, allowed are /,
      /^does not export napi_register/,
      /^exports /,
      /^needs libstdc\+\+/,
      /^needs the system's C\+\+ library/,
    ],
  },
  { file: process.execPath, target: 'linux-arm64-gnu', reasons: [/^is for /] },
  { file: process.execPath, target: 'linux-x64-musl', reasons: [/^needs libc\.so\.6/] },
  { file: '/usr/bin/env', target: 'linux-x64-gnu', reasons: [/^needs GLIBC_2\.\d+, allowed is /] },
];

/** What it would take from node, from glibc's private parts, and from a glibc newer than allowed. */
const kUnfitSource = `
  extern int HMAC_CTX_new(void), uv_run(void), _ZN4node4StopEv(void), __libc_fatal(const char*);
  extern int __attribute__((weak)) EVP_MD_fetch(void);
  static int number;
  int* relocated = &number;
  int napi_register_module_v1(void) {
    if (EVP_MD_fetch) EVP_MD_fetch();
    return HMAC_CTX_new() + uv_run() + _ZN4node4StopEv() + __libc_fatal("");
  }
`;
const kUnfitReasons = {
  'linux-x64-gnu': [
    /^imports what .*HMAC_CTX_new/,
    /^imports what .*uv_run/,
    /^imports what .*_ZN4node4StopEv/,
    /^imports what .*EVP_MD_fetch/,
    /^needs .*GLIBC_PRIVATE/,
    /^needs .*GLIBC_ABI_DT_RELR/,
    /^is not linked with -z now/,
    /^is not linked with -z nodelete/,
  ],
  'linux-x64-musl': [/^imports what .*HMAC_CTX_new/, /^imports what .*EVP_MD_fetch/],
};

/** @returns {Promise<typeof kUnfit>} the same for a library that is made for it */
async function unfitLibrary(folder) {
  const source = path.join(folder, 'unfit.c');
  const file = path.join(folder, 'unfit.so');
  fs.writeFileSync(source, kUnfitSource);
  const flags = ['-O1', '-shared', '-fPIC', '-Wl,-z,lazy', '-Wl,-z,pack-relative-relocs'];
  await must('cc', [...flags, '-o', file, source]);
  return Object.entries(kUnfitReasons).map(([target, reasons]) => ({ file, target, reasons }));
}

async function checkGate(work) {
  for (const { file, target, reasons } of [...kUnfit, ...(await unfitLibrary(work))]) {
    const { problems } = await gate(findTarget(target), file);
    const unseen = reasons.filter((reason) => !problems.some((problem) => reason.test(problem)));
    expect(unseen.length === 0, `it did not see ${unseen} of ${target} in ${problems}`);
  }
}

/** A command that has to end with 0 on a software TPM of its own. */
function onSwtpm(folder) {
  return async ([file, ...args], { env, expectOutput } = {}) => {
    const swtpm = await startSwtpm();
    const forget = onInterrupt(() => swtpm.stop());
    try {
      const { code, output, leftover } = await run(file, args, {
        cwd: folder,
        env: { NODE_TPM2_TCTI: swtpm.tcti, ...env },
        timeout: 180_000,
      });
      if (code !== 0) throw new Error(`ended with ${code}:\n${output}`);
      if (leftover.length > 0) throw new Error(`left running: ${leftover.join(', ')}`);
      if (expectOutput && !expectOutput.test(output)) {
        throw new Error(`did not print ${expectOutput}:\n${output}`);
      }
      return output;
    } finally {
      await swtpm.stop();
      forget();
    }
  };
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean' },
      keep: { type: 'boolean' },
      yes: { type: 'boolean', short: 'y' },
    },
  });
  await setup({ purpose: 'build', yes: values.yes, addon: false });
  const chosen = targets.filter((target) => values.all || kRun.includes(target.name));
  await ensureBuildPackages(chosen, { yes: values.yes });
  const tools = ['swtpm', 'qemu-aarch64-static'];
  await ensurePackages(kPackages, { yes: values.yes, tools });

  const checks = new Checks();
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-packages-'));
  const clean = () => values.keep || fs.rmSync(work, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    await checks.check('the gate refuses a binary that is not fit', () => checkGate(work));
    const built = await buildAll(checks, chosen);
    for (const target of targets.filter((each) => !chosen.includes(each))) {
      checks.skip(target.name, 'built with --all and by a release only');
    }
    let tarballs;
    await checks.check('everything packs', async () => {
      tarballs = await pack(path.join(work, 'tarballs'), built);
    });
    if (tarballs && built.length > 0) {
      const opensslVersion = built[0].openssl.version;
      await checkContents(checks, tarballs, work, built);
      await checkRuns(checks, { tarballs, opensslVersion }, work, onSwtpm, root);
      await checkMissing(checks, { tarballs }, work);
    }
  } finally {
    clean();
    forget();
    if (values.keep) console.log(`kept: ${work}`);
  }
  return checks.finish();
});
