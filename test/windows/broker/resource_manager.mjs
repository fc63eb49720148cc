// What TBS does between its contexts and the one TPM: object handles are virtual and belong to one
// context, sessions keep their handles but belong to one context too, and all of them share the
// three object and three session slots of the TPM, by TPM2_ContextSave and TPM2_ContextLoad.
import { Reader, u16, u32 } from './wire.mjs';

export const TPM_E_COMMAND_BLOCKED = 0x80280400;
export const TPM_E_INVALID_HANDLE = 0x80280401;

const NO_SESSIONS = 0x8001;
const SESSIONS = 0x8002;
const CC = {
  clear: 0x126,
  changeEps: 0x124,
  changePps: 0x125,
  hierarchyControl: 0x121,
  contextLoad: 0x161,
  contextSave: 0x162,
  flushContext: 0x165,
  getCapability: 0x17a,
};
const RC_OBJECT_MEMORY = 0x902;
const RC_SESSION_MEMORY = 0x903;
const SLOTS = 3;
const FIRST_VIRTUAL = 0x80ff0001;

const isObject = (handle) => handle >>> 24 === 0x80;
const isSession = (handle) => handle >>> 24 === 0x02 || handle >>> 24 === 0x03;
const isPersistent = (handle) => handle >>> 24 === 0x81;

/** A ten-byte response with that response code. */
export const errorResponse = (code) => Buffer.concat([u16(NO_SESSIONS), u32(10), u32(code)]);
export const responseCode = (response) => response.readUInt32BE(6);

const command = (code, body) =>
  Buffer.concat([u16(NO_SESSIONS), u32(10 + body.length), u32(code), body]);

// One handle that a context holds. `real` is the TPM's handle while loaded, `saved` its context
// otherwise. A session's `real` never changes.
class Resource {
  constructor(context, handle, real) {
    Object.assign(this, { context, handle, real, saved: null, loaded: true, used: 0 });
  }
}

/** One TBS context's own handles. */
export class Context {
  resources = new Map(); // virtual handle (of a session: its handle) -> Resource
  nextVirtual = FIRST_VIRTUAL;
}

export class ResourceManager {
  #tpm;
  #clock = 0;
  #tail = Promise.resolve();
  #contexts = new Set();
  attributes = new Map(); // command code -> { handles, returnsHandle, flushes }

  constructor(tpm) {
    this.#tpm = tpm;
  }

