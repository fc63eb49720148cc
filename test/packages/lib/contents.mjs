// What the tarballs contain, without running any of it.

import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, digest, must } from '../../../scripts/release/shell.mjs';
import { targets } from '../../../scripts/release/targets.mjs';
import { installZig, zig } from '../../../scripts/release/toolchain.mjs';
import { expect } from './checks.mjs';
import { tool } from './runtimes.mjs';

const kInstallScripts = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

const kMostBytes = 128 * 1024;

async function unpack(tarball, folder) {
  fs.mkdirSync(folder, { recursive: true });
  await must('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder]);
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const files = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  return { manifest, files };
}

function expectNothingRunsAtInstall(manifest, files) {
  const scripts = kInstallScripts.filter((name) => manifest.scripts?.[name]);
  expect(scripts.length === 0, `has the scripts ${scripts}`);
  expect(!files.includes('binding.gyp'), 'has a binding.gyp, which npm would build');
}

/** Links of the packed documents to files that are not packed. */
function brokenLinks(folder, files) {
  return files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = fs.readFileSync(path.join(folder, file), 'utf8');
      const links = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, link]) => link);
      return links
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => !fs.existsSync(path.join(folder, path.dirname(file), link)))
        .map((link) => `${file} to ${link}`);
    });
}

// What THIRD_PARTY_NOTICES names for each platform.
const kEverywhere = ['openssl', 'node-addon-api', 'node-api-headers'];
const kZig = ['libc++', 'libc++abi', 'libunwind', 'compiler_rt'];
const kComponents = {
  'linux-gnu': [...kZig, 'glibc (start-up code)'],
  'linux-musl': [...kZig, 'musl (start-up code)'],
  'win32-x64': ['libstdc++', 'libgcc', 'mingw-w64-crt', 'winpthreads'],
  'win32-arm64': [...kZig, 'mingw-w64-crt'],
};

function checkSbom(folder, target, openssl) {
  const bom = JSON.parse(fs.readFileSync(path.join(folder, 'sbom.cdx.json'), 'utf8'));
  const binary = digest('sha256', { file: path.join(folder, 'node_tpm2.node') });
  const [hash] = bom.metadata.component.hashes;
  expect(hash.alg === 'SHA-256' && hash.content === binary, 'its SBOM is for another binary');
  const found = bom.components.find((each) => each.name === 'openssl');
  expect(found?.version === openssl.version, `its SBOM names OpenSSL ${found?.version}`);
  expect(found.hashes[0].content === openssl.sha256, 'its SBOM names another OpenSSL source');
  const kind = target.name.replace(/^linux-.*-/, 'linux-');
  const wanted = [...kEverywhere, ...kComponents[kind]].sort().join();
  const names = bom.components.map((each) => each.name).sort();
  expect(names.join() === wanted, `its SBOM lists ${names}`);
  const vague = bom.components.filter((each) => !/^\d+\.\d+/.test(each.version ?? ''));
  expect(vague.length === 0, `its SBOM has no version of ${vague.map((each) => each.name)}`);
}

/** The versions that toolchain.mjs names, in the sources that zig links in. */
async function checkZigLibraries() {
  const folder = await installZig();
  const number = (file, pattern) =>
    pattern
      .exec(fs.readFileSync(path.join(folder, 'lib', file), 'utf8'))
      ?.slice(1)
      .join('.');
  const llvm = number('libcxx/include/__config', /_LIBCPP_VERSION (\d\d)(\d\d)(\d\d)$/m);
  const macros = 'libc/include/any-windows-any/_mingw_mac.h';
  const mingw = ['MAJOR', 'MINOR', 'BUGFIX'].map((name) =>
    number(macros, new RegExp(`__MINGW64_VERSION_${name} (\\d+)`)),
  );
  const env = { ZIG_GLOBAL_CACHE_DIR: cacheFolder('zig', 'cache') };
  const known = JSON.parse(await must(path.join(folder, 'zig'), ['targets'], { env }));
  const found = {
    llvm: llvm.split('.').map(Number).join('.'),
    compilerRt: (await must(path.join(folder, 'zig'), ['version'])).trim(),
    glibc: known.glibc.at(-1).replace(/\.0$/, ''),
    musl: number('libc/musl/src/internal/version.h', /"([\d.]+)"/),
    mingw: mingw.join('.'),
  };
  for (const [name, version] of Object.entries(found)) {
    expect(zig.libraries[name] === version, `${name} is ${version}, not ${zig.libraries[name]}`);
  }
}

/** @param {{ target: object, openssl: object }[]} built what the tarballs were packed from */
export async function checkContents(checks, tarballs, work, built) {
  const folder = path.join(work, 'unpacked');
  await checks.check('node-tpm2: scripts and documents, exact platform packages', async () => {
    const place = path.join(folder, 'main');
    const { manifest, files } = await unpack(tarballs.main, place);
    expectNothingRunsAtInstall(manifest, files);
    const names = Object.keys(manifest.optionalDependencies).sort();
    const expected = targets.map((target) => target.package).sort();
    expect(names.join() === expected.join(), `optionalDependencies are ${names}`);
    for (const version of Object.values(manifest.optionalDependencies)) {
      expect(version === manifest.version, `a platform package is asked for at ${version}`);
    }
    expect(!manifest.dependencies, 'has dependencies');
    const odd = files.filter((file) => /\.(node|cc|h|tgz)$|^(src|test|build|scripts)\//.test(file));
    expect(odd.length === 0, `contains ${odd.slice(0, 5)}`);
    const entries = JSON.stringify(manifest.exports).match(/\.\/[\w.-]+\.[a-z.]+/g);
    const missing = entries.filter((entry) => !files.includes(entry.slice(2)));
    expect(missing.length === 0, `exports ${missing}, not contained`);
    const broken = brokenLinks(place, files);
    expect(broken.length === 0, `links ${broken.join(', ')}, not contained`);
    const { size } = fs.statSync(tarballs.main);
    expect(size <= kMostBytes, `the tarball has ${size} bytes, allowed are ${kMostBytes}`);
    return `${files.length} files, ${Math.round(size / 1024)} KiB`;
  });
  for (const target of targets.filter((each) => tarballs.platforms[each.package])) {
    await checks.check(`${target.package}: the binary, its SBOM and notices`, async () => {
      const place = path.join(folder, target.name);
      const { manifest, files } = await unpack(tarballs.platforms[target.package], place);
      expectNothingRunsAtInstall(manifest, files);
      const wanted = ['LICENSE', 'README.md', 'THIRD_PARTY_NOTICES', 'node_tpm2.node'];
      wanted.push('package.json', 'sbom.cdx.json');
      expect(files.sort().join() === wanted.sort().join(), `contains ${files}`);
      const { os, cpu, libc } = manifest;
      expect(os?.join() === target.os && cpu?.join() === target.cpu, 'is for another platform');
      expect((libc?.join() ?? '') === (target.libc ?? ''), `is for the libc ${libc}`);
      checkSbom(place, target, built.find((each) => each.target.name === target.name).openssl);
    });
  }
  await checks.check('zig links in what the SBOMs say', checkZigLibraries);
  await checks.check('publint is content', async () => {
    await must(await tool('publint'), ['run', tarballs.main, '--strict']);
  });
  await checks.check('are-the-types-wrong is content (profile esm-only)', async () => {
    const attw = await tool('attw');
    await must(attw, [tarballs.main, '--profile', 'esm-only', '--no-color', '--no-emoji']);
  });
}
