// Debian packages that are fetched and unpacked, not installed: those of another architecture.

import fs from 'node:fs';
import path from 'node:path';
import { onInterrupt } from '../../../scripts/lib/process.mjs';
import { cacheFolder, digest, moveIntoPlace, must } from '../../../scripts/release/shell.mjs';

/**
 * Those of one release of Debian are fetched once: a later version of them is not noticed, which
 * does for the tests that they are for. Nothing that is released is made of them.
 * @param {string[]} names `musl:arm64`, or without architecture
 * @returns {Promise<string>} the folder that stands for `/`
 */
export async function unpackedPackages(names) {
  const cache = cacheFolder('debian');
  const release = /^VERSION_CODENAME=.*$/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[0];
  const key = digest('sha256', { text: [release, ...names].join() });
  const folder = path.join(cache, key.slice(0, 16));
  if (fs.existsSync(folder)) return folder;
  const work = fs.mkdtempSync(path.join(cache, 'unpacking-'));
  const clean = () => fs.rmSync(work, { recursive: true, force: true });
  const forget = onInterrupt(clean);
  try {
    // Lists of its own, with the other architecture: the system's stay as they are.
    const settings = [
      'APT::Architectures::=amd64',
      'APT::Architectures::=arm64',
      'APT::Sandbox::User=root',
      `Dir::State::lists=${path.join(work, 'lists')}`,
      `Dir::Cache=${path.join(work, 'cache')}`,
    ].flatMap((setting) => ['-o', setting]);
    for (const name of ['lists/partial', 'cache/archives/partial', 'root']) {
      fs.mkdirSync(path.join(work, name), { recursive: true });
    }
    await must('apt-get', [...settings, 'update']);
    await must('apt-get', [...settings, 'download', ...names], { cwd: work });
    const archives = fs.readdirSync(work).filter((name) => name.endsWith('.deb'));
    for (const archive of archives) {
      await must('dpkg-deb', ['-x', path.join(work, archive), path.join(work, 'root')]);
    }
    moveIntoPlace(path.join(work, 'root'), folder);
  } finally {
    clean();
    forget();
  }
  return folder;
}
