// Endorsement keys and their certificates for a software TPM, from a certificate authority of its
// own. The distribution's shared one is left alone: root's files there break it for everybody else.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from './environment.mjs';

const run = promisify(execFile);

function findTool(name) {
  const folders = ['/usr/bin', '/usr/local/bin', '/usr/share/swtpm', '/usr/libexec/swtpm'];
  const found = folders.map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file));
  if (!found) throw new Error(`${name} is not installed: it is in the Debian package swtpm-tools`);
  return found;
}

/**
 * Makes the state of a manufactured TPM in `dir`: an RSA-2048 EK at 0x81010001 with its certificate
 * in NV 0x01c00002, a P-384 EK at 0x81010016 with its certificate in 0x01c00016, a platform
 * certificate in 0x01c08000, and all four PCR banks. swtpm must not be running on `dir` yet.
 *
 * @param {string} dir
 * @returns {Promise<{ root: string, issuer: string, rsa: Buffer, ecc: Buffer }>} the CA's
 *   certificates as PEM, and the EKs' as the DER that NV holds.
 */
export async function makeEkCertificates(dir) {
  const ca = path.join(dir, 'ca');
  const made = path.join(dir, 'ek');
  const config = path.join(dir, 'setup.conf');
  fs.mkdirSync(ca, { mode: 0o700 });
  fs.mkdirSync(made, { mode: 0o700 });
  const write = (name, lines) => {
    const file = path.join(dir, name);
    fs.writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  };
  const caConfig = write('localca.conf', [
    `statedir = ${ca}`,
    `signingkey = ${ca}/signkey.pem`,
    `issuercert = ${ca}/issuercert.pem`,
    `certserial = ${ca}/certserial`,
  ]);
  const caOptions = write('localca.options', [
    '--platform-manufacturer Example',
    '--platform-version 1.0',
    '--platform-model Tester',
  ]);
  write('setup.conf', [
    `create_certs_tool= ${findTool('swtpm_localca')}`,
    `create_certs_tool_config = ${caConfig}`,
    `create_certs_tool_options = ${caOptions}`,
    'active_pcr_banks = sha1,sha256,sha384,sha512',
  ]);
  // biome-ignore format: an option and its value stay on one line
  const args = ['--tpm2', '--tpmstate', dir, '--config', config,
    '--create-ek-cert', '--create-platform-cert', '--lock-nvram',
    '--pcr-banks', 'sha1,sha256,sha384,sha512',
    '--write-ek-cert-files', made, '--overwrite'];
  try {
    await run('swtpm_setup', args, { timeout: 60_000, env: childEnvironment() });
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
    const why = error.code === 'ENOENT' ? 'it is in the Debian package swtpm-tools' : said;
    throw new Error(`swtpm_setup failed: ${why}`, { cause: error });
  }
  const certificate = (pattern) => {
    const name = fs.readdirSync(made).find((entry) => pattern.test(entry));
    if (!name) throw new Error(`swtpm_setup made no certificate like ${pattern}`);
    return fs.readFileSync(path.join(made, name));
  };
  return {
    root: fs.readFileSync(path.join(ca, 'swtpm-localca-rootca-cert.pem'), 'utf8'),
    issuer: fs.readFileSync(path.join(ca, 'issuercert.pem'), 'utf8'),
    rsa: certificate(/rsa/),
    ecc: certificate(/secp|ecc/),
  };
}
