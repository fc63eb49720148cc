// Builds the static, trimmed libcrypto that the release binaries are linked with.
//
//   node scripts/build-openssl.mjs [--tarball FILE] [TARGET...]   default: every target
//   node scripts/build-openssl.mjs --pin                          pin the distribution's newest 3.0
//
// The result of a target is a prefix (lib/libcrypto.a, include/openssl/) in the user's cache
// folder, named by a hash over everything that went into it, and is made only when it is missing.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { main, onInterrupt } from './lib/process.mjs';
import { opensslSource, pinNewest } from './release/openssl-source.mjs';
import { cacheFolder, digest, ensureBuildPackages, must } from './release/shell.mjs';
import { findTarget, targets } from './release/targets.mjs';
import { buildEnvironment, programs } from './release/toolchain.mjs';

// What the core does not use stays out: protocols, loadable modules, old and regional ciphers.
// What it does use: SHA-1/2/3, HMAC, AES, RSA, EC on prime curves, X.509 and CSRs, PEM, PKCS#8,
// the DRBG. Nobody reads its error texts. No configuration file is read and no code is loaded at run time, whatever the
// environment says.
const options = `
  no-shared no-module no-dso no-engine no-static-engine no-legacy no-fips no-autoload-config
  no-pinshared no-async no-filenames no-deprecated no-tests no-ssl no-tls no-dtls no-sock
  no-dgram no-ktls no-ui-console no-comp no-cmp no-cms no-ct no-ts no-ocsp no-srp no-psk no-srtp
  no-rfc3779 no-gost no-dh no-dsa no-ec2m no-sm2 no-sm3 no-sm4 no-aria no-bf no-blake2
  no-camellia no-cast no-chacha no-des no-idea no-md4 no-mdc2 no-ocb no-poly1305 no-rc2 no-rc4
  no-rmd160 no-scrypt no-seed no-siphash no-siv no-whirlpool no-multiblock no-err
`
  .trim()
  .split(/\s+/);
const flags = [
  '-O2',
  '-g0',
  '-fPIC',
  '-fvisibility=hidden',
  '-ffunction-sections',
  '-fdata-sections',
];
// No exception passes through libcrypto, and on Linux the tables for it would be a tenth of the
// addon. Windows needs them to walk any stack.
const flagsOf = (target) =>
  target.os === 'linux'
    ? [...flags, '-fno-unwind-tables', '-fno-asynchronous-unwind-tables']
    : flags;
// Nothing may depend on when or where it was built.
const buildTime = '1700000000';

/**
 * Makes sure that `target`'s libcrypto is there.
 * @param {import('./release/targets.mjs').Target} target
 * @param {{ file?: string, folder?: string }} [options] `file`: the source tarball; `folder`: where
 *   to keep the result, by default the cache
 * @returns {Promise<{ root: string, version: string, sha256: string, isPinned: boolean,
 *   compiler: string, libraries: Record<string, string> }>} the last two as in buildEnvironment()
 */
export async function ensureOpenSsl(target, { file, folder = cacheFolder('openssl') } = {}) {
  mkdirSync(folder, { recursive: true });
  const source = await opensslSource({ file });
  const { env, compiler, identity, libraries } = await buildEnvironment(target);
  const { cc, ar, ranlib, rc } = programs(target);
  const configure = [
    target.openssl.target,
    ...options,
    ...(target.openssl.flags ?? []),
    ...flagsOf(target),
    '--prefix=/nonexistent',
    '--openssldir=/nonexistent',
  ];
  const recipe = {
    source: source.sha256,
    configure,
    compiler: identity,
    programs: [cc, ar, ranlib],
    buildTime,
  };
  const key = digest('sha256', { text: JSON.stringify(recipe) }).slice(0, 24);
  const prefix = path.join(folder, `${target.name}-${key}`);
  const result = { ...source, compiler, libraries, root: prefix };
  if (existsSync(path.join(prefix, 'lib', 'libcrypto.a'))) return result;

  console.log(`building OpenSSL ${source.version} for ${target.name} (${compiler})`);
  const work = mkdtempSync(path.join(folder, 'build-'));
  const log = path.join(folder, `${target.name}.log`);
  rmSync(log, { force: true });
  const clean = () => rmSync(work, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    await must('tar', ['-xzf', source.tarball, '-C', work, '--strip-components=1'], { log });
    const buildEnv = {
      ...env,
      SOURCE_DATE_EPOCH: buildTime,
      CC: cc,
      AR: ar,
      RANLIB: ranlib,
      RC: rc,
    };
    const step = (program, args) => must(program, args, { cwd: work, env: buildEnv, log });
    await step('perl', ['./Configure', ...configure]);
    await step('make', ['-s', 'build_generated']);
    await step('nice', ['-n', '15', 'make', '-s', `-j${cpus().length}`, 'libcrypto.a']);
    const stage = path.join(work, 'stage');
    mkdirSync(path.join(stage, 'lib'), { recursive: true });
    cpSync(path.join(work, 'libcrypto.a'), path.join(stage, 'lib', 'libcrypto.a'));
    cpSync(path.join(work, 'include', 'openssl'), path.join(stage, 'include', 'openssl'), {
      recursive: true,
      filter: (name) => !name.endsWith('.in'),
    });
    cpSync(path.join(work, 'LICENSE.txt'), path.join(stage, 'LICENSE.txt'));
    writeFileSync(path.join(stage, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);
    rmSync(prefix, { recursive: true, force: true });
    renameSync(stage, prefix);
  } finally {
    clean();
    forget();
  }
  return result;
}

async function buildOpenSsl() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tarball: { type: 'string' },
      pin: { type: 'boolean' },
      yes: { type: 'boolean', short: 'y' },
    },
  });
  if (values.pin) {
    const { before, after } = await pinNewest();
    console.log(`pinned OpenSSL ${after.version} (was ${before.version})`);
    return;
  }
  const chosen = positionals.length > 0 ? positionals.map(findTarget) : targets;
  await ensureBuildPackages(chosen, { yes: values.yes });
  for (const target of chosen) {
    const { root, version } = await ensureOpenSsl(target, { file: values.tarball });
    console.log(`${target.name}: OpenSSL ${version} in ${root}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(buildOpenSsl);
