// A software TPM of the broker's own: manufactured with an endorsement key and certificates by a
// private certificate authority, reached through a unix socket, gone with its folder.
import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function writeSetupConfig(folder) {
  const authority = path.join(folder, 'ca');
  await mkdir(authority, { recursive: true });
  const lines = {
    'localca.conf': [
      `statedir = ${authority}`,
      `signingkey = ${path.join(authority, 'signkey.pem')}`,
      `issuercert = ${path.join(authority, 'issuercert.pem')}`,
      `certserial = ${path.join(authority, 'certserial')}`,
    ],
    'localca.options': [
      '--tpm-manufacturer id:57494E45',
      '--tpm-model emulation',
      '--tpm-version id:00010000',
      '--platform-manufacturer NodeTpm2',
      '--platform-version 1',
      '--platform-model Wine',
    ],
    'setup.conf': [
      'create_certs_tool = /usr/bin/swtpm_localca',
      `create_certs_tool_config = ${path.join(folder, 'localca.conf')}`,
      `create_certs_tool_options = ${path.join(folder, 'localca.options')}`,
      'active_pcr_banks = sha1,sha256,sha384,sha512',
    ],
  };
  for (const [name, content] of Object.entries(lines)) {
    await writeFile(path.join(folder, name), `${content.join('\n')}\n`);
  }
  return path.join(folder, 'setup.conf');
}

/** One swtpm process; commands go to it one after the other. */
export class Swtpm {
  /**
   * Manufactures and starts one.
   * @param {string} folder private, removed by the caller
   * @param {{ ekCertificates?: boolean }} [options]
   */
  static async start(folder, { ekCertificates = true } = {}) {
    const state = path.join(folder, 'tpm');
    await mkdir(state, { recursive: true });
    const config = await writeSetupConfig(folder);
    const certificates = ekCertificates
      ? ['--create-ek-cert', '--write-ek-cert-files', folder]
      : [];
    await run('swtpm_setup', [
      ...[
        '--tpm2',
        '--tpmstate',
        `dir://${state}`,
        '--config',
        config,
        '--overwrite',
        '--createek',
      ],
      ...['--pcr-banks', 'sha1,sha256,sha384,sha512', ...certificates],
    ]);
    const tpm = new Swtpm();
    tpm.certificates = await readCertificates(folder);
    const socket = path.join(state, 's');
    tpm.process = spawn(
      'swtpm',
      [
        ...[
          'socket',
          '--tpm2',
          '--tpmstate',
          `dir=${state}`,
          '--flags',
          'startup-clear,not-need-init',
        ],
        ...['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${socket}.ctrl`],
        '--terminate', // it ends with our connection, however the broker ends
      ],
      { stdio: 'ignore' },
    );
    tpm.exited = new Promise((resolve) => tpm.process.once('exit', resolve));
    await tpm.#connect(socket);
    return tpm;
  }

  #waiting = null;
  #received = Buffer.alloc(0);

  async #connect(path) {
    for (let tries = 0; ; tries++) {
      try {
        this.socket = await new Promise((resolve, reject) => {
          const socket = net.connect(path, () => resolve(socket)).once('error', reject);
        });
        break;
      } catch (error) {
        if (tries === 200 || this.process.exitCode !== null) throw error;
        await sleep(10);
      }
    }
    this.socket.removeAllListeners('error');
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#waiting?.reject(new Error('the software TPM is gone')));
    this.socket.on('data', (chunk) => this.#onData(chunk));
  }

  #onData(chunk) {
    this.#received = Buffer.concat([this.#received, chunk]);
    const size = this.#received.length >= 6 ? this.#received.readUInt32BE(2) : Infinity;
    if (this.#received.length < size) return;
    const response = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(response);
  }

  /** Sends one command. The caller sees to it that no two overlap. */
  transceive(command) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.write(command);
    });
  }

  async stop() {
    this.socket.destroy();
    await this.exited;
  }
}

async function readCertificates(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.crt')).sort();
  const found = {};
  for (const name of names) {
    const kind = name.includes('rsa') ? 'rsa' : name.includes('secp') ? 'ecc' : name;
    found[kind] = await readFile(path.join(folder, name));
  }
  return found;
}
