// The rules of the house, by the look of its files: which room may include which, who may know of
// Node, how long a file gets, and what has no place in the repository.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');

/**
 * The floors, from the ground up. A file includes its own room and lower floors only, so rooms on
 * one floor do not know each other.
 */
const kFloors = [
  ['base'],
  ['codec'],
  ['structures'],
  ['commands'],
  ['crypto', 'transport'],
  ['session'],
  ['exec'],
  ['operations'],
  ['pcp'],
  ['client', 'verifier'],
  ['addon'],
];
const floorOf = (room) => kFloors.findIndex((rooms) => rooms.includes(room));

/** Public headers at the top of include/tpm2 whose room their name does not tell. */
const kPublicHeaders = {
  'bytes.h': 'base',
  'constants.h': 'base',
  'error.h': 'base',
  'response_code.h': 'codec',
  'wire_types.h': 'codec',
  'command.h': 'commands',
  'describe.h': 'commands',
  'executor.h': 'exec',
};

const kLongestFile = 450;

function filesBelow(folder, pattern) {
  const found = [];
  const walk = (at) => {
    for (const entry of fs.readdirSync(path.join(root, at), { withFileTypes: true })) {
      const file = `${at}/${entry.name}`;
      if (entry.isDirectory()) walk(file);
      else if (pattern.test(entry.name)) found.push(file);
    }
  };
  walk(folder);
  return found.sort();
}

const sources = [...filesBelow('include', /\.h$/), ...filesBelow('src', /\.(h|cc)$/)];

/** The room of a file, or undefined for one that nobody has given a place. */
function roomOf(file) {
  const parts = file.split('/');
  if (parts[0] === 'src') {
    // src/codec also holds the bodies of what structures/ and commands/ declare.
    return parts[1] === 'codec' && file.endsWith('.cc') ? 'commands' : parts[1];
  }
  if (parts.length > 3) return parts[2];
  const name = parts[2];
  if (kPublicHeaders[name]) return kPublicHeaders[name];
  const stem = name.replace(/\.h$/, '');
  if (floorOf(stem) >= 0) return stem;
  const body = sources.find((source) => source.endsWith('.cc') && path.parse(source).name === stem);
  return body?.split('/')[1];
}

function includesOf(text) {
  return [...text.matchAll(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm)].map(([, kind, name]) => ({
    name,
    own: kind === '"',
  }));
}

/** The file that an include means: our headers are named from include/ or from src/. */
function target(name) {
  return [`include/${name}`, `src/${name}`].find((file) => sources.includes(file));
}

/** What is wrong with an include, or undefined. */
function arrowProblem(fromRoom, toRoom) {
  if (fromRoom === toRoom) return undefined;
  const [from, to] = [floorOf(fromRoom), floorOf(toRoom)];
  if (from > to) return undefined;
  return `${fromRoom} may not include ${toRoom}`;
}

