// Debian's cloud kernel, kept in the user's cache folder: its TPM drivers are built in, and it boots
// in half the time of the full one.
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
import { Failure, onInterrupt, run, tail } from '../../../scripts/lib/process.mjs';

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
 * @returns {Promise<{ version: string, vmlinuz: string, modules: string[] }>} modules in loading order
 */
export async function ensureKernel({ update = false } = {}) {
  const cache = cacheFolder();
  const cached = newestCached(cache);
  if (cached && !update) return describe(cache, cached);

  const fetched =
    (await fetchNewest(cache)) ?? ((await updateLists()) && (await fetchNewest(cache)));
  if (!fetched) throw new Failure(`apt-get cannot download ${META_PACKAGE}: run apt-get update`);
  return describe(cache, fetched);
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

// Gives the version, or undefined if the package lists are missing or out of date. The name of the
// kernel's package changes with every update of the distribution, so it is asked for.
async function fetchNewest(cache) {
  const { output } = await run('apt-cache', ['depends', META_PACKAGE]);
  const version = output.match(/Depends: linux-image-(\S+-cloud-amd64)/)?.[1];
  if (!version) return undefined;
  const there = existsSync(join(cache, PREFIX + version));
  return there || (await fetchKernel(cache, version)) ? version : undefined;
}

async function updateLists() {
  if (process.getuid() !== 0) return false;
  await mustRun('apt-get', ['update', '-qq']);
  return true;
}

/**
 * Runs a program that has to succeed.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 */
export async function mustRun(program, args, options) {
  const { code, output } = await run(program, args, options);
  if (code !== 0) {
    throw new Failure(`${program} ${args.join(' ')}: exit status ${code}\n${tail(output)}`);
  }
  return output;
}

// Into a folder of its own, then renamed: a run that is interrupted leaves no half kernel behind.
async function fetchKernel(cache, version) {
  const package_ = `linux-image-${version}`;
  console.log(`Fetching the guest's kernel, ${package_} (27 MB, once)`);
  const work = mkdtempSync(join(cache, 'fetch-'));
  const clearUp = () => rmSync(work, { recursive: true, force: true });
  const done = onInterrupt(clearUp);
  try {
    const asRoot = ['-o', 'APT::Sandbox::User=root']; // only root may write into this folder
    const download = await run('apt-get', ['download', '-qq', ...asRoot, package_], { cwd: work });
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    if (download.code !== 0 || !archive) {
      console.log(tail(download.output, 5));
      return false;
    }
    const tree = join(work, 'tree');
    await mustRun('dpkg-deb', ['-x', join(work, archive), tree]);

    const kept = join(work, 'kept');
    mkdirSync(kept);
    renameSync(join(tree, 'boot', `vmlinuz-${version}`), join(kept, 'vmlinuz'));
    const order = await keepModules(join(tree, 'lib', 'modules', version), kept);
    writeFileSync(join(kept, 'modules.json'), JSON.stringify(order));
    renameSync(kept, join(cache, PREFIX + version));
    return true;
  } finally {
    clearUp();
    done();
  }
}

// A module's dependencies stand in the module itself, so depmod's tables are not needed.
async function keepModules(root, kept) {
  const list = () => readdirSync(root, { recursive: true }).map((path) => join(root, path));
  const packed = list().filter((path) => path.endsWith('.ko.xz'));
  if (packed.length > 0) await mustRun('xz', ['-d', ...packed]);
  const modules = list().filter((path) => path.endsWith('.ko'));
  const files = new Map(modules.map((path) => [moduleName(path), path]));
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
