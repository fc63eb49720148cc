// node scripts/release.mjs [--yes]: everything that is published, in build/release-packages/.
//
// From a clean tree: builds the six binaries, puts them through the gate, builds each of them again
// elsewhere and compares the bytes, packs, and writes down what it is made of (RELEASE.md there, to
// be pasted into the release). It publishes nothing: docs/releasing.md has the steps around it.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { buildPrebuild } from './build-prebuilds.mjs';
import { ensureNodeModules } from './lib/npm.mjs';
import { main, onInterrupt } from './lib/process.mjs';
import { pack } from './release/pack.mjs';
import { reproduce } from './release/reproduce.mjs';
import { digest, ensureBuildPackages, Failure, must, root } from './release/shell.mjs';
import { targets } from './release/targets.mjs';

const kOut = path.join(root, 'build', 'release-packages');

async function requireCleanTree() {
  const changed = await must('git', ['status', '--porcelain']);
  if (changed.trim() !== '') throw new Failure(`Commit or remove these first:\n${changed}`);
}

function notes({ version, commit, built, tarballs }) {
  const { openssl } = built[0];
  const lines = [
    `# node-tpm2 ${version}`,
    '',
    `Commit ${commit}. The binaries contain libcrypto of OpenSSL ${openssl.version}`,
    `(source tarball sha256 ${openssl.sha256}).`,
    '',
    '| package | size of the binary | sha256 of the binary | compiler |',
    '|---|---|---|---|',
    ...built.map(
      ({ target, summary, hash, openssl: { compiler } }) =>
        `| ${target.package} | ${summary.split(',')[0]} | ${hash} | ${compiler} |`,
    ),
    '',
    '| tarball | sha256 |',
    '|---|---|',
    ...tarballs.map((file) => `| ${path.basename(file)} | ${digest('sha256', { file })} |`),
    '',
  ];
  return lines.join('\n');
}

// Nothing that was made or fetched before is trusted: zig, libcrypto and the compilers' own caches
// are made anew in here, where nothing else writes.
async function withEmptyCache(body) {
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-release-'));
  const clean = () => fs.rmSync(cache, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  process.env.XDG_CACHE_HOME = cache;
  try {
    await body();
  } finally {
    clean();
    forget();
  }
}

async function release() {
  const { values } = parseArgs({ options: { yes: { type: 'boolean', short: 'y' } } });
  await requireCleanTree();
  await ensureBuildPackages(targets, { yes: values.yes });
  await ensureNodeModules();
  const built = [];
  for (const target of targets) {
    fs.rmSync(path.join(root, 'build', target.name), { recursive: true, force: true });
    const { file, summary, openssl } = await buildPrebuild(target);
    if (!openssl.isPinned) {
      throw new Failure(`OpenSSL ${openssl.version} is not the pinned one: see docs/releasing.md`);
    }
    const { same, hashes } = await reproduce(target, { again: { file, openssl } });
    if (!same) {
      throw new Failure(`${target.name} is not reproducible: ${JSON.stringify(hashes, null, 2)}`);
    }
    console.log(`${target.name}: ${summary}; built twice, the same bytes`);
    built.push({ target, summary, openssl, hash: digest('sha256', { file }) });
  }
  fs.rmSync(kOut, { recursive: true, force: true });
  const { main: mainTarball, platforms } = await pack(kOut, built);
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const commit = (await must('git', ['rev-parse', 'HEAD'])).trim();
  const tarballs = [...Object.values(platforms), mainTarball];
  fs.writeFileSync(path.join(kOut, 'RELEASE.md'), notes({ version, commit, built, tarballs }));
  console.log(`${tarballs.length} tarballs and RELEASE.md in ${path.relative(root, kOut)}`);
}

await main(() => withEmptyCache(release));