describe('includes', () => {
  it('are judged by floors', () => {
    expect(arrowProblem('exec', 'codec')).toBeUndefined();
    expect(arrowProblem('exec', 'exec')).toBeUndefined();
    expect(arrowProblem('codec', 'exec')).toBe('codec may not include exec');
    expect(arrowProblem('crypto', 'transport')).toBe('crypto may not include transport');
    expect(includesOf('#include <vector>\n  # include "tpm2/bytes.h"\n')).toEqual([
      { name: 'vector', own: false },
      { name: 'tpm2/bytes.h', own: true },
    ]);
  });

  it('point downward only', () => {
    expect(sources.length).toBeGreaterThan(0);
    const problems = [];
    for (const file of sources) {
      const room = roomOf(file);
      if (floorOf(room) < 0)
        problems.push(`${file}: which room is it in? Say so in kPublicHeaders`);
      for (const { name, own } of includesOf(read(file))) {
        const other = target(name);
        if (!other) {
          if (own && !/^napi/.test(name)) problems.push(`${file}: no such file ${name}`);
          continue;
        }
        const problem = arrowProblem(room, roomOf(other));
        if (problem) problems.push(`${file}: includes ${name}: ${problem}`);
      }
    }
    expect(problems).toEqual([]);
  });

  it('of Node are in src/addon alone, and of napi.h in one file of it', () => {
    const node = /^(napi|node_api|js_native_api|node|uv|v8)([-_/].*)?\.h$/;
    const users = sources.filter((file) => includesOf(read(file)).some((i) => node.test(i.name)));
    expect(users.filter((file) => !file.startsWith('src/addon/'))).toEqual([]);
    const napi = sources.filter((file) => includesOf(read(file)).some((i) => i.name === 'napi.h'));
    expect(napi.filter((file) => file !== 'src/addon/napi_setup.h')).toEqual([]);
  });

  it('of public headers are free of OpenSSL and of private headers', () => {
    const problems = sources
      .filter((file) => file.startsWith('include/'))
      .flatMap((file) => includesOf(read(file)).map(({ name, own }) => ({ file, name, own })))
      .filter(({ name, own }) => /^openssl\//.test(name) || (own && !name.startsWith('tpm2/')));
    expect(problems).toEqual([]);
  });
});

describe('the type declarations', () => {
  const manifest = JSON.parse(read('package.json'));
  const shipped = (file) =>
    manifest.files.some((entry) => (entry.endsWith('/') ? file.startsWith(entry) : file === entry));
  /** The declarations that a file brings in: './x.js' means './x.d.ts'. */
  const imported = (file) =>
    [...read(file).matchAll(/\bfrom '(\.[^']+)\.js'/g)].map(([, name]) =>
      path.posix.join(path.posix.dirname(file), `${name}.d.ts`),
    );

  it('are shipped with all that they import, and no others are', () => {
    const entries = Object.values(manifest.exports).map((entry) => entry.types);
    const reached = new Set(entries.filter(Boolean).map((entry) => path.posix.normalize(entry)));
    for (const file of reached) for (const other of imported(file)) reached.add(other);
    expect(reached.size).toBeGreaterThan(2);
    expect([...reached].filter((file) => !shipped(file))).toEqual([]);
    const there = fs.readdirSync(path.join(root, 'types')).map((name) => `types/${name}`);
    expect(there.filter((file) => !reached.has(file))).toEqual([]);
  });
});

const listing = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
const tracked = listing.status === 0 ? listing.stdout.split('\0').filter(Boolean) : [];
/** A file may be gone from the working tree before its removal is committed. */
const present = tracked.filter((file) => fs.existsSync(path.join(root, file)));

// An archive of the sources has no list of what is tracked.
describe.skipIf(tracked.length === 0)('the repository', () => {
  it('has no file that is too long', () => {
    const long = present
      .filter((file) => /\.(cc|h|mjs|cjs|js|ts|cmake|in)$/.test(file))
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > kLongestFile);
    expect(long).toEqual([]);
  });

  it('names no path of a machine and no registry host', () => {
    // Put together here, so that this file does not name what it forbids.
    const folders = ['work', 'root', 'home/[a-z][-a-z0-9_]*', 'Users/[A-Za-z]+'].join('|');
    const machinePath = new RegExp(`(?:^|[\\s"'\`(=:,])/(?:${folders})/[\\w.]`, 'm');
    const hosts = [
      ['registry', 'npmjs', 'org'],
      ['registry', 'yarnpkg', 'com'],
      ['deb', 'debian', 'org'],
      ['security', 'debian', 'org'],
      ['snapshot', 'debian', 'org'],
      ['deb', 'nodesource', 'com'],
      ['static', 'crates', 'io'],
      ['files', 'pythonhosted', 'org'],
    ].map((labels) => labels.join('.'));
    expect(machinePath.test(`cd ${['', 'root', 'clone'].join('/')}`)).toBe(true);
    const problems = [];
    for (const file of present) {
      const text = read(file);
      if (text.includes('\0')) continue; // A binary, such as a fuzzer's corpus.
      const found = machinePath.exec(text)?.[0] ?? hosts.find((host) => text.includes(host));
      if (found) problems.push(`${file}: ${found.trim()}`);
    }
    expect(problems).toEqual([]);
  });

  it('holds nothing that a build makes', () => {
    const made =
      /(^|\/)(node_modules|build|CMakeFiles|_deps)\/|\.(node|o|a|so|dll|exe|tgz|gcda|gcno|profraw|log|pid)$|(^|\/)(CMakeCache\.txt|compile_commands\.json|core)$/;
    expect(made.test('build/release/node_tpm2.node')).toBe(true);
    expect(tracked.filter((file) => made.test(file))).toEqual([]);
  });
});
