// The "newc" archive that the kernel unpacks as its first file system.
import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { posix } from 'node:path';

const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;
const ALIGNMENT = 4;

/**
 * Writes entries to a file, or behind what the file already holds: the kernel unpacks archives that
 * follow each other, if each starts at a multiple of four bytes.
 */
export class CpioWriter {
  #fd;
  #inode = 0;
  #directories = new Set(['.']);

  /**
   * @param {string} path
   * @param {{ append?: boolean }} [options]
   */
  constructor(path, { append = false } = {}) {
    this.#fd = openSync(path, append ? 'a' : 'wx');
    if (append) this.#pad(fstatSync(this.#fd).size);
  }

  /** @param {string} path */
  directory(path, mode = 0o755) {
    this.#parents(path);
    this.#directories.add(path);
    this.#entry(path, DIRECTORY | mode, Buffer.alloc(0));
  }

  /**
   * @param {string} path where it is to be
   * @param {Buffer | string} content
   */
  file(path, content, mode = 0o644) {
    this.#parents(path);
    this.#entry(path, REGULAR | mode, Buffer.from(content));
  }

  /**
   * @param {string} path where it is to be
   * @param {string} source a file on this machine
   */
  copy(path, source, mode = 0o644) {
    this.file(path, readFileSync(source), mode);
  }

  /** @param {string} path */
  symlink(path, target) {
    this.#parents(path);
    this.#entry(path, SYMLINK | 0o777, Buffer.from(target));
  }

  close() {
    this.#entry('TRAILER!!!', 0, Buffer.alloc(0));
    closeSync(this.#fd);
  }

  #parents(path) {
    const parent = posix.dirname(path);
    if (!this.#directories.has(parent)) this.directory(parent);
  }

  #entry(path, mode, content) {
    const name = Buffer.from(`${path}\0`);
    const links = (mode & DIRECTORY) !== 0 && (mode & REGULAR) !== REGULAR ? 2 : 1;
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    const fields = [
      ++this.#inode,
      mode,
      0,
      0,
      links,
      0,
      content.length,
      0,
      0,
      0,
      0,
      name.length,
      0,
    ];
    const header = `070701${fields.map((n) => n.toString(16).padStart(8, '0')).join('')}`;
    this.#write(Buffer.concat([Buffer.from(header), name]));
    this.#write(content);
  }

  #write(bytes) {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    this.#pad(bytes.length);
  }

  #pad(length) {
    const rest = length % ALIGNMENT;
    if (rest !== 0) writeSync(this.#fd, Buffer.alloc(ALIGNMENT - rest));
  }
}
