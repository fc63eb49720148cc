// A TCG event log for the emulated firmware, and its way into the PCRs, so that a quote and the log
// of the same emulated boot agree.
import { createHash } from 'node:crypto';
import { extendPcr } from './tpm_commands.mjs';
import { u32le } from './wire.mjs';

const DIGEST_SIZES = new Map([
  [0x0004, 20],
  [0x000b, 32],
  [0x000c, 48],
  [0x000d, 64],
]);
const HASHES = new Map([
  [0x0004, 'sha1'],
  [0x000b, 'sha256'],
]);
const EV_POST_CODE = 1;
const EV_NO_ACTION = 3;
const EV_SEPARATOR = 4;
const EV_S_CRTM_VERSION = 8;

const u16le = (value) => u32le(value).subarray(0, 2);

function specIdEvent() {
  const algorithms = [...HASHES.keys()].flatMap((alg) => [
    u16le(alg),
    u16le(DIGEST_SIZES.get(alg)),
  ]);
  const body = Buffer.concat([
    Buffer.from('Spec ID Event03\0', 'latin1'),
    u32le(0),
    Buffer.from([0, 2, 0, 2]), // version 2.0, errata 0, 64-bit size_t
    u32le(HASHES.size),
    ...algorithms,
    Buffer.from([0]),
  ]);
  return Buffer.concat([u32le(0), u32le(EV_NO_ACTION), Buffer.alloc(20), u32le(body.length), body]);
}

function event(pcr, type, data) {
  const digests = [...HASHES].flatMap(([alg, name]) => [
    u16le(alg),
    createHash(name).update(data).digest(),
  ]);
  return Buffer.concat([
    ...[u32le(pcr), u32le(type), u32le(HASHES.size), ...digests],
    ...[u32le(data.length), data],
  ]);
}

/** A small crypto-agile log of SHA-1 and SHA-256, made here. */
export function smallLog() {
  const separators = Array.from({ length: 8 }, (_, pcr) =>
    event(pcr, EV_SEPARATOR, Buffer.alloc(4)),
  );
  return Buffer.concat([
    specIdEvent(),
    event(0, EV_S_CRTM_VERSION, Buffer.from('node-tpm2 test\0', 'utf16le')),
    event(0, EV_POST_CODE, Buffer.from('emulated firmware', 'latin1')),
    ...separators,
  ]);
}

/** The events of a crypto-agile log as { pcr, type, digests }, without the first. */
export function parseLog(log) {
  const events = [];
  let at = 32 + log.readUInt32LE(28);
  while (at < log.length) {
    const [pcr, type, count] = [0, 4, 8].map((offset) => log.readUInt32LE(at + offset));
    at += 12;
    const digests = new Map();
    for (let i = 0; i < count; i++) {
      const alg = log.readUInt16LE(at);
      const size = DIGEST_SIZES.get(alg);
      if (!size) throw new Error(`an event log with algorithm 0x${alg.toString(16)}`);
      digests.set(alg, log.subarray(at + 2, at + 2 + size));
      at += 2 + size;
    }
    at += 4 + log.readUInt32LE(at);
    events.push({ pcr, type, digests });
  }
  return events;
}

/** Extends the PCRs as the firmware that wrote the log had done. */
export async function replayInto(submit, log) {
  for (const { pcr, type, digests } of parseLog(log)) {
    if (type !== EV_NO_ACTION) await extendPcr(submit, pcr, digests);
  }
}
