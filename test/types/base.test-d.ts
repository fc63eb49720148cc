// Opening, the TPM itself, PCRs and NV: what compiles, and what must not.

import type { TpmErrorCode, TpmHandle, TpmInfo, TraceEvent } from 'node-tpm2';
import { type OpenOptions, type PcrValues, Tpm, type TpmCapabilities, TpmError } from 'node-tpm2';
import { expectType } from './same.js';

const octets = new Uint8Array(32);
const signal = new AbortController().signal;

export async function opening(): Promise<void> {
  expectType<boolean>()(await Tpm.isAvailable(), true);
  expectType<boolean>()(await Tpm.isAvailable({ tcti: 'swtpm:path=/run/s', timeout: 100 }), true);
  const options: OpenOptions = {
    tcti: 'device:/dev/tpmrm0',
    encrypt: false,
    auth: { owner: octets, endorsement: Buffer.alloc(1), lockout: octets, parent: octets },
    parentName: octets,
    timeout: 1000,
    signal,
  };
  const tpm = await Tpm.open(options);
  expectType<TpmHandle>()(tpm, true);
  expectType<void>()(await tpm.close(), true);
  await using scoped = await Tpm.open();
  void scoped;

  // @ts-expect-error a string
  await Tpm.open({ tcti: 1 });
  // @ts-expect-error the option is called auth.owner
  await Tpm.open({ ownerAuth: octets });
  // @ts-expect-error bytes, not text
  await Tpm.open({ auth: { owner: 'secret' } });
  // @ts-expect-error milliseconds as a number
  await Tpm.open({ timeout: '1s' });
  // @ts-expect-error handles come from Tpm.open()
  new (await import('node-tpm2')).TpmHandle();
  // @ts-expect-error the namespaces are fixed
  tpm.pcr = (await Tpm.open()).pcr;
  // @ts-expect-error and so are the flat functions
  Tpm.randomBytes = async () => Buffer.alloc(0);
}

export function errors(error: unknown): TpmErrorCode | undefined {
  if (!(error instanceof TpmError)) return undefined;
  expectType<string>()(error.message, true);
  expectType<string | undefined>()(error.suggestion, true);
  expectType<number | undefined>()(error.tpmRc, true);
  expectType<number | undefined>()(error.hresult, true);
  expectType<string | undefined>()(error.command, true);
  expectType<string | undefined>()(error.rcName, true);
  expectType<string | undefined>()(error.rcSubject, true);
  // @ts-expect-error no such code
  if (error.code === 'NO_SUCH_CODE') return undefined;
  new TpmError('CLOSED', 'text', { suggestion: 'open it', cause: error });
  // @ts-expect-error no such code
  new TpmError('NO_SUCH_CODE', 'text');
  return error.code;
}

/** Every code once: a code that is added or lost is a compile error here. */
export const codes: Record<TpmErrorCode, true> = {
  TPM_UNAVAILABLE: true,
  ACCESS_DENIED: true,
  REQUIRES_ELEVATION: true,
  COMMAND_BLOCKED: true,
  NOT_SUPPORTED: true,
  INVALID_ARGUMENT: true,
  KEY_NOT_FOUND: true,
  ALREADY_EXISTS: true,
  MARSHALLING_ERROR: true,
  TRANSPORT_ERROR: true,
  AUTH_FAILED: true,
  TPM_RC: true,
  TIMEOUT: true,
  ABORTED: true,
  CLOSED: true,
  RESOURCE_EXHAUSTED: true,
  INTEGRITY: true,
};

export async function itself(tpm: TpmHandle): Promise<void> {
  const info: TpmInfo = await tpm.info({ timeout: 1000, signal });
  expectType<string | null>()(info.warning, true);
  expectType<boolean>()(info.lockout.inLockout, true);
  expectType<number[]>()(info.rsaSizes, true);
  const capabilities: TpmCapabilities = await tpm.capabilities();
  expectType<number[]>()(capabilities.handles.transient, true);
  expectType<number | undefined>()(capabilities.properties.TPM_PT_MANUFACTURER, true);
  await tpm.selfTest();
  await tpm.selfTest(false, { timeout: 5000 });
  await tpm.selfTest({ timeout: 5000 });
  expectType<number>()((await tpm.clock()).resetCount, true);
  expectType<number>()((await tpm.lockout.status({ signal })).maxTries, true);
  await tpm.lockout.reset();
  await tpm.lockout.reset({ lockoutAuth: octets, timeout: 10 });
  await tpm.lockout.configure({ maxTries: 5, recoveryTime: 600, lockoutRecovery: 86_400 });
  // @ts-expect-error all three are set at once
  await tpm.lockout.configure({ maxTries: 5 });
  expectType<Buffer>()(await tpm.random.bytes(32), true);
  expectType<void>()(await tpm.random.stir(octets, { signal }), true);
  const object = await tpm.readPublic('0x81010001');
  expectType<Buffer>()(object.publicKeyDer, true);
  expectType<import('node:crypto').KeyObject>()(object.publicKey, true);
  expectType<Buffer>()(await Tpm.randomBytes(8), true);
  expectType<TpmInfo>()(await Tpm.getFixedProperties(), true);
  expectType<Buffer>()((await Tpm.readPublic(0x81010001)).name, true);

  // @ts-expect-error a count
  await tpm.random.bytes('32');
  // @ts-expect-error a count is needed
  await tpm.random.bytes();
  // @ts-expect-error bytes
  await tpm.random.stir('seed');
  // @ts-expect-error a boolean
  await tpm.selfTest('full');
  // @ts-expect-error a number or a string
  await tpm.readPublic(1n);
  // @ts-expect-error no such option
  await tpm.info({ encrypt: false });
}

