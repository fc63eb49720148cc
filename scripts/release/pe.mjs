// Reads what the gate asks about of a Windows DLL, for machines whose objdump knows x86 only, and
// takes out when it was linked.
// Layout: Microsoft's PE Format specification.

import fs from 'node:fs';

const kMachines = { 34404: 'x64', 43620: 'arm64' };
const kFlags = { highEntropyVa: 0x20, dynamicBase: 0x40, nxCompat: 0x100 };

/**
 * Makes the time of linking zero: zig's linker has no option for that.
 * @param {string} file
 */
export function clearTimestamp(file) {
  const { timestamp, timestampAt } = readPe(file);
  if (timestamp === 0) return;
  const bytes = fs.readFileSync(file);
  bytes.writeUInt32LE(0, timestampAt);
  fs.writeFileSync(file, bytes);
}

/**
 * @param {string} file
 * @returns {{ cpu: string, timestamp: number, flags: string[], imports: string[],
 *   delayImports: string[], exports: string[], timestampAt: number }} `timestampAt`: where in the file
 */
export function readPe(file) {
  const bytes = fs.readFileSync(file);
  const at = bytes.readUInt32LE(0x3c);
  if (bytes.toString('latin1', at, at + 4) !== 'PE\0\0') throw new Error(`${file} is no PE file`);
  const header = at + 4;
  const optional = header + 20;
  if (bytes.readUInt16LE(optional) !== 0x20b) throw new Error(`${file} is no 64-bit PE file`);

  const sections = [];
  const firstSection = optional + bytes.readUInt16LE(header + 16);
  for (let i = 0; i < bytes.readUInt16LE(header + 2); i++) {
    const section = firstSection + 40 * i;
    sections.push({
      address: bytes.readUInt32LE(section + 12),
      size: bytes.readUInt32LE(section + 16),
      offset: bytes.readUInt32LE(section + 20),
    });
  }
  const offsetOf = (address) => {
    const section = sections.find((s) => address >= s.address && address < s.address + s.size);
    if (!section) throw new Error(`${file}: address ${address} is in no section`);
    return address - section.address + section.offset;
  };
  const stringAt = (address) => {
    const start = offsetOf(address);
    return bytes.toString('latin1', start, bytes.indexOf(0, start));
  };
  const directory = (index) => bytes.readUInt32LE(optional + 112 + 8 * index);
  const dllNames = (address, entrySize, nameOffset) => {
    const names = [];
    if (address === 0) return names;
    for (
      let entry = offsetOf(address);
      bytes.readUInt32LE(entry + nameOffset);
      entry += entrySize
    ) {
      names.push(stringAt(bytes.readUInt32LE(entry + nameOffset)));
    }
    return names;
  };
  const exported = () => {
    if (directory(0) === 0) return [];
    const table = offsetOf(directory(0));
    const names = offsetOf(bytes.readUInt32LE(table + 32));
    const count = bytes.readUInt32LE(table + 24);
    return Array.from({ length: count }, (_, i) => stringAt(bytes.readUInt32LE(names + 4 * i)));
  };
  const characteristics = bytes.readUInt16LE(optional + 70);
  return {
    cpu: kMachines[bytes.readUInt16LE(header)] ?? 'unknown',
    timestamp: bytes.readUInt32LE(header + 4),
    flags: Object.keys(kFlags).filter((name) => characteristics & kFlags[name]),
    imports: dllNames(directory(1), 20, 12),
    delayImports: dllNames(directory(13), 32, 4),
    exports: exported(),
    timestampAt: header + 4,
  };
}
