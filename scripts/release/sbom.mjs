// What is inside a binary that we did not write, as a CycloneDX 1.5 document. It has no date and no
// random number: the same binary gives the same document.

import fs from 'node:fs';
import path from 'node:path';
import { digest, root } from './shell.mjs';
import { zig } from './toolchain.mjs';

const kLicense = (id) => [{ license: { id } }];

function locked(name) {
  const lock = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const { version } = lock.packages[`node_modules/${name}`];
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name}@${version}`,
    licenses: kLicense('MIT'),
  };
}

const kLlvm = [{ expression: 'Apache-2.0 WITH LLVM-exception' }];
const kGcc = [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }];

// Of zig's own sources.
function zigRuntime(target, libraries) {
  const description = `as in zig ${zig.version}`;
  const part = (name, version, licenses) => ({
    type: 'library',
    name,
    version,
    description,
    licenses,
  });
  const list = ['libc++', 'libc++abi', 'libunwind'].map((name) =>
    part(name, libraries.llvm, kLlvm),
  );
  list.push(part('compiler_rt', libraries.compilerRt, kLicense('MIT')));
  if (target.os === 'win32') {
    list.push(part('mingw-w64-crt', libraries.mingw, kLicense('ZPL-2.1')));
  } else if (target.libc === 'musl') {
    list.push(part('musl (start-up code)', libraries.musl, kLicense('MIT')));
  } else {
    const licenses = [{ license: { name: 'LGPL-2.1-or-later with the exception for linking' } }];
    list.push(part('glibc (start-up code)', libraries.glibc, licenses));
  }
  return list;
}

// Of Debian's packages.
function mingwRuntime({ gcc, mingw }) {
  const part = (name, version, licenses) => ({
    type: 'library',
    name,
    version,
    description: 'as in Debian',
    licenses,
  });
  return [
    part('libstdc++', gcc, kGcc),
    part('libgcc', gcc, kGcc),
    part('mingw-w64-crt', mingw, kLicense('ZPL-2.1')),
    part('winpthreads', mingw, [{ expression: 'MIT AND BSD-3-Clause' }]),
  ];
}

function runtime(target, libraries) {
  return target.compiler === 'zig' ? zigRuntime(target, libraries) : mingwRuntime(libraries);
}

/**
 * @param {import('./targets.mjs').Target} target
 * @param {{ file: string, openssl: { version: string, sha256: string, compiler: string,
 *   libraries: Record<string, string> }, version: string }} built `openssl`: of ensureOpenSsl()
 * @returns {object}
 */
export function sbom(target, { file, openssl, version }) {
  const hash = digest('sha256', { file });
  const serial = digest('sha256', { text: `${target.package}@${version} ${hash}` });
  // A UUID of version 8 (RFC 9562): the bits are ours to define.
  const uuid = [
    serial.slice(0, 8),
    serial.slice(8, 12),
    `8${serial.slice(13, 16)}`,
    `8${serial.slice(17, 20)}`,
    serial.slice(20, 32),
  ].join('-');
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': target.package,
        name: target.package,
        version,
        purl: `pkg:npm/${target.package}@${version}`,
        hashes: [{ alg: 'SHA-256', content: hash }],
        licenses: kLicense('Apache-2.0'),
      },
      properties: [{ name: 'node-tpm2:compiler', value: openssl.compiler }],
    },
    components: [
      {
        type: 'library',
        name: 'openssl',
        version: openssl.version,
        description: 'libcrypto, statically linked, with the options of scripts/build-openssl.mjs',
        purl: `pkg:generic/openssl@${openssl.version}`,
        cpe: `cpe:2.3:a:openssl:openssl:${openssl.version}:*:*:*:*:*:*:*`,
        hashes: [{ alg: 'SHA-256', content: openssl.sha256 }],
        licenses: kLicense('Apache-2.0'),
      },
      locked('node-addon-api'),
      locked('node-api-headers'),
      ...runtime(target, openssl.libraries),
    ].map((component) => ({ 'bom-ref': component.name, ...component })),
    dependencies: [],
  };
}