  async start() {
    for (let next = 0, more = true; more; ) {
      const reader = new Reader(
        await this.#send(
          command(CC.getCapability, Buffer.concat([u32(2), u32(next), u32(64)])),
          'read the list of commands',
        ),
      );
      reader.take(10);
      more = reader.u8() === 1;
      reader.u32();
      for (let left = reader.u32(); left > 0; left--) {
        const bits = reader.u32();
        next = (bits & 0xffff) + 1;
        this.attributes.set(bits & 0xffff, {
          handles: (bits >>> 25) & 7,
          returnsHandle: ((bits >>> 28) & 1) === 1,
          flushes: ((bits >>> 24) & 1) === 1,
        });
      }
    }
  }

  open() {
    const context = new Context();
    this.#contexts.add(context);
    return context;
  }

  /** Flushes whatever the context still holds. */
  close(context) {
    this.#contexts.delete(context);
    return this.#alone(async () => {
      for (const resource of context.resources.values()) {
        if (isSession(resource.real) || resource.loaded) {
          await this.#tpm.transceive(command(CC.flushContext, u32(resource.real)));
        }
      }
      context.resources.clear();
    });
  }

  /** Runs one command for a context and returns its response, handles translated both ways. */
  submit(context, bytes) {
    return this.#alone(() => this.#submit(context, bytes));
  }

  /** How many objects and sessions the TPM holds right now, whoever made them. */
  loadedInTpm() {
    return this.#alone(async () => {
      const counts = []; // objects, loaded sessions, saved sessions
      for (const first of [0x80000000, 0x02000000, 0x03000000]) {
        counts.push((await this.#handles(first)).length);
      }
      return { objects: counts[0], sessions: counts[1] + counts[2] };
    });
  }

  #alone(job) {
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => {});
    return result;
  }

  async #send(bytes, purpose) {
    const response = await this.#tpm.transceive(bytes);
    if (responseCode(response) !== 0) {
      throw new Error(`could not ${purpose}: 0x${responseCode(response).toString(16)}`);
    }
    return response;
  }

  #all() {
    return [...this.#contexts].flatMap((context) => [...context.resources.values()]);
  }

  async #submit(context, bytes) {
    const code = bytes.readUInt32BE(6);
    if (code === CC.flushContext) return this.#flush(context, bytes);
    const attributes = this.attributes.get(code) ?? { handles: 0 };
    const rewritten = Buffer.from(bytes);

    const needed = [];
    let persistent = 0;
    for (let i = 0; i < attributes.handles && 14 + 4 * i <= bytes.length; i++) {
      const handle = bytes.readUInt32BE(10 + 4 * i);
      if (isPersistent(handle)) persistent++;
      if (!isObject(handle) && !isSession(handle)) continue;
      const resource = context.resources.get(handle);
      if (!resource) return errorResponse(TPM_E_INVALID_HANDLE);
      needed.push({ resource, at: 10 + 4 * i });
    }
    const authorizations = sessionsOf(bytes, attributes.handles);
    for (const { handle } of authorizations) {
      const resource = context.resources.get(handle);
      if (!resource) return errorResponse(TPM_E_INVALID_HANDLE);
      needed.push({ resource });
    }

    const keep = new Set(needed.map(({ resource }) => resource));
    const creates = attributes.returnsHandle ? 1 : 0;
    // Create and its kind need one slot more than their handles tell.
    await this.#makeRoom(keep, SLOTS - Math.min(2, creates + persistent + 1));
    for (const { resource, at } of needed) {
      if (!(await this.#load(resource))) return errorResponse(TPM_E_INVALID_HANDLE);
      resource.used = ++this.#clock;
      if (at) rewritten.writeUInt32BE(resource.real, at);
    }

    let response = await this.#tpm.transceive(rewritten);
    if ([RC_OBJECT_MEMORY, RC_SESSION_MEMORY].includes(responseCode(response))) {
      await this.#makeRoom(keep, 0);
      response = await this.#tpm.transceive(rewritten);
    }
    if (responseCode(response) !== 0) return response;
    return this.#afterSuccess(context, code, { attributes, needed, authorizations }, response);
  }

  async #afterSuccess(context, code, { attributes, needed, authorizations }, response) {
    for (const { handle, ends } of authorizations) {
      if (ends) context.resources.delete(handle);
    }
    if (attributes.flushes) {
      const last = needed.filter(({ at }) => at).at(-1);
      if (last) context.resources.delete(last.resource.handle);
    }
    if ([CC.clear, CC.changeEps, CC.changePps, CC.hierarchyControl].includes(code)) {
      await this.#forgetTheFlushed();
    }
    if (!attributes.returnsHandle || response.length < 14) return response;
    const real = response.readUInt32BE(10);
    if (!isObject(real) && !isSession(real)) return response;
    const handle = isObject(real) ? context.nextVirtual++ : real;
    const resource = new Resource(context, handle, real);
    resource.used = ++this.#clock;
    context.resources.set(handle, resource);
    const translated = Buffer.from(response);
    translated.writeUInt32BE(handle, 10);
    return translated;
  }

  async #flush(context, bytes) {
    if (bytes.length < 14) return this.#tpm.transceive(bytes);
    const handle = bytes.readUInt32BE(10);
    const resource = context.resources.get(handle);
    if (!resource) return errorResponse(TPM_E_INVALID_HANDLE);
    context.resources.delete(handle);
    if (isObject(handle) && !resource.loaded) return errorResponse(0);
    return this.#tpm.transceive(command(CC.flushContext, u32(resource.real)));
  }

  // Saves what was not used for longest until at most `most` objects and sessions beside those to
  // keep are loaded.
  async #makeRoom(keep, most) {
    for (const kind of [isObject, isSession]) {
      const loaded = this.#all().filter((one) => one.loaded && kind(one.handle));
      const spare = loaded.filter((one) => !keep.has(one)).sort((a, b) => a.used - b.used);
      const kept = [...keep].filter((one) => kind(one.handle)).length;
      for (let excess = spare.length + kept - most; excess > 0 && spare.length > 0; excess--) {
        await this.#save(spare.shift());
      }
    }
  }

  async #save(resource) {
    const response = await this.#send(
      command(CC.contextSave, u32(resource.real)),
      'save a context',
    );
    resource.saved = Buffer.from(response.subarray(10));
    resource.loaded = false;
    if (isObject(resource.handle)) {
      await this.#send(command(CC.flushContext, u32(resource.real)), 'flush what was saved');
    }
  }

  async #load(resource) {
    if (resource.loaded) return true;
    const response = await this.#tpm.transceive(command(CC.contextLoad, resource.saved));
    if (responseCode(response) !== 0) {
      resource.context.resources.delete(resource.handle);
      return false;
    }
    Object.assign(resource, { real: response.readUInt32BE(10), saved: null, loaded: true });
    return true;
  }

  async #handles(first) {
    const body = Buffer.concat([u32(1), u32(first), u32(64)]);
    const reader = new Reader(await this.#send(command(CC.getCapability, body), 'list handles'));
    reader.take(15);
    return Array.from({ length: reader.u32() }, () => reader.u32());
  }

  async #forgetTheFlushed() {
    const objects = new Set(await this.#handles(0x80000000));
    for (const resource of this.#all()) {
      if (isObject(resource.handle) && resource.loaded && !objects.has(resource.real)) {
        resource.context.resources.delete(resource.handle);
      }
    }
  }
}

// The sessions of a command's authorization area; `ends` tells that continueSession is clear.
function sessionsOf(bytes, handles) {
  if (bytes.readUInt16BE(0) !== SESSIONS) return [];
  const found = [];
  try {
    const reader = new Reader(bytes);
    reader.take(10 + 4 * handles);
    const area = new Reader(reader.take(reader.u32()));
    while (area.left > 0) {
      const handle = area.u32();
      area.sized();
      const ends = (area.u8() & 1) === 0;
      area.sized();
      if (isSession(handle)) found.push({ handle, ends });
    }
  } catch {
    return []; // the TPM says what is wrong with it
  }
  return found;
}
