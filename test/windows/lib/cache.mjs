// Where the harness keeps what is slow to make, outside the clone.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** ${XDG_CACHE_HOME:-~/.cache}/node-tpm2 */
export const CACHE = path.join(
  process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'),
  'node-tpm2',
);

/** A short name for the contents of files and the texts beside them. */
export function hashOf(files, texts = []) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 16);
}
