// Packages from the npm registry that are used as tools: fetched by npm, which checks them against
// the registry's integrity, and kept unpacked in the user's cache folder.

import fs from 'node:fs';
import path from 'node:path';
import { onInterrupt } from '../lib/process.mjs';
import { cacheFolder, digest, Failure, moveIntoPlace, must } from './shell.mjs';

/**
 * @param {string} name
 * @param {string} version exact
 * @param {{ integrity?: string }} [options] what the package must be, where that is not to be
 *   left to the registry
 * @returns {Promise<string>} the folder with the package's files
 */
export async function npmPackage(name, version, { integrity } = {}) {
  const parent = cacheFolder('npm');
  const pin = integrity ? `-${digest('sha256', { text: integrity }).slice(0, 12)}` : '';
  const folder = path.join(parent, `${name.replace('/', '+')}@${version}${pin}`);
  if (fs.existsSync(folder)) return folder;
  const temporary = fs.mkdtempSync(path.join(parent, 'unpack-'));
  const clean = () => fs.rmSync(temporary, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    console.log(`fetching ${name}@${version}`);
    await must('npm', ['pack', '--silent', `${name}@${version}`], { cwd: temporary });
    const tarball = fs.readdirSync(temporary).find((entry) => entry.endsWith('.tgz'));
    const file = path.join(temporary, tarball);
    const found = `sha512-${digest('sha512', { file }, 'base64')}`;
    if (integrity && found !== integrity) {
      throw new Failure(`${name}@${version} has the integrity ${found}, pinned is ${integrity}`);
    }
    await must('tar', ['-xzf', file, '--no-same-owner', '-C', temporary]);
    fs.rmSync(file);
    const [unpacked] = fs.readdirSync(temporary);
    moveIntoPlace(path.join(temporary, unpacked), folder);
  } finally {
    clean();
    forget();
  }
  return folder;
}
