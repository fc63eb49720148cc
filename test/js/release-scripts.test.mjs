// What the release scripts conclude, without building anything.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownSources, sourceEntry } from '../../scripts/release/openssl-source.mjs';
import { expectOneVersion } from '../../scripts/release/pack.mjs';
import { sameBytes } from '../../scripts/release/reproduce.mjs';
import { moveIntoPlace } from '../../scripts/release/shell.mjs';

const root = path.resolve(import.meta.dirname, '../..');

describe('packing', () => {
  let clone;
  beforeEach(() => {
    clone = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-clone-'));
    for (const name of ['package.json', 'package-lock.json', 'CMakeLists.txt', 'prebuilds']) {
      const filter = (file) => !file.endsWith('.node');
      fs.cpSync(path.join(root, name), path.join(clone, name), { recursive: true, filter });
    }
  });
  afterEach(() => fs.rmSync(clone, { recursive: true }));

  const change = (file, from, to) => {
    const place = path.join(clone, file);
    const text = fs.readFileSync(place, 'utf8');
    fs.writeFileSync(place, text.replace(from, to));
    expect(fs.readFileSync(place, 'utf8')).not.toBe(text);
  };

  it('takes the one version that all files name', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    expect(expectOneVersion(clone)).toBe(version);
  });

  const json = /"version": "[^"]*"/;
  const other = '"version": "77.7.7"';
  it.for([
    ['package.json', json, other, /package\.json is at 77\.7\.7, but package-lock/],
    ['package-lock.json', json, other, /package-lock\.json is at 77\.7\.7/],
    ['CMakeLists.txt', /VERSION \d+\.\d+\.\d+/, 'VERSION 77.7.7', /CMakeLists\.txt is at 77\.7\.7/],
    ['prebuilds/node-tpm2-win32-arm64/package.json', json, other, /win32-arm64 is at 77\.7\.7/],
  ])('refuses another version in %s', ([file, from, to, message]) => {
    change(file, from, to);
    expect(() => expectOneVersion(clone)).toThrow(message);
  });
});

describe('the source of OpenSSL is looked for', () => {
  const target = (changes = {}) => {
    const fields = {
      Origin: 'Debian',
      Component: 'main',
      Release: 'bookworm',
      Sourcesentry: '/etc/apt/sources.list.d/debian.sources:1',
      ...changes,
    };
    return `${Object.entries(fields)
      .map((pair) => pair.join(': '))
      .join('\n')}\n`;
  };
  const debian = 'ID=debian\nVERSION_CODENAME=bookworm\n';
  const ubuntu = 'ID=ubuntu\nVERSION_CODENAME=noble\n';
  const first = { file: '/etc/apt/sources.list.d/debian.sources', number: 1 };

  it("in the distribution's sources, each once", () => {
    const updates = target({ Release: 'bookworm-updates' });
    expect(ownSources([target(), updates].join('\n'), debian)).toEqual([first]);
    const line = { Origin: 'Ubuntu', Release: 'noble-security', Sourcesentry: '/a b/c.list:7' };
    expect(ownSources(target(line), ubuntu)).toEqual([{ file: '/a b/c.list', number: 7 }]);
  });

  it.for([
    ["somebody else's for the same release", { Origin: 'Docker' }],
    ['one that names no origin', { Origin: undefined }],
    ['another release', { Release: 'trixie' }],
    ['another component', { Component: 'contrib' }],
  ])('not in %s', ([, changes]) => {
    expect(ownSources(target(changes), debian)).toEqual([]);
  });

  it('with the keys that its entry asks for', () => {
    const stanza = (types) =>
      `Types: ${types}\nURIs: http://a.test/\nSuites: bookworm\nSigned-By:\n -----BEGIN\n .\n abc\n`;
    const text = `# a comment alone\n\n# and one within\nTypes: deb\nURIs: no\n\n${stanza('deb')}`;
    expect(sourceEntry(text, 'a.sources', 2)).toBe(stanza('deb-src'));
    const line = '[signed-by=/usr/share/keyrings/a.gpg] http://a.test/ bookworm main';
    expect(sourceEntry(`# x\n\ndeb ${line}\n`, 'a.list', 3)).toBe(`deb-src ${line}\n`);
  });
});

describe('a cache that two runs fill at once', () => {
  it('keeps what the faster one has put there', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tpm2-cache-'));
    try {
      const place = path.join(folder, 'place');
      for (const run of ['faster', 'slower']) {
        fs.mkdirSync(path.join(folder, run));
        fs.writeFileSync(path.join(folder, run, run), '');
      }
      moveIntoPlace(path.join(folder, 'faster'), place);
      moveIntoPlace(path.join(folder, 'slower'), place);
      expect(fs.readdirSync(place)).toEqual(['faster']);
      expect(() => moveIntoPlace(path.join(folder, 'none'), place)).toThrow('ENOENT');
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe('two builds are the same', () => {
  const hashes = {
    'given: addon': 'a',
    'given: libcrypto': 'b',
    'another-folder: addon': 'a',
    'another-folder: libcrypto': 'b',
  };
  const without = (name) => Object.fromEntries(Object.entries(hashes).filter(([k]) => k !== name));

  it('when each part was built twice and has the same hash', () => {
    expect(sameBytes(hashes, ['addon', 'libcrypto'])).toBe(true);
  });

  it.for(Object.keys(hashes))('not when %s differs', (name) => {
    expect(sameBytes({ ...hashes, [name]: 'c' }, ['addon', 'libcrypto'])).toBe(false);
  });

  it.for(Object.keys(hashes))('not when %s is missing, so that nothing was compared', (name) => {
    expect(sameBytes(without(name), ['addon', 'libcrypto'])).toBe(false);
  });

  it('whatever the parts are that were not asked for', () => {
    expect(sameBytes(without('given: libcrypto'), ['addon'])).toBe(true);
    expect(sameBytes({}, ['addon'])).toBe(false);
  });
});
