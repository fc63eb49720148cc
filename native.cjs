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
const IN_CHECKOUT = existsSync(path.join(__dirname, 'CMakeLists.txt'));
const SUPPORTED = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'win32-x64',
  'win32-arm64',
];

// 'gnu' or 'musl', by what this process itself reports: no shell, no look at the file system.
function libc() {
  const { report } = process;
  if (!report?.getReport) return 'gnu';
  // Without this the report looks up the name of every network interface and peer.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    const { header, sharedObjects = [] } = report.getReport();
    if (header.glibcVersionRuntime) return 'gnu';
    return sharedObjects.some((file) => /\bld-musl-|\blibc\.musl-/.test(file)) ? 'musl' : 'gnu';
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
      tried.push({ path: candidate.path, reason: firstLine(error), denied });
    }
  }
  return null;
}

function local(...parts) {
  const file = path.join(__dirname, ...parts, BINARY);
  return { path: file, missing: 'no such file', find: () => (existsSync(file) ? file : null) };
}

// The platform package, which npm has put beside this one as an optional dependency; in a checkout,
// what build:prebuilds made of it.
function packaged(name) {
  const installed = `node-tpm2-${name}/${BINARY}`;
  const find = () => {
    try {
      return require.resolve(installed);
    } catch {
      return null;
    }
  };
  const missing = 'the package is not installed';
  return [local('prebuilds', `node-tpm2-${name}`), { path: installed, missing, find }];
}

// npm installs the package of one libc only, so most often there is one candidate and no need to
// ask for the libc, which takes several milliseconds.
function packagedForLinux(arch, tried) {
  const names = [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  const present = names.filter((name) => packaged(name).some((each) => each.find() !== null));
  if (present.length === 1) {
    const found = load(packaged(present[0]), tried);
    if (found) return { found, name: present[0] };
  }
  const name = `linux-${arch}-${libc()}`;
  if (present.length === 1 && present[0] === name) return { found: null, name };
  return { found: load(packaged(name), tried), name };
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
  const [, inPackage] = packaged(name);
  if (inPackage.find() === null) {
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
  return [{ path: file, missing: 'no such file', find: () => (existsSync(file) ? file : null) }];
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
  let found = load(chosen ?? [local('build', 'release')], tried);
  if (found || chosen) return outcome(found, name, tried);
  if (platform === 'linux') ({ found, name } = packagedForLinux(arch, tried));
  else if (SUPPORTED.includes(name)) found = load(packaged(name), tried);
  return outcome(found, name, tried);
}

module.exports = find();
