// What the tarballs contain, without running any of it.

import fs from 'node:fs';
import path from 'node:path';
import { must } from '../../../scripts/release/shell.mjs';
import { targets } from '../../../scripts/release/targets.mjs';
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

export async function checkContents(checks, tarballs, work) {
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
    });
  }
  await checks.check('publint is content', async () => {
    await must(await tool('publint', 'publint'), ['run', tarballs.main, '--strict']);
  });
  await checks.check('are-the-types-wrong is content (profile esm-only)', async () => {
    const attw = await tool('@arethetypeswrong/cli', 'attw');
    await must(attw, [tarballs.main, '--profile', 'esm-only', '--no-color', '--no-emoji']);
  });
}