export async function pcrs(tpm: TpmHandle): Promise<void> {
  const values = await tpm.pcr.read([0, 7]);
  expectType<PcrValues>()(values, true);
  expectType<string | undefined>()(values[7], true);
  await tpm.pcr.read([0, 7], 'sha384', { signal });
  await tpm.pcr.read([0, 7], { timeout: 10 });
  // What is undefined counts as absent, also for those who compile with exactOptionalPropertyTypes.
  await tpm.pcr.read([0, 7], undefined, undefined);
  await tpm.pcr.read({ sha1: undefined, sha256: [0] });
  await tpm.keys.create({ type: undefined, sign: undefined, auth: undefined, signal: undefined });
  const frozen = [0, 1] as const;
  await tpm.pcr.read(frozen);
  const banks = await tpm.pcr.read({ sha1: [0], sha256: [0, 7] }, { timeout: 10 });
  expectType<PcrValues | undefined>()(banks.sha256, true);
  await tpm.pcr.extend(16, octets);
  await tpm.pcr.extend(16, octets, 'sha1', { timeout: 10 });
  await tpm.pcr.extend(16, octets, { timeout: 10 });
  expectType<Record<string, Buffer>>()(await tpm.pcr.event(16, octets), true);
  await tpm.pcr.reset(16);
  expectType<Record<string, number[]>>()(await tpm.pcr.banks(), true);
  expectType<PcrValues>()(await Tpm.pcrRead([0]), true);
  await Tpm.pcrExtend(23, octets, 'sha256');

  // @ts-expect-error an array
  await tpm.pcr.read(0);
  // @ts-expect-error no such bank
  await tpm.pcr.read([0], 'md5');
  // @ts-expect-error no such bank
  await tpm.pcr.read({ md5: [0] });
  // @ts-expect-error the selection says the bank already
  await tpm.pcr.read({ sha1: [0] }, 'sha1');
  // @ts-expect-error bytes, not hexadecimal text
  await tpm.pcr.extend(16, '00'.repeat(32));
  // @ts-expect-error a digest is needed
  await tpm.pcr.extend(16);
}

export async function storage(tpm: TpmHandle): Promise<void> {
  await tpm.nv.define({ handle: 0x01800001, size: 8, auth: octets, ownerAuth: octets });
  await tpm.nv.define({ handle: '0x01800001', size: 8, attributes: 0x02020002, timeout: 10 });
  await tpm.nv.write('0x01800001', octets);
  await tpm.nv.write('0x01800001', octets, 4, octets, octets, { signal });
  await tpm.nv.write('0x01800001', octets, { signal });
  expectType<Buffer>()(await tpm.nv.read(0x01800001), true);
  expectType<Buffer>()(await tpm.nv.read(0x01800001, 0, undefined, octets, octets), true);
  await tpm.nv.read(0x01800001, { timeout: 10 });
  const area = await tpm.nv.readPublic(0x01800001);
  expectType<number>()(area.dataSize, true);
  expectType<Buffer>()(area.authPolicy, true);
  await tpm.nv.undefine(0x01800001, octets, { signal });
  await tpm.nv.undefine(0x01800001, { signal });
  expectType<Buffer>()(await Tpm.nvRead('0x01c00002', 0, 512), true);
  await Tpm.nvWrite('0x01800001', octets);
  await Tpm.nvDefine({ handle: '0x01800001', size: 8 });
  expectType<number>()((await Tpm.nvReadPublic('0x01800001')).attributes, true);
  await Tpm.nvUndefine('0x01800001');

  // @ts-expect-error a size is needed
  await tpm.nv.define({ handle: 0x01800001 });
  // @ts-expect-error bytes
  await tpm.nv.write(0x01800001, 'text');
  // @ts-expect-error the offset comes before the auth value
  await tpm.nv.read(0x01800001, octets);
}

export function tracing(event: TraceEvent): string {
  // @ts-expect-error a number
  const rc: string = event.rc;
  void rc;
  return `${event.command} ${event.microseconds}`;
}
