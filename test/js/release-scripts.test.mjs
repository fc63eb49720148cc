// What the release scripts conclude, without building anything.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectOneVersion } from '../../scripts/release/pack.mjs';
import { sameBytes } from '../../scripts/release/reproduce.mjs';

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
