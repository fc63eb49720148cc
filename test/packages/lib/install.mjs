// An empty folder with the packed tarballs in it, installed by npm with nothing to reach: no
// registry, no cache, no configuration of the machine's.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { must } from '../../../scripts/release/shell.mjs';

const kFixtures = path.join(import.meta.dirname, '..', 'app');
const kExample = path.join(import.meta.dirname, '..', '..', '..', 'examples', 'smoke-test.mjs');

/**
 * @param {string} folder to be made
 * @param {{ main: string, platforms: Record<string, string> }} tarballs
 * @param {{ platform?: { os: string, cpu: string, libc?: string }, args?: string[] }} [options]
 *   `platform`: install for that one instead of this machine's
 */
export async function installApp(folder, tarballs, { platform, args = [] } = {}) {
  fs.mkdirSync(folder);
  const files = (list) =>
    Object.fromEntries(Object.entries(list).map(([name, file]) => [name, `file:${file}`]));
  const manifest = {
    name: 'app',
    version: '1.0.0',
    private: true,
    dependencies: files({ 'node-tpm2': tarballs.main }),
    // Stands in for the registry: npm still decides by os, cpu and libc what is installed.
    overrides: files(tarballs.platforms),
  };
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  fs.cpSync(kFixtures, folder, { recursive: true });
  if (fs.existsSync(kExample)) fs.copyFileSync(kExample, path.join(folder, 'smoke-test.mjs'));
  const target = platform
    ? [
        `--os=${platform.os}`,
        `--cpu=${platform.cpu}`,
        ...(platform.libc ? [`--libc=${platform.libc}`] : []),
      ]
    : [];
  const cache = path.join(folder, '.npm');
  await must('npm', ['install', '--offline', '--no-audit', '--no-fund', ...target, ...args], {
    cwd: folder,
    env: {
      npm_config_userconfig: os.devNull,
      npm_config_cache: cache,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_nodedir: undefined,
    },
  });
  fs.rmSync(cache, { recursive: true, force: true });
  return folder;
}

/** The platform packages that npm has put into an installed folder. */
export function installedPlatforms(folder) {
  return fs
    .readdirSync(path.join(folder, 'node_modules'))
    .filter((name) => name.startsWith('node-tpm2-'));
}
