// The source of the libcrypto that goes into the binaries: the distribution's own tarball, whose
// hash apt has verified against the archive's signature, and which is pinned in openssl.json.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../lib/process.mjs';
import { cacheFolder, digest, Failure, must } from './shell.mjs';

const pinFile = path.join(path.dirname(fileURLToPath(import.meta.url)), 'openssl.json');

/** @returns {{ version: string, sha256: string }} what release builds are made of */
export function pinned() {
  return JSON.parse(readFileSync(pinFile, 'utf8'));
}

// A configuration of apt with source lines, in a folder of its own: the system's is only read.
async function privateApt(folder) {
  for (const each of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(path.join(folder, each), { recursive: true });
  }
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const known = await must('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = known
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, release, part]) => part === 'main' && release.split('-')[0] === codename)
    .map((parts) => `deb-src ${parts.join(' ')}`);
  if (lines.length === 0) throw new Failure('apt knows no package source of this distribution');
  const list = path.join(folder, 'sources.list');
  writeFileSync(list, `${[...new Set(lines)].join('\n')}\n`);
  return [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${path.join(folder, 'lists')}`,
    `Dir::Cache=${path.join(folder, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
}

// [{ package: '3.0.22-1~deb12u2', version: '3.0.22', sha256 }], as the archive's index has them.
async function offered(options) {
  const text = await must('apt-cache', [...options, 'showsrc', 'openssl']);
  return text
    .split(/\n\n+/)
    .map((entry) => ({
      package: /^Version: (\S+)$/m.exec(entry)?.[1],
      tarball: /^ ([0-9a-f]{64}) \d+ openssl_([0-9.]+)\.orig\.tar\.gz$/m.exec(entry),
    }))
    .filter((entry) => entry.package && entry.tarball)
    .map((entry) => ({
      package: entry.package,
      sha256: entry.tarball[1],
      version: entry.tarball[2],
    }));
}

function newest(list) {
  const parts = (version) => version.split('.').map(Number);
  const order = (a, b) => {
    const [left, right] = [parts(a.version), parts(b.version)];
    const at = left.findIndex((number, index) => number !== right[index]);
    return at < 0 ? 0 : left[at] - right[at];
  };
  return [...list].sort(order).at(-1);
}

async function fetchFromDistribution(want) {
  if (!findProgram('apt-get')) {
    throw new Failure(`no apt here: give OpenSSL ${want.version}'s tarball with --tarball`);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'node-tpm2-apt-'));
  try {
    const options = await privateApt(folder);
    await must('apt-get', [...options, '-qq', 'update']);
    const list = await offered(options);
    const series = want.version.split('.').slice(0, 2).join('.');
    const choice =
      list.find((entry) => entry.sha256 === want.sha256) ??
      newest(list.filter((entry) => entry.version.startsWith(`${series}.`)));
    if (!choice) throw new Failure(`this distribution offers no source of OpenSSL ${series}`);
    await must(
      'apt-get',
      [...options, '-qq', 'source', '--download-only', '--tar-only', `openssl=${choice.package}`],
      { cwd: folder },
    );
    const file = path.join(folder, `openssl_${choice.version}.orig.tar.gz`);
    return keep(file, choice);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function keep(file, { version, sha256 }) {
  const found = digest('sha256', { file });
  if (found !== sha256)
    throw new Failure(`${path.basename(file)} has sha256 ${found}, not ${sha256}`);
  const kept = path.join(
    cacheFolder('downloads'),
    `openssl-${version}-${sha256.slice(0, 12)}.tar.gz`,
  );
  copyFileSync(file, `${kept}.${process.pid}`);
  renameSync(`${kept}.${process.pid}`, kept);
  return { version, sha256, tarball: kept };
}

/**
 * The tarball, from the cache, from `file` (for systems without apt; it must be the pinned one) or
 * from the distribution. Distributions drop a version when they publish a fixed one: then the
 * fixed one is taken, which is said, and which a release refuses until it is pinned.
 * @returns {Promise<{ version: string, sha256: string, tarball: string, isPinned: boolean }>}
 */
export async function opensslSource({ file } = {}) {
  const want = pinned();
  const kept = path.join(
    cacheFolder('downloads'),
    `openssl-${want.version}-${want.sha256.slice(0, 12)}.tar.gz`,
  );
  let source;
  if (file) source = keep(file, want);
  else if (existsSync(kept)) source = keep(kept, want);
  else source = await fetchFromDistribution(want);
  const isPinned = source.sha256 === want.sha256;
  if (!isPinned) {
    console.warn(
      `OpenSSL ${want.version} is pinned, but the distribution has moved on to ${source.version}: ` +
        'building that. For a release, pin it: see docs/releasing.md, "An OpenSSL advisory".',
    );
  }
  return { ...source, isPinned };
}

/** Pins the newest version of the pinned series that the distribution offers. */
export async function pinNewest() {
  const want = pinned();
  const source = await fetchFromDistribution({ version: want.version, sha256: '' });
  const pin = { version: source.version, sha256: source.sha256 };
  writeFileSync(pinFile, `${JSON.stringify(pin, null, 2)}\n`);
  return { before: want, after: pin };
}
