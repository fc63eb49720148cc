// The platforms that a release has a binary for. Everything else about them (platform packages,
// presets, the OpenSSL build, the gate, docs/platforms.md) hangs on the names in this table.

/**
 * @typedef {object} Target
 * @property {string} name       preset, and the end of the package's name
 * @property {string} package    npm package that carries the binary
 * @property {string} os         as in package.json and process.platform
 * @property {string} cpu        as in package.json and process.arch
 * @property {string} [libc]     as in package.json: glibc or musl
 * @property {'zig'|'mingw'} compiler
 * @property {string} triple     what the compiler is asked for; zig takes a glibc floor behind it
 * @property {{ target: string, flags?: string[] }} openssl   OpenSSL's own name, and flags for it
 */

// Where OpenSSL has no assembly for a target, its plain C AES looks secrets up in tables, which
// the cache gives away; this picks its constant-time variant.
const CONSTANT_TIME_AES = '-DOPENSSL_AES_CONST_TIME';

/** @type {Target[]} */
const table = [
  {
    name: 'linux-x64-gnu',
    os: 'linux',
    cpu: 'x64',
    libc: 'glibc',
    compiler: 'zig',
    triple: 'x86_64-linux-gnu.2.28',
    openssl: { target: 'linux-x86_64' },
  },
  {
    name: 'linux-arm64-gnu',
    os: 'linux',
    cpu: 'arm64',
    libc: 'glibc',
    compiler: 'zig',
    triple: 'aarch64-linux-gnu.2.28',
    openssl: { target: 'linux-aarch64' },
  },
  {
    name: 'linux-x64-musl',
    os: 'linux',
    cpu: 'x64',
    libc: 'musl',
    compiler: 'zig',
    triple: 'x86_64-linux-musl',
    openssl: { target: 'linux-x86_64' },
  },
  {
    name: 'linux-arm64-musl',
    os: 'linux',
    cpu: 'arm64',
    libc: 'musl',
    compiler: 'zig',
    triple: 'aarch64-linux-musl',
    openssl: { target: 'linux-aarch64' },
  },
  {
    name: 'win32-x64',
    os: 'win32',
    cpu: 'x64',
    compiler: 'mingw',
    triple: 'x86_64-w64-mingw32',
    openssl: { target: 'mingw64' },
  },
  {
    name: 'win32-arm64',
    os: 'win32',
    cpu: 'arm64',
    compiler: 'zig',
    triple: 'aarch64-windows-gnu',
    // OpenSSL 3.0 knows no Windows on ARM with this compiler: its 64-bit MinGW target without the
    // x86 assembly is the same platform layer.
    openssl: { target: 'mingw64', flags: ['no-asm', CONSTANT_TIME_AES] },
  },
];

export const targets = table.map((target) => ({ ...target, package: `node-tpm2-${target.name}` }));

/** @param {string} name */
export function findTarget(name) {
  const found = targets.find((target) => target.name === name || target.package === name);
  if (!found) {
    const known = targets.map((target) => target.name).join(', ');
    throw new Error(`unknown target "${name}": choose from ${known}`);
  }
  return found;
}
