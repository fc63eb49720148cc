// The nine functions of tbs.dll, as far as they are known.
import { setTimeout as sleep } from 'node:timers/promises';
import { errorResponse, TPM_E_COMMAND_BLOCKED } from './resource_manager.mjs';
import { USER } from './settings.mjs';
import { u32le, u64le } from './wire.mjs';

export const TBS = {
  BAD_PARAMETER: 0x80284002,
  INVALID_CONTEXT: 0x80284004,
  INSUFFICIENT_BUFFER: 0x80284005,
  INVALID_CONTEXT_PARAM: 0x80284007,
  TOO_MANY_CONTEXTS: 0x80284009,
  COMMAND_CANCELED: 0x8028400d,
  TPM_NOT_FOUND: 0x8028400f,
  NO_EVENT_LOG: 0x80284011,
  ACCESS_DENIED: 0x80284012,
  OWNERAUTH_NOT_FOUND: 0x80284015,
};
const RC_CANCELED = 0x909;
const VENDOR_BIT = 0x20000000;
const RH_ENDORSEMENT = 0x4000000b;
const CC_POLICY_SECRET = 0x151;

// Blocked for everybody: Startup, Shutdown, ContextSave and ContextLoad, EncryptDecrypt (both),
// Policy_AC_SendSelect. The real lists are not published; see docs/windows-pcp.md.
const BLOCKED = new Set([0x144, 0x145, 0x162, 0x161, 0x164, 0x193, 0x194, 0x196]);

// Blocked for a standard user as well: what changes the platform, the hierarchies, persistent or NV
// storage or PCRs, and what takes endorsement authority.
const ADMIN_ONLY = new Set([
  ...[0x11f, 0x120, 0x121, 0x122, 0x124, 0x125, 0x126, 0x127, 0x128, 0x129, 0x12a, 0x12b, 0x12c],
  ...[0x12d, 0x12e, 0x12f, 0x130, 0x132, 0x139, 0x13a, 0x13c, 0x13d, 0x13f, 0x140, 0x141, 0x147],
  0x182,
]);

/** Whether TBS would refuse this command of a process with these privileges. */
export function isBlocked(command, elevated, implemented) {
  const code = command.readUInt32BE(6);
  if (code & VENDOR_BIT) return false;
  if (BLOCKED.has(code) || !implemented.has(code)) return true;
  if (elevated !== USER) return false;
  if (ADMIN_ONLY.has(code)) return true;
  return (
    code === CC_POLICY_SECRET && command.length >= 14 && command.readUInt32BE(10) === RH_ENDORSEMENT
  );
}

/** One TBS_HCONTEXT. `provider` is set on the context that a PCP provider owns. */
class TbsContext {
  cancels = new Set(); // of held commands
  tooSmall = null; // the command that ran but whose response did not fit

  constructor(id, process, resources, provider) {
    Object.assign(this, { id, process, resources, provider });
  }
}

export class TbsService {
  #contexts = new Map();
  #nextId = 0x7b500010;

  /** @param {import('./state.mjs').State} state */
  constructor(state) {
    this.state = state;
    this.functions = {
      Tbsi_Context_Create: this.#create,
      Tbsip_Context_Close: this.#close,
      Tbsip_Submit_Command: this.#submitCommand,
      Tbsip_Cancel_Commands: this.#cancel,
      Tbsi_GetDeviceInfo: this.#deviceInfo,
      Tbsi_Get_TCG_Log: (call) => this.#log(call, call.args[1].readUInt32LE()),
      Tbsi_Get_TCG_Log_Ex: this.#logEx,
      Tbsi_Get_OwnerAuth: this.#ownerAuth,
      Tbsi_Revoke_Attestation: (call) => {
        this.state.violation(call, 'Tbsi_Revoke_Attestation makes the platform unattestable');
        return { status: TBS.ACCESS_DENIED };
      },
    };
  }

  /** Makes a context; `provider` when the Platform Crypto Provider owns it. */
  open(process, provider = null) {
    const context = new TbsContext(this.#nextId, process, this.state.manager.open(), provider);
    this.#nextId += 0x10;
    this.#contexts.set(context.id, context);
    return context;
  }

  close(context) {
    this.#contexts.delete(context.id);
    return this.state.manager.close(context.resources);
  }

  cancelAll(process) {
    for (const context of this.#contexts.values()) {
      if (context.process === process) for (const cancel of context.cancels) cancel();
    }
  }

  /** Contexts of a process that are open and not a provider's. */
  of(process) {
    return [...this.#contexts.values()].filter((one) => one.process === process && !one.provider);
  }

  #find(call) {
    const context = this.#contexts.get(Number(call.args[0].readBigUInt64LE()));
    return context?.process === call.process ? context : undefined;
  }

  #missing() {
    return this.state.settings.values.tpm === 'absent';
  }

