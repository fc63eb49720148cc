// Debian's cloud kernel, kept in the user's cache folder: its TPM drivers are built in, and it boots
// in half the time of the full one.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from './packages.mjs';

const META_PACKAGE = 'linux-image-cloud-amd64';
const PREFIX = 'kernel-';
// What the guest loads: the port to the host, and TPMs that can be unplugged.
const WANTED_MODULES = ['virtio_pci', 'virtio_console', 'tpm_vtpm_proxy'];

/** The folder for what is slow to get; survives the clone. */
export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(base, 'node-tpm2', 'vm');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * @param {{ update?: boolean }} [options] update: look for a newer one although one is there
 * @returns {{ version: string, vmlinuz: string, modules: string[] }} modules in loading order
 */
export function ensureKernel({ update = false } = {}) {
  const cache = cacheFolder();
  const cached = newestCached(cache);
  if (cached && !update) return describe(cache, cached);

  const package_ = kernelPackage();
  const version = package_.replace(/^linux-image-/, '');
  const home = join(cache, PREFIX + version);
  if (!existsSync(home)) fetchKernel(cache, package_, version, home);
  return describe(cache, version);
}

function newestCached(cache) {
  return readdirSync(cache)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

function describe(cache, version) {
  const home = join(cache, PREFIX + version);
  const order = JSON.parse(readFileSync(join(home, 'modules.json'), 'utf8'));
  return {
    version,
    vmlinuz: join(home, 'vmlinuz'),
    modules: order.map((name) => join(home, `${name}.ko`)),
  };
}

// The name changes with every update of the distribution, so it is asked for, not written down.
function kernelPackage() {
  const ask = () =>
    spawnSync('apt-cache', ['depends', META_PACKAGE], { encoding: 'utf8' }).stdout ?? '';
  const find = (text) => text.match(/Depends: (linux-image-\S+-cloud-amd64)/)?.[1];
  const known = find(ask());
  if (known) return known;
  if (process.getuid() === 0) run(['apt-get', 'update', '-qq']);
  const name = find(ask());
  if (!name) throw new Error(`apt-cache knows no ${META_PACKAGE}: run apt-get update`);
  return name;
}

// Into a folder of its own, then renamed: a run that is interrupted leaves no half kernel behind.
function fetchKernel(cache, package_, version, home) {
  console.log(`Fetching the guest's kernel, ${package_} (27 MB, once)`);
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    run(['apt-get', 'download', '-qq', '-o', 'APT::Sandbox::User=root', package_], { cwd: work });
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    const tree = join(work, 'tree');
    run(['dpkg-deb', '-x', join(work, archive), tree]);

    const kept = join(work, 'kept');
    mkdirSync(kept);
    renameSync(join(tree, 'boot', `vmlinuz-${version}`), join(kept, 'vmlinuz'));
    const order = keepModules(join(tree, 'lib', 'modules', version), kept);
    writeFileSync(join(kept, 'modules.json'), JSON.stringify(order));
    renameSync(kept, home);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// A module's dependencies stand in the module itself, so depmod's tables are not needed.
function keepModules(root, kept) {
  const files = new Map(
    readdirSync(root, { recursive: true })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [moduleName(path), join(root, path)]),
  );
  const order = [];
  const visit = (name) => {
    if (order.includes(name)) return;
    const path = files.get(name);
    if (!path) return; // built into this kernel
    const depends =
      readFileSync(path)
        .toString('latin1')
        .match(/\0depends=([^\0]*)\0/)?.[1] ?? '';
    for (const other of depends.split(',').filter(Boolean)) visit(other);
    renameSync(path, join(kept, `${name}.ko`));
    order.push(name);
  };
  for (const name of WANTED_MODULES) visit(name);
  return order;
}

function moduleName(path) {
  return basename(path, '.ko').replaceAll('-', '_');
}
