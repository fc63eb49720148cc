// One emulated Windows: its TPM, its services, its processes, and what happened so far.
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { replayInto, smallLog } from './event_log.mjs';
import { NcryptError } from './ncrypt_status.mjs';
import { PcpService } from './pcp.mjs';
import { ResourceManager } from './resource_manager.mjs';
import { ADMIN, Settings, SYSTEM, USER } from './settings.mjs';
import { Swtpm } from './swtpm.mjs';
import { TbsService } from './tbs.mjs';
import { provisionSrk, TpmRefused } from './tpm_commands.mjs';

const NTE_FAIL = 0x80090020;
const TBS_E_INTERNAL_ERROR = 0x80284001;
const HRESULT_OF_TPM = 0x80280000;

export class State {
  settings = new Settings();
  log = [];
  violations = [];
  leaks = []; // what processes left open when they ended
  #waiting = []; // calls that a rule holds back
  #processes = new Map(); // pid -> { pid, connections }

  /**
   * @param {string} folder private, removed by the caller
   * @param {{ eventLog?: string, ekCertificates?: boolean, logFile?: string }} [options]
   */
  static async start(folder, { eventLog, ekCertificates = true, logFile } = {}) {
    const state = new State();
    state.logFile = logFile;
    state.eventLog = eventLog ? readFileSync(eventLog) : smallLog();
    state.swtpm = await Swtpm.start(folder, { ekCertificates });
    state.certificates = state.swtpm.certificates;
    try {
      state.manager = new ResourceManager(state.swtpm);
      await state.manager.start();
      state.tbs = new TbsService(state);
      state.pcp = new PcpService(state, path.join(folder, 'keys'));
      const own = state.manager.open();
      const submit = (bytes) => state.manager.submit(own, bytes);
      await provisionSrk(submit);
      await replayInto(submit, state.eventLog);
      await state.manager.close(own);
    } catch (error) {
      await state.swtpm.stop();
      throw error;
    }
    return state;
  }

  stop() {
    return this.swtpm.stop();
  }

  /** Something that no correct client does. */
  violation(call, text) {
    const entry = { violation: text, fn: call.fn, pid: call.process.pid, library: call.library };
    this.violations.push(entry);
    this.#write(entry);
  }

  #write(entry) {
    if (this.logFile) appendFileSync(this.logFile, `${JSON.stringify(entry)}\n`);
  }

  /** A connection of a Windows process appeared. Returns the process. */
  attach(pid) {
    const process = this.#processes.get(pid) ?? { pid, connections: 0 };
    this.#processes.set(pid, process);
    process.connections++;
    return process;
  }

  /** A process hangs up: what it has waiting in TBS is given up. */
  hangUp(process) {
    this.tbs.cancelAll(process);
  }

  /** The last connection's end is the process's end: what it held goes, as with Windows. */
  async detach(process) {
    if (--process.connections > 0) return;
    this.#processes.delete(process.pid);
    const contexts = this.tbs.of(process);
    const objects = this.pcp.of(process);
    if (contexts.length + objects.length > 0) {
      const entry = {
        pid: process.pid,
        contexts: contexts.length,
        providers: objects.filter(({ kind }) => kind === 'provider').length,
        keys: objects.filter(({ kind }) => kind === 'key').length,
      };
      this.leaks.push(entry);
      this.#write({ leak: entry });
    }
    for (const context of contexts) await this.tbs.close(context);
    await this.pcp.abandon(process);
  }

  /** Carries out one call of a double: { library, process, fn, args } to { status, values }. */
  async call(library, process, fn, [elevatedByProcess, ...args]) {
    const implementation = this.tbs.functions[fn] ?? this.pcp.functions[fn];
    if (!implementation) throw new Error(`no function ${fn}`);
    const elevated = this.#elevated(elevatedByProcess?.toString('latin1') ?? '');
    const entry = { fn, pid: process.pid, elevated, ...describe(fn, args) };
    const rule = this.settings.ruleFor(entry);
    const call = { library, process, fn, args, elevated, rule, log: entry };
    let result;
    if (rule?.wait) await new Promise((resolve) => this.#waiting.push(resolve));
    try {
      result = rule?.status !== undefined ? { status: rule.status } : await implementation(call);
    } catch (error) {
      result = { status: statusOf(error, library) };
      entry.error = error.message;
    }
    entry.status = result.status;
    this.log.push(entry);
    this.#write(entry);
    return { status: result.status, values: result.values ?? [] };
  }

  /** Lets the calls go on that rules hold back by `wait`. */
  release() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #elevated(byProcess) {
    const wanted = this.settings.values.elevated ?? (byProcess || ADMIN);
    return [USER, ADMIN, SYSTEM].includes(wanted) ? wanted : ADMIN;
  }
}

function statusOf(error, library) {
  if (error instanceof NcryptError) return error.status;
  if (error instanceof TpmRefused) return (HRESULT_OF_TPM | error.code) >>> 0;
  return library === 'tbs' ? TBS_E_INTERNAL_ERROR : NTE_FAIL;
}

const contextOf = ([context]) => Number(context.readBigUInt64LE());

// What a test may want to know about a call, besides its name.
function describe(fn, args) {
  if (fn === 'Tbsip_Submit_Command') {
    const command = args[3];
    const ordinal = command.length >= 10 ? command.readUInt32BE(6) : 0;
    return {
      context: contextOf(args),
      ordinal,
      priority: args[2].readUInt32LE(),
      command: command.toString('hex'),
    };
  }
  if (fn === 'Tbsip_Cancel_Commands') return { context: contextOf(args) };
  if (fn === 'NCryptSetProperty' || fn === 'NCryptGetProperty') {
    return { property: args[1].toString('utf16le') };
  }
  if (fn === 'NCryptCreatePersistedKey' || fn === 'NCryptOpenKey') {
    const name = args[fn === 'NCryptOpenKey' ? 1 : 2]?.toString('utf16le') ?? null;
    return { name, flags: args.at(-1).readUInt32LE() };
  }
  return {};
}
