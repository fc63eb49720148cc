// What the release scripts conclude, without building anything.

import { describe, expect, it } from 'vitest';
import { sameBytes } from '../../scripts/release/reproduce.mjs';

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
