// Makes the tarballs that are published: node-tpm2 and one package for each platform.
//
// Only the packed package.json of node-tpm2 names the platform packages: in the repository, names
// that are not published yet would break `npm ci`.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onInterrupt } from '../lib/process.mjs';
import { binaryOf } from './gate.mjs';
import { sbom } from './sbom.mjs';
import { Failure, must, root } from './shell.mjs';
import { targets } from './targets.mjs';

const readJson = (...parts) => JSON.parse(fs.readFileSync(path.join(root, ...parts), 'utf8'));
const writeJson = (file, value) => fs.writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
const kNotices = ['LICENSE', 'THIRD_PARTY_NOTICES'];

/**
 * Throws when the files that name a version do not name the same one.
 * @param {string} [folder] the clone
 * @returns {string} that version
 */
export function expectOneVersion(folder = root) {
  const json = (...parts) => JSON.parse(fs.readFileSync(path.join(folder, ...parts), 'utf8'));
  const { version } = json('package.json');
  const lock = json('package-lock.json');
  const cmake = fs.readFileSync(path.join(folder, 'CMakeLists.txt'), 'utf8');
  const found = {
    'package-lock.json': lock.version,
    'package-lock.json, packages[""]': lock.packages[''].version,
  };
  for (const target of targets) {
    found[target.package] = json('prebuilds', target.package, 'package.json').version;
  }
  const different = Object.entries(found).filter(([, each]) => each !== version);
  // CMake knows numbers only: no -rc.1.
  const numbers = /^project\(node_tpm2 VERSION ([\d.]+)/m.exec(cmake)?.[1];
  if (numbers !== version.split('-', 1)[0]) different.push(['CMakeLists.txt', numbers]);
  if (different.length === 0) return version;
  const list = different.map(([where, each]) => `${where} is at ${each}`).join(', ');
  throw new Failure(`package.json is at ${version}, but ${list}`);
}

async function npmPack(folder, out) {
  const printed = await must(
    'npm',
    ['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', out],
    { cwd: folder },
  );
  const [{ filename }] = Object.values(JSON.parse(printed.slice(printed.search(/^[[{]/m))));
  return path.join(out, filename);
}

function packagedManifest(manifest) {
  const { devDependencies, scripts, ...kept } = manifest;
  const optionalDependencies = Object.fromEntries(
    targets.map((target) => [target.package, manifest.version]),
  );
  return { ...kept, optionalDependencies };
}

async function stageMain(folder) {
  const manifest = readJson('package.json');
  for (const entry of [...manifest.files, 'README.md']) {
    const from = path.join(root, entry);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(folder, entry), { recursive: true });
    else if (manifest.files.includes(entry))
      throw new Failure(`package.json lists ${entry}: missing`);
  }
  writeJson(path.join(folder, 'package.json'), packagedManifest(manifest));
}

function stagePlatform(folder, target, openssl, version) {
  const manifest = readJson('prebuilds', target.package, 'package.json');
  const file = binaryOf(target);
  fs.copyFileSync(file, path.join(folder, 'node_tpm2.node'));
  for (const name of kNotices) fs.copyFileSync(path.join(root, name), path.join(folder, name));
  writeJson(path.join(folder, 'sbom.cdx.json'), sbom(target, { file, openssl, version }));
  writeJson(path.join(folder, 'package.json'), manifest);
  fs.writeFileSync(
    path.join(folder, 'README.md'),
    `# ${target.package}\n\nThe native part of node-tpm2 for ${target.name}. Install \`node-tpm2\`, ` +
      'which brings it along where it is needed.\n\n' +
      `It contains OpenSSL ${openssl.version}; \`sbom.cdx.json\` lists all parts.\n`,
  );
}

/**
 * @param {string} out folder for the tarballs
 * @param {{ target: import('./targets.mjs').Target, openssl: object }[]} built those whose binaries
 *   are in prebuilds/
 * @returns {Promise<{ main: string, platforms: Record<string, string> }>} tarballs; those of the
 *   platforms by package name
 */
export async function pack(out, built) {
  const version = expectOneVersion();
  fs.mkdirSync(out, { recursive: true });
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-pack-'));
  const clean = () => fs.rmSync(stage, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    const folderFor = (name) => {
      const folder = path.join(stage, name);
      fs.mkdirSync(folder);
      return folder;
    };
    const mainFolder = folderFor('node-tpm2');
    await stageMain(mainFolder);
    const main = await npmPack(mainFolder, out);
    const platforms = {};
    for (const { target, openssl } of built) {
      const folder = folderFor(target.package);
      stagePlatform(folder, target, openssl, version);
      platforms[target.package] = await npmPack(folder, out);
    }
    return { main, platforms };
  } finally {
    clean();
    forget();
  }
}
