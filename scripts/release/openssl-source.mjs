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
import { findProgram, onInterrupt } from '../lib/process.mjs';
import { cacheFolder, digest, Failure, must } from './shell.mjs';

const pinFile = path.join(path.dirname(fileURLToPath(import.meta.url)), 'openssl.json');

/** @returns {{ version: string, sha256: string }} what release builds are made of */
export function pinned() {
  return JSON.parse(readFileSync(pinFile, 'utf8'));
}

const field = (stanza, name) => new RegExp(`^${name}: (.+)$`, 'm').exec(stanza)?.[1];

/**
 * The entries of apt's sources that are the distribution's own: not those that somebody added for
 * the same release.
 * @param {string} targets what `apt-get indextargets` prints
 * @param {string} osRelease the text of /etc/os-release
 * @returns {{ file: string, number: number }[]} the source files, and which entry of each
 */
export function ownSources(targets, osRelease) {
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(osRelease)?.[1];
  const id = /^ID="?(\w+)/m.exec(osRelease)?.[1] ?? '';
  const origins = ['Debian', id.charAt(0).toUpperCase() + id.slice(1)];
  const entries = targets
    .split(/\n\n+/)
    .filter((stanza) => origins.includes(field(stanza, 'Origin')))
    .filter((stanza) => field(stanza, 'Component') === 'main')
    .filter((stanza) => field(stanza, 'Release')?.split('-')[0] === codename)
    .map((stanza) => /^(.*):(\d+)$/.exec(field(stanza, 'Sourcesentry') ?? ''))
    .filter(Boolean);
  const unique = new Map(
    entries.map(([entry, file, number]) => [entry, { file, number: +number }]),
  );
  return [...unique.values()];
}

/**
 * One entry, with all that it says about its keys, for sources instead of packages.
 * @param {string} text of a source file
 * @param {string} file its name, which tells the format
 * @param {number} number a stanza in the one format, a line in the other
 */
export function sourceEntry(text, file, number) {
  if (!file.endsWith('.sources')) {
    return `${text.split('\n')[number - 1].replace(/^\s*deb\s/, 'deb-src ')}\n`;
  }
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/)
    .filter((stanza) => stanza.trim() !== '');
  return `${stanzas[number - 1].replace(/^Types:.*$/im, 'Types: deb-src').trim()}\n`;
}

// A configuration of apt with source entries, in a folder of its own: the system's is only read.
async function privateApt(folder) {
  const parts = path.join(folder, 'parts');
  for (const each of [parts, 'lists/partial', 'cache/archives/partial']) {
    mkdirSync(path.resolve(folder, each), { recursive: true });
  }
  const targets = await must('apt-get', ['indextargets', 'Created-By: Packages']);
  const own = ownSources(targets, readFileSync('/etc/os-release', 'utf8'));
  if (own.length === 0) {
    throw new Failure('apt knows no package source of this distribution: apt-get update');
  }
  for (const [index, { file, number }] of own.entries()) {
    const place = path.join(parts, `${index}${path.extname(file)}`);
    writeFileSync(place, sourceEntry(readFileSync(file, 'utf8'), file, number));
  }
  return [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${parts}`,
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
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const forget = onInterrupt(clean);
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
    clean();
    forget();
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
