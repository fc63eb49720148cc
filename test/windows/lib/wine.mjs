// Windows processes under Wine, in a prefix of the harness's own.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onInterrupt } from '../../../scripts/lib/process.mjs';
import { CACHE } from './cache.mjs';
import { nodeExe } from './packages.mjs';

const run = promisify(execFile);
const WINE = '/usr/lib/wine/wine64';
const WINESERVER = '/usr/lib/wine/wineserver64';
// Part of the cached prefix's name: raise it when the way it is made changes.
const PREFIX_VERSION = 1;

/** A file of this machine as a Windows program names it. */
export const windowsPath = (file) => `Z:${path.resolve(file).replaceAll('/', '\\')}`;

export class Wine {
  #base;
  #forget = onInterrupt(() => this.close());

  constructor(prefix, folder) {
    this.prefix = prefix;
    this.folder = folder;
    this.#base = {
      PATH: process.env.PATH,
      HOME: folder,
      LANG: 'C.UTF-8',
      WINEPREFIX: prefix,
      WINEDEBUG: '-all',
      WINESERVER,
      WINEARCH: 'win64',
    };
  }

  /**
   * Makes a prefix (from a cached one, Windows 10) in a private folder, with the doubles in its
   * system32. End it with close().
   * @param {string} [doubles] folder of tbs.dll and ncrypt.dll; without it Wine's own are used
   */
  static async open(doubles) {
    const template = await template64();
    const folder = await mkdtemp(path.join(tmpdir(), 'node-tpm2-wine-'));
    try {
      const prefix = path.join(folder, 'prefix');
      await copyPrefix(template, prefix);
      const wine = new Wine(prefix, folder);
      if (doubles) await wine.useDoubles(doubles);
      return wine;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Puts the doubles into system32, for the programs that start from now on.
   * @param {string} folder
   * @param {{ tbs?: string }} [options] tbs: 'old' without Tbsi_GetDeviceInfo and
   *   Tbsi_Get_TCG_Log_Ex, 'crippled' without Tbsip_Cancel_Commands
   */
  async useDoubles(folder, { tbs } = {}) {
    const libraries = { 'tbs.dll': tbs ? `${tbs}-tbs.dll` : 'tbs.dll', 'ncrypt.dll': 'ncrypt.dll' };
    for (const [name, source] of Object.entries(libraries)) {
      const target = path.join(this.prefix, 'drive_c/windows/system32', name);
      await rm(target); // it may be a link to the template's
      await copyFile(path.join(folder, source), target);
    }
  }

  /**
   * Starts a Windows program; its output goes to files, for Wine's node.exe cannot write to pipes.
   * @param {string} program a .exe, or a script for node.exe
   * @param {{ args?: string[], nodeArgs?: string[], env?: object, doubles?: boolean, cwd?: string }}
   *   [options] nodeArgs: options of node.exe itself; doubles: false loads Wine's own tbs.dll, which knows no TPM
   */
  async spawn(program, { args = [], nodeArgs = [], env = {}, doubles = true, cwd } = {}) {
    const script = !program.endsWith('.exe');
    const command = script
      ? [nodeExe(), ...nodeArgs, windowsPath(program), ...args]
      : [program, ...args];
    const folder = await mkdtemp(path.join(this.folder, 'run-'));
    const names = ['stdout', 'stderr'].map((name) => path.join(folder, name));
    const files = await Promise.all(names.map((name) => open(name, 'w')));
    const child = spawn(WINE, command, {
      cwd: cwd ?? folder,
      env: {
        ...this.#base,
        WINEDLLOVERRIDES: doubles ? 'tbs,ncrypt=n,b' : 'tbs,ncrypt=b',
        ...env,
      },
      stdio: ['ignore', files[0].fd, files[1].fd],
    });
    const exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? `signal ${signal}`));
    });
    await Promise.all(files.map((file) => file.close()));
    const output = async () => {
      const [stdout, stderr] = await Promise.all(names.map((name) => readFile(name, 'utf8')));
      return { stdout, stderr };
    };
    return {
      child,
      output,
      /** @returns {Promise<{ code: number | string, stdout: string, stderr: string }>} */
      result: async () => ({ code: await exited, ...(await output()) }),
    };
  }

  /** Runs a Windows program to its end; kills it after `timeoutMs` (code then names the signal). */
  async run(program, { timeoutMs = 300_000, ...options } = {}) {
    const started = await this.spawn(program, options);
    const timer = setTimeout(() => started.child.kill('SIGKILL'), timeoutMs);
    try {
      return await started.result();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends everything that runs in this prefix. */
  async stop() {
    // Exit status 1 only says that no server was running.
    await run(WINESERVER, ['-k'], { env: this.#base }).catch(() => {});
    await run(WINESERVER, ['-w'], { env: this.#base }).catch(() => {});
    const server = await readFile(path.join(this.prefix, 'wineserver'), 'utf8').catch(() => '');
    if (/^wine-\w+$/.test(server))
      await rm(path.join('/tmp', server), { recursive: true, force: true });
  }

  async close() {
    this.#forget();
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

// The prefix holds 700 MB of libraries that nobody writes to: those are linked where the file system
// allows it, and only the registry is copied.
async function copyPrefix(template, prefix) {
  try {
    await run('cp', ['-al', template, prefix]);
  } catch {
    await rm(prefix, { recursive: true, force: true });
    await run('cp', ['-a', template, prefix]);
  }
  for (const name of (await readdir(prefix)).filter((name) => name.endsWith('.reg'))) {
    await rm(path.join(prefix, name));
    await copyFile(path.join(template, name), path.join(prefix, name));
  }
  // Debian's Wine names its server's folder there: a copy would meet the template's server.
  await rm(path.join(prefix, 'wineserver'), { force: true });
}

async function template64() {
  const { stdout } = await run(WINE, ['--version'], { env: { PATH: process.env.PATH } });
  const name = `wine-prefix-${PREFIX_VERSION}-${stdout.trim().replaceAll(/[^\w.-]/g, '_')}`;
  const template = path.join(CACHE, name);
  if (existsSync(template)) return template;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(path.join(CACHE, 'prefix-'));
  const wine = new Wine(path.join(work, 'prefix'), work);
  try {
    const env = { WINEDLLOVERRIDES: 'mscoree,mshtml=' }; // no question about Mono and Gecko
    await wine.run('wineboot.exe', { args: ['-i'], env });
    const key = ['add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
    const { code, stderr } = await wine.run('reg.exe', { args: key, env });
    if (code !== 0) throw new Error(`could not make a Wine prefix: ${stderr}`);
    await wine.stop();
    await rename(wine.prefix, template).catch((error) => {
      if (!existsSync(template)) throw error;
    });
  } finally {
    await wine.close();
  }
  return template;
}
