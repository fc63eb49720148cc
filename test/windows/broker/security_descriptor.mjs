// Just enough of Windows' security descriptors to judge the one that a client sets on a key.

const SE_DACL_PRESENT = 0x0004;
const SE_SELF_RELATIVE = 0x8000;
const ACCESS_ALLOWED = 0;
const ACCESS_DENIED = 1;
const GENERIC_ALL = 0x10000000;
const GENERIC_READ = 0x80000000;

function sidText(bytes) {
  if (bytes.length < 8 || bytes[0] !== 1) return null;
  const count = bytes[1];
  if (count > 15 || bytes.length < 8 + 4 * count) return null;
  const authority = bytes.readUIntBE(2, 6);
  const parts = Array.from({ length: count }, (_, i) => bytes.readUInt32LE(8 + 4 * i));
  return ['S', 1, authority, ...parts].join('-');
}

/**
 * Parses a self-relative security descriptor.
 * @param {Buffer} bytes
 * @returns {{ allow: boolean, mask: number, sid: string }[] | null} the DACL's entries; null where
 *   the bytes are no valid self-relative descriptor with a DACL
 */
export function parseSecurityDescriptor(bytes) {
  if (bytes.length < 20 || bytes[0] !== 1) return null;
  const control = bytes.readUInt16LE(2);
  const at = bytes.readUInt32LE(16);
  if ((control & SE_SELF_RELATIVE) === 0 || (control & SE_DACL_PRESENT) === 0) return null;
  if (at < 20 || at + 8 > bytes.length || ![2, 4].includes(bytes[at])) return null;
  const end = at + bytes.readUInt16LE(at + 2);
  if (end > bytes.length) return null;
  const entries = [];
  let next = at + 8;
  for (let left = bytes.readUInt16LE(at + 4); left > 0; left--) {
    if (next + 8 > end) return null;
    const size = bytes.readUInt16LE(next + 2);
    const type = bytes[next];
    if (size < 16 || next + size > end || ![ACCESS_ALLOWED, ACCESS_DENIED].includes(type))
      return null;
    const sid = sidText(bytes.subarray(next + 8, next + size));
    if (!sid) return null;
    entries.push({ allow: type === ACCESS_ALLOWED, mask: bytes.readUInt32LE(next + 4), sid });
    next += size;
  }
  return entries;
}

const STANDARD_USER_GROUPS = ['S-1-5-32-545', 'S-1-5-11', 'S-1-1-0', 'S-1-5-4'];

/** Whether the DACL lets a standard user read (here: open and use) the object. */
export function grantsUserRead(entries) {
  for (const { allow, mask, sid } of entries) {
    if (!STANDARD_USER_GROUPS.includes(sid)) continue;
    if ((mask & (GENERIC_ALL | GENERIC_READ | 1)) === 0) continue;
    return allow; // the first entry that speaks about it decides
  }
  return false;
}
