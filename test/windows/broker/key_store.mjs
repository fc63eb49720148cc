// Persisted keys: one file each, in a folder per namespace, so that a second process finds them.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SYSTEM } from './settings.mjs';

const BUFFERS = [
  'privateArea',
  'publicArea',
  'creationHash',
  'creationTicket',
  'securityDescriptor',
];

/** The namespace that a process with these privileges sees. SYSTEM has a user profile of its own. */
export function namespaceOf(machine, elevated) {
  if (machine) return 'machine';
  return elevated === SYSTEM ? 'system-profile' : 'user-profile';
}

export class KeyStore {
  constructor(folder) {
    this.folder = folder;
  }

  /** The file of a key, as 'Unique Name' tells it. */
  file(namespace, name) {
    const hash = createHash('sha1').update(name, 'utf16le').digest('hex');
    return path.join(this.folder, namespace, `${hash}.PCPKEY`);
  }

  has(namespace, name) {
    return this.read(namespace, name) !== null;
  }

  /** @returns {object | null} the key's record, byte strings as Buffers */
  read(namespace, name) {
    let text;
    try {
      text = readFileSync(this.file(namespace, name), 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return null;
      throw error;
    }
    const record = JSON.parse(text);
    for (const field of BUFFERS) {
      if (record[field] !== null) record[field] = Buffer.from(record[field], 'hex');
    }
    return record;
  }

  write(namespace, record) {
    const file = this.file(namespace, record.name);
    mkdirSync(path.dirname(file), { recursive: true });
    const plain = { ...record };
    for (const field of BUFFERS) plain[field] = record[field]?.toString('hex') ?? null;
    writeFileSync(file, JSON.stringify(plain));
  }

  remove(namespace, name) {
    rmSync(this.file(namespace, name));
  }

  /** All records of a namespace, in a stable order. */
  list(namespace) {
    let files = [];
    try {
      files = readdirSync(path.join(this.folder, namespace)).sort();
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    return files.map((file) =>
      JSON.parse(readFileSync(path.join(this.folder, namespace, file), 'utf8')),
    );
  }

  clear() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
