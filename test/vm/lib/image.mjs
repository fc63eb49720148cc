// What the guest's file system holds: a base that changes with the machine's programs and is kept in
// the cache, and the project's files, written anew behind it for every run.
import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder } from '../../../scripts/lib/cmake.mjs';
import { Failure, findProgram, onInterrupt, root, run } from '../../../scripts/lib/process.mjs';
import { CpioWriter } from './cpio.mjs';
import { cacheFolder, mustRun } from './kernel.mjs';

const ADDON = join(buildFolder('release'), 'node_tpm2.node');

// In the guest the project lies here, so that `import 'node-tpm2'` resolves as it does in a clone.
const GUEST_PROJECT = 'project';
// CMakeLists.txt is what native.cjs knows a checkout by, where it looks into build/release.
const PROJECT_FILES = [
  'package.json',
  'index.js',
  'api.js',
  'native.cjs',
  'verifier.js',
  'CMakeLists.txt',
];
const PROJECT_FOLDERS = ['lib', 'test/vm/guest', 'test/vm/scenarios'];
const A_DAY = 24 * 3600 * 1000;

const ACCOUNTS = {
  'etc/passwd': [
    'root:x:0:0::/:/bin/sh',
    'tss:x:110:110::/:/bin/false',
    'alice:x:1000:1000::/tmp:/bin/sh',
    'bob:x:1001:1001::/tmp:/bin/sh',
  ],
  'etc/group': ['root:x:0:', 'tss:x:110:alice', 'alice:x:1000:', 'bob:x:1001:'],
  'etc/nsswitch.conf': ['passwd: files', 'group: files'],
};

/**
 * @param {{ version: string, modules: string[] }} kernel
 * @returns {Promise<string>} the base archive's path, from the cache or made now
 */
export async function ensureBase(kernel) {
  const programs = {
    node: realpathSync(process.execPath),
    busybox: findProgram('busybox'),
    swtpm: findProgram('swtpm'),
  };
  const cache = cacheFolder();
  const path = join(cache, `base-${await baseKey(kernel, programs)}.cpio`);
  if (existsSync(path)) return path;

  console.log("Building the guest's base image (100 MB, once)");
  const work = mkdtempSync(join(cache, 'image-'));
  const clearUp = () => rmSync(work, { recursive: true, force: true });
  const done = onInterrupt(clearUp);
  try {
    const made = join(work, 'base.cpio');
    await writeBase(made, kernel, programs, work);
    renameSync(made, path);
  } finally {
    clearUp();
    done();
  }
  dropOldBases(cache, path);
  return path;
}

/**
 * @param {string} base the base archive
 * @param {string} path the image to make: the base and the project's files
 */
export async function writeImage(base, path) {
  copyFileSync(base, path, constants.COPYFILE_FICLONE);
  const archive = new CpioWriter(path, { append: true });
  archive.copy('init', join(root, 'test/vm/guest/init'), 0o755);
  for (const file of projectFiles()) archive.copy(`${GUEST_PROJECT}/${file}`, join(root, file));
  if (existsSync(ADDON)) {
    archive.copy(`${GUEST_PROJECT}/build/release/${basename(ADDON)}`, ADDON, 0o755);
    await copyLibraries(archive, ADDON);
  }
  archive.close();
}

function projectFiles() {
  const inFolders = PROJECT_FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap(
    (folder) =>
      readdirSync(join(root, folder), { recursive: true })
        .map((name) => join(folder, name))
        .filter((file) => statSync(join(root, file)).isFile()),
  );
  return [...PROJECT_FILES.filter((file) => existsSync(join(root, file))), ...inFolders];
}

async function baseKey(kernel, programs) {
  const hash = createHash('sha256').update(JSON.stringify([kernel.version, ACCOUNTS]));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  for (const program of Object.values(programs)) {
    for (const file of [program, ...(await libraries(program))]) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function writeBase(path, kernel, programs, work) {
  const archive = new CpioWriter(path);
  for (const folder of ['proc', 'sys', 'dev', 'root', 'run']) archive.directory(folder);
  archive.directory('tmp', 0o1777);
  for (const [file, lines] of Object.entries(ACCOUNTS)) archive.file(file, `${lines.join('\n')}\n`);

  archive.copy('bin/busybox', programs.busybox, 0o755);
  archive.symlink('bin/sh', 'busybox');

  // Debugging symbols are a tenth of node, and every byte is unpacked at each boot.
  const node = join(work, 'node');
  await mustRun('strip', ['-o', node, programs.node]);
  archive.copy('bin/node', node, 0o755);
  archive.copy('bin/swtpm', programs.swtpm, 0o755);
  const seen = new Set();
  await copyLibraries(archive, programs.node, seen);
  await copyLibraries(archive, programs.swtpm, seen);

  archive.file('modules/order', `${kernel.modules.map((module) => basename(module)).join('\n')}\n`);
  for (const module of kernel.modules) archive.copy(`modules/${basename(module)}`, module);
  archive.close();
}

async function copyLibraries(archive, program, seen = new Set()) {
  for (const library of await libraries(program)) {
    if (seen.has(library)) continue;
    seen.add(library);
    archive.copy(library.slice(1), library, 0o755);
  }
}

// The path that the loader found, not the file behind its links: there the guest's loader looks too.
async function libraries(program) {
  const listing = (await run('ldd', [program])).output; // names none for a static program
  const lost = listing.match(/^\s*(\S+) => not found/m);
  if (lost) throw new Failure(`${program} needs ${lost[1]}, which is not on this machine`);
  return [...listing.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]);
}

// Only those that no run of today can be using.
function dropOldBases(cache, current) {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (!/^base-.*\.cpio$/.test(name) || path === current) continue;
    if (Date.now() - statSync(path).mtimeMs > A_DAY) rmSync(path, { force: true });
  }
}