  #create = (call) => {
    const { tpm, maxContexts } = this.state.settings.values;
    const version = call.args[0].readUInt32LE();
    const flags = call.args[1].readUInt32LE();
    if (version !== 1 && version !== 2) return { status: TBS.INVALID_CONTEXT_PARAM };
    const wanted = version === 1 ? '1.2' : flags & 4 ? '2.0' : 'none';
    const alsoTwelve = version === 2 && (flags & 2) !== 0;
    if (flags & 1) this.state.violation(call, 'requestRaw goes round the resource manager');
    if (wanted !== tpm && !(alsoTwelve && tpm === '1.2')) return { status: TBS.TPM_NOT_FOUND };
    if (maxContexts > 0 && this.#contexts.size >= maxContexts) {
      return { status: TBS.TOO_MANY_CONTEXTS };
    }
    return { status: 0, values: [u64le(this.open(call.process).id)] };
  };

  #close = async (call) => {
    const context = this.#find(call);
    if (!context) {
      this.state.violation(call, 'a context was closed that is not open');
      return { status: TBS.INVALID_CONTEXT };
    }
    if (context.provider) {
      this.state.violation(call, "the Platform Crypto Provider's own context was closed");
    }
    await this.close(context);
    return { status: 0 };
  };

  #cancel = (call) => {
    const context = this.#find(call);
    if (!context) return { status: TBS.INVALID_CONTEXT };
    for (const cancel of context.cancels) cancel();
    return { status: 0 };
  };

  #submitCommand = async (call) => {
    const [, locality, , bytes, capacityArgument] = call.args;
    const capacity = capacityArgument.readUInt32LE();
    const context = this.#find(call);
    if (!context) return { status: TBS.INVALID_CONTEXT };
    if (this.#missing()) return { status: TBS.TPM_NOT_FOUND };
    if (locality.readUInt32LE() !== 0) return { status: TBS.BAD_PARAMETER };
    if (bytes.length < 10 || bytes.readUInt32BE(2) !== bytes.length) {
      return { status: TBS.BAD_PARAMETER };
    }
    if (context.tooSmall?.equals(bytes)) {
      this.state.violation(call, 'a command that had run was submitted again');
    }
    context.tooSmall = null;
    this.#watchProviderHandles(call, context, bytes);

    const { rule } = call;
    if (rule?.delayMs) await sleep(rule.delayMs);
    if (rule?.hold) {
      await new Promise((resolve) => context.cancels.add(resolve));
      context.cancels.clear();
      return rule.hold === 'status'
        ? { status: TBS.COMMAND_CANCELED }
        : inBuffer(errorResponse(RC_CANCELED), capacity);
    }
    if (rule?.inBand !== undefined) return inBuffer(errorResponse(rule.inBand), capacity);
    if (rule?.response !== undefined) return inBuffer(Buffer.from(rule.response, 'hex'), capacity);
    if (isBlocked(bytes, call.elevated, this.state.manager.attributes)) {
      return inBuffer(errorResponse(TPM_E_COMMAND_BLOCKED), capacity);
    }
    const response = await this.state.manager.submit(context.resources, bytes);
    call.log.responseCode = response.readUInt32BE(6);
    if (rule?.tooSmall || response.length > capacity) {
      context.tooSmall = Buffer.from(bytes);
      return { status: TBS.INSUFFICIENT_BUFFER, values: [null, u32le(response.length)] };
    }
    return inBuffer(response, capacity);
  };

  // A key's platform handle is the provider's to flush.
  #watchProviderHandles(call, context, bytes) {
    const flush = bytes.readUInt32BE(6) === 0x165 && bytes.length >= 14;
    if (flush && context.provider?.ownsHandle(bytes.readUInt32BE(10))) {
      this.state.violation(call, "a Platform Crypto Provider key's own handle was flushed");
    }
  }

  #deviceInfo = (call) => {
    if (this.#missing()) return { status: TBS.TPM_NOT_FOUND };
    if (call.args[0].readUInt32LE() < 16) return { status: TBS.BAD_PARAMETER };
    const version = this.state.settings.values.tpm === '1.2' ? 1 : 2;
    return { status: 0, values: [Buffer.concat([1, version, 3, 0].map(u32le))] };
  };

  #logEx = (call) => {
    const type = call.args[0].readUInt32LE();
    if (type > 5) return { status: TBS.BAD_PARAMETER };
    if (type !== 0 && type !== 2) return { status: TBS.NO_EVENT_LOG };
    return this.#log(call, call.args[1].readUInt32LE());
  };

  #log(call, capacity) {
    const { values } = this.state.settings;
    if (call.fn === 'Tbsi_Get_TCG_Log' && !this.#find(call)) return { status: TBS.INVALID_CONTEXT };
    if (this.#missing()) return { status: TBS.TPM_NOT_FOUND };
    if (values.logStatus) return { status: values.logStatus };
    let log = this.state.eventLog;
    if (values.logGrowths > 0) {
      if (capacity > 0) values.logGrowths--;
      else log = log.subarray(0, log.length - 1); // one byte less than there will be
    }
    if (capacity === 0) {
      const status = values.logSizing === 'success' ? 0 : TBS.INSUFFICIENT_BUFFER;
      return { status, values: [null, u32le(log.length)] };
    }
    return inBuffer(log, capacity);
  }

  #ownerAuth = (call) => {
    if (!this.#find(call)) return { status: TBS.INVALID_CONTEXT };
    return { status: call.elevated === USER ? TBS.ACCESS_DENIED : TBS.OWNERAUTH_NOT_FOUND };
  };
}

function inBuffer(bytes, capacity) {
  return bytes.length > capacity
    ? { status: TBS.INSUFFICIENT_BUFFER, values: [null, u32le(bytes.length)] }
    : { status: 0, values: [bytes, u32le(bytes.length)] };
}
