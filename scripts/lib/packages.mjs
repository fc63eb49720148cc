// The system packages that the project needs, by what one wants to do, and how they come onto the
// machine: never without having been shown, and asked for unless the caller said yes beforehand.

import fs from 'node:fs';
import process from 'node:process';
import readline from 'node:readline/promises';
import { Failure, findProgram, run } from './process.mjs';

/**
 * Debian's names; `a | b` is one or the other, for releases that renamed a library. `tools` are the
 * programs by which a system without dpkg is judged.
 */
const kBuild = ['cmake', 'ninja-build', 'g++', 'libssl-dev'];
const kPurposes = {
  build: { packages: kBuild, tools: ['cmake', 'ninja', 'c++'] },
  demo: { packages: [...kBuild, 'swtpm'], tools: ['cmake', 'ninja', 'c++', 'swtpm'] },
  test: {
    packages: [
      ...kBuild,
      'clang',
      'clang-format',
      'libclang-rt-dev',
      'libgtest-dev',
      'libgmock-dev',
      'libtpms-dev',
      'swtpm',
      'swtpm-tools',
      'tpm2-tools',
      'libtss2-dev',
      'libtss2-tcti-device0 | libtss2-tcti-device0t64',
      'libtss2-tcti-mssim0 | libtss2-tcti-mssim0t64',
      'libtss2-tcti-swtpm0 | libtss2-tcti-swtpm0t64',
      'openssl',
    ],
    tools: ['cmake', 'ninja', 'c++', 'clang', 'clang-format', 'swtpm', 'swtpm_setup', 'tpm2'],
  },
};

/** @param {'build' | 'demo' | 'test'} purpose */
export function packagesFor(purpose) {
  return kPurposes[purpose].packages;
}

/** @param {'build' | 'demo' | 'test'} purpose */
export function toolsFor(purpose) {
  return kPurposes[purpose].tools;
}

/** CI says so in its environment; a person by --yes. */
export function saidYes(options) {
  return Boolean(options?.yes) || /^(1|true)$/i.test(process.env.CI ?? '');
}

const alternatives = (entry) => entry.split('|').map((name) => name.trim());

/**
 * Those of `list` that are not completely installed.
 * @param {string[]} list
 * @returns {Promise<string[]>}
 */
export async function missingPackages(list) {
  const names = list.flatMap(alternatives);
  // It ends with 1 when it does not know a name; the others are printed all the same.
  const query = await run('dpkg-query', [
    '-W',
    '-f',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
    '${Package}\t${db:Status-Status}\n',
    ...names,
  ]);
  const installed = new Set(
    query.output
      .split('\n')
      .map((line) => line.split('\t'))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return list.filter((entry) => !alternatives(entry).some((name) => installed.has(name)));
}

/** Where a package has had two names, the one that this system's lists know. */
async function namesToInstall(missing) {
  const names = [];
  for (const entry of missing) {
    const [first, ...others] = alternatives(entry);
    let name = first;
    if (others.length > 0) {
      for (const candidate of [first, ...others]) {
        const policy = await run('apt-cache', ['policy', candidate]);
        if (/Candidate: (?!\(none\))/.test(policy.output)) {
          name = candidate;
          break;
        }
      }
    }
    names.push(name);
  }
  return names;
}

async function agreed(question) {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ended = new Promise((resolve) => terminal.once('close', () => resolve('no')));
    const answer = await Promise.race([terminal.question(question), ended]);
    return /^(y|yes)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/**
 * Sees to it that Debian packages are installed: shows what is missing, asks, installs. Does
 * nothing, in a fraction of a second and without network, where nothing is missing.
 * @param {string[]} list package names; 'a | b' for one or the other
 * @param {{ yes?: boolean, tools?: string[] }} [options] `yes`: do not ask. `tools`: the programs
 *   that have to be there on a system without dpkg.
 * @returns {Promise<string[]>} what was installed
 */
export async function ensurePackages(list, options = {}) {
  if (!findProgram('dpkg-query') || !findProgram('apt-get')) {
    checkTools(list, options.tools ?? []);
    return [];
  }
  const missing = await missingPackages(list);
  if (missing.length === 0) return [];

  const asRoot = process.getuid() === 0 ? [] : ['sudo'];
  const shown = missing.map((entry) => alternatives(entry)[0]).join(' ');
  const command = [...asRoot, 'apt-get', 'install', '--no-install-recommends'].join(' ');
  console.log(`Debian packages that are missing:\n  ${missing.join('\n  ')}`);
  if (!saidYes(options)) {
    if (!process.stdin.isTTY) {
      throw new Failure(
        `Nothing was installed, since there is no terminal to ask on. Run\n  ${command} ${shown}\nor run this again with --yes.`,
      );
    }
    if (!(await agreed(`Install them with ${asRoot.concat('apt-get').join(' ')}? [Y/n] `))) {
      throw new Failure(`Nothing was installed. By hand:\n  ${command} ${shown}`);
    }
  }
  if (asRoot.length > 0 && !findProgram('sudo')) {
    throw new Failure(`Neither root nor sudo here. As root, run\n  ${command} ${shown}`);
  }
  await install(missing, asRoot);
  const still = await missingPackages(list);
  if (still.length > 0) throw new Failure(`Still not installed: ${still.join(', ')}`);
  return missing;
}

async function install(missing, asRoot) {
  // The terminal is theirs: sudo may ask for a password, apt-get shows how far it is.
  const apt = async (...args) => {
    const words = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', ...args];
    if (asRoot.length > 0 && !process.stdin.isTTY) words.splice(1, 0, '-n');
    return (await run(words[0], words.slice(1), { terminal: true })).code;
  };
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0'];
  // An installation that was cut short blocks every later one until it is finished.
  const audit = await run('dpkg', ['--audit']);
  if (audit.output.trim() !== '') await apt('dpkg', '--configure', '-a');
  const updated = await apt('apt-get', ...wait, '-q', 'update');
  const names = await namesToInstall(missing);
  const code = await apt(
    ...['apt-get', ...wait, '-q', '-y', '--no-install-recommends', 'install', ...names],
  );
  if (code === 0) return;
  const why =
    updated === 0 ? '' : ' The package lists could not be updated: is there a network, or a proxy?';
  throw new Failure(`apt-get could not install the packages (exit code ${code}).${why}`);
}

function checkTools(list, tools) {
  const absent = tools.filter((tool) => !findProgram(tool));
  const found = tools.filter((tool) => findProgram(tool));
  console.log(
    `This is not Debian or a relative of it, so packages are yours to install. On Debian they are called\n  ${list.join('\n  ')}`,
  );
  if (found.length > 0) console.log(`Found here: ${found.join(', ')}`);
  if (absent.length > 0) {
    throw new Failure(`Not found here: ${absent.join(', ')}. Install them and run this again.`);
  }
  console.log('The programs are all here, so this goes on; a missing library will be named below.');
}

/** One line about the system, for people who report trouble. */
export function systemName() {
  try {
    const text = fs.readFileSync('/etc/os-release', 'utf8');
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
