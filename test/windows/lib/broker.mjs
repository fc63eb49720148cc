// Starts the broker as a process of the harness's own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onInterrupt } from '../../../scripts/lib/process.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const VECTORS = path.resolve(HERE, '../../../../shared/vectors/eventlogs');
const REAL_LOG = path.join(VECTORS, 'seabios-crb-4banks.bin');

/**
 * @param {{ ekCertificates?: boolean, eventLog?: string, logFile?: string }} [options] without
 *   eventLog: a real one where the shared vectors are, else a small one of the broker's own
 * @returns {Promise<{ port: number, stop: () => Promise<void> }>}
 */
export async function startBroker({ ekCertificates = true, eventLog, logFile } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'node-tpm2-broker-'));
  const log = eventLog ?? (existsSync(REAL_LOG) ? REAL_LOG : null);
  const args = [path.join(HERE, '../broker/broker.mjs'), '--folder', folder];
  if (log) args.push('--event-log', log);
  if (logFile) args.push('--log', logFile);
  if (!ekCertificates) args.push('--no-ek-certificates');
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    forget();
    child.stdin.end();
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const forget = onInterrupt(() => stop());
  try {
    return { port: await readPort(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readPort(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /^port (\d+)$/m.exec(text);
      if (found) resolve(Number(found[1]));
    });
    child.once('exit', (code) => reject(new Error(`the broker ended at once (exit ${code})`)));
  });
}
