// Finds the native part for this platform and loads it. Requiring this file never throws: what went
// wrong is in `error`, for the first call that needs a TPM to report.
'use strict';

const path = require('node:path');
const { existsSync } = require('node:fs');

/**
 * @typedef {object} NativeResult
 * @property {object | null} binding   the addon's exports
 * @property {string | null} path      where it was loaded from
 * @property {{ code: string, message: string, suggestion: string,
 *   tried: { path: string, reason: string }[] } | null} error
 */

const BINARY = 'node_tpm2.node';
const IN_CHECKOUT = exists(path.join(__dirname, 'CMakeLists.txt'));
const SUPPORTED = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'win32-x64',
  'win32-arm64',
];

// Node's permission model throws where a folder is withheld.
function exists(file) {
  try {
    return existsSync(file);
  } catch {
    return false;
  }
}

// 'gnu' or 'musl', by what this process itself reports: no shell, no look at the file system. Only
// the GNU one has a version to report; the list of libraries is empty in Bun.
function libc() {
  const { report } = process;
  if (!report?.getReport) return 'gnu';
  // Without this the report looks up the name of every network interface and peer.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    return report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  } catch {
    return 'gnu'; // The report is withheld, as by the permission model: glibc is the likely one.
  } finally {
    report.excludeNetwork = before;
  }
}

// One line, without the list of requiring files that node appends to MODULE_NOT_FOUND.
const firstLine = (error) => String(error?.message ?? error).split('\n', 1)[0];

function load(candidates, tried) {
  for (const candidate of candidates) {
    const file = candidate.find();
    if (file === null) {
      tried.push({ path: candidate.path, reason: candidate.missing });
      continue;
    }
    try {
      return { binding: require(file), path: file };
    } catch (error) {
      const denied = error?.code === 'ERR_DLOPEN_DISABLED';
      tried.push({ path: file, reason: firstLine(error), denied });
    }
  }
  return null;
}

function local(...parts) {
  const file = path.join(__dirname, ...parts, BINARY);
  return { path: file, missing: 'no such file', find: () => (exists(file) ? file : null) };
}

// The platform package, which npm has put beside this one as an optional dependency. Looked up in
// the folders node_modules above this file and nowhere else: require.resolve() would go on to
// NODE_PATH and the home folder, which are not the application's.
function installed(name) {
  const file = `node-tpm2-${name}/${BINARY}`;
  const missing = 'the package is not installed';
  if (process.versions.pnp) return { path: file, missing, find: () => byYarn(file) };
  const places = module.paths ?? [];
  const find = () => places.map((folder) => path.join(folder, file)).find(exists) ?? null;
  return { path: `${file} in ${places.join(', ')}`, missing, find };
}

// Yarn's Plug'n'Play has no node_modules; its own require.resolve() asks no environment variable.
function byYarn(file) {
  try {
    return require.resolve(file);
  } catch {
    return null;
  }
}

// In a checkout, what build:prebuilds has made comes first.
function packaged(name) {
  const built = IN_CHECKOUT ? [local('prebuilds', `node-tpm2-${name}`)] : [];
  return [...built, installed(name)];
}

// npm installs the package of one libc only, so most often there is one candidate and no need to
// ask for the libc, which takes several milliseconds.
function packagedForLinux(arch, tried) {
  const names = [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  const ours = () => `linux-${arch}-${libc()}`;
  const present = names.filter((name) => packaged(name).some((each) => each.find() !== null));
  const first = present.length === 1 ? present[0] : ours();
  let found = load(packaged(first), tried);
  if (found) return { found, name: first };
  const name = ours();
  // With both there, the other one may be right after all; with one, ours is what is missing.
  if (present.length === 2 || first !== name) {
    found = load(packaged(names.find((each) => each !== first)), tried);
  }
  return { found, name };
}

function remedy(name, tried) {
  if (tried.some((each) => each.denied)) {
    return 'Start node with --allow-addons: its permission model keeps native code from loading.';
  }
  if (process.platform === 'darwin') return 'Use Linux or Windows: a Mac has no TPM.';
  if (!SUPPORTED.includes(name)) {
    return `Use one of the supported platforms (${SUPPORTED.join(', ')}).`;
  }
  if (IN_CHECKOUT) {
    return 'Run `npm run build` in the checkout.';
  }
  if (tried.some((each) => /\bversion [`']GLIBC_[\d.]+' not found/.test(each.reason))) {
    return 'Use a newer distribution, with glibc 2.28 or newer: this one’s is too old.';
  }
  if (installed(name).find() === null) {
    return (
      'Install it with `npm install --include=optional`. If node_modules or the lockfile came ' +
      `from another platform, delete both and install again, so that npm adds node-tpm2-${name}.`
    );
  }
  return `Reinstall node-tpm2-${name}: it is there, but this system cannot load it.`;
}

// In a checkout only, so that no environment variable chooses code for an installed package: the
// sanitized build, for the tests.
function chosenByTests() {
  const file = process.env.NODE_TPM2_ADDON;
  if (!file || !IN_CHECKOUT) return null;
  return [{ path: file, missing: 'no such file', find: () => (exists(file) ? file : null) }];
}

/** @returns {NativeResult} */
function outcome(found, name, tried) {
  if (found) return { ...found, error: null };

  const what = SUPPORTED.includes(name)
    ? `The native part of node-tpm2 for ${name} could not be loaded`
    : `node-tpm2 has no native part for ${name}`;
  const paths = tried.map((each) => `${each.path}: ${each.reason}`).join('; ');
  return {
    binding: null,
    path: null,
    error: {
      code: 'TPM_UNAVAILABLE',
      message: `${what} (tried ${paths}).`,
      suggestion: remedy(name, tried),
      tried: tried.map((each) => ({ path: each.path, reason: each.reason })),
    },
  };
}

function find() {
  const { platform, arch } = process;
  const tried = [];
  let name = `${platform}-${arch}`;
  const chosen = chosenByTests();
  let found = load(chosen ?? (IN_CHECKOUT ? [local('build', 'release')] : []), tried);
  if (found || chosen) return outcome(found, name, tried);
  if (platform === 'linux') ({ found, name } = packagedForLinux(arch, tried));
  else if (SUPPORTED.includes(name)) found = load(packaged(name), tried);
  return outcome(found, name, tried);
}

module.exports = find();
