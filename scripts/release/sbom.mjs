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

function runtime(target, compiler) {
  if (target.compiler === 'zig') {
    const parts = ['libc++', 'libc++abi', 'libunwind', 'compiler-rt'];
    const libraries = parts.map((name) => ({
      type: 'library',
      name,
      version: '16.0.6',
      description: `as in zig ${zig.version}`,
      licenses: [{ expression: 'Apache-2.0 WITH LLVM-exception' }],
    }));
    if (target.os === 'win32') libraries.push(mingwRuntime(`as in zig ${zig.version}`));
    return libraries;
  }
  const version = /(\d+[\w.-]*)$/.exec(compiler)?.[1] ?? 'unknown';
  const expression = 'GPL-3.0-or-later WITH GCC-exception-3.1';
  const ofGcc = ['libstdc++', 'libgcc'].map((name) => ({
    type: 'library',
    name,
    version,
    licenses: [{ expression }],
  }));
  return [...ofGcc, mingwRuntime('as in Debian')];
}

const mingwRuntime = (description) => ({
  type: 'library',
  name: 'mingw-w64-crt',
  description,
  licenses: kLicense('ZPL-2.1'),
});

/**
 * @param {import('./targets.mjs').Target} target
 * @param {{ file: string, openssl: { version: string, sha256: string, compiler: string },
 *   version: string }} built
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
      ...runtime(target, openssl.compiler),
    ].map((component) => ({ 'bom-ref': component.name, ...component })),
    dependencies: [],
  };
}
