// What a scenario is written with: test(), and inside it t.call(), t.skip(), t.sendFile().
// Tests run one after another in the order in which they stand. There is no global state in the
// guest but the TPM, and each machine starts with a fresh one.

let nextId = 0;
const waiting = new Map();
const tests = [];

process.on('message', ({ id, answer }) => {
  waiting.get(id)?.(answer);
  waiting.delete(id);
  if (waiting.size === 0) process.channel.unref();
});
process.channel.unref();

class Skip extends Error {}

/** One test's hands. */
export class Context {
  /** What the host's TPM was sent in the last call(): [{ name, by, rc }], see lib/swtpm-log.mjs. */
  commands = [];

  /**
   * Runs one call of the API, with the TPM commands that it caused counted by the host under that
   * label. Counts are of the machine's own TPM, whoever caused them.
   * @template T
   * @param {string} label
   * @param {() => T | Promise<T>} body
   * @returns {Promise<T>}
   */
  async call(label, body) {
    await askHost({ type: 'mark' });
    try {
      return await body();
    } finally {
      const { commands } = await askHost({ type: 'count', label });
      this.commands = commands;
    }
  }

  /** Names of what the last call() sent itself: without the kernel's swapping and resubmissions. */
  get sent() {
    return this.commands
      .filter((command) => command.by === 'caller')
      .map((command) => command.name);
  }

  /** @param {string} reason */
  skip(reason) {
    throw new Skip(reason);
  }

  /**
   * @param {string} name the file's name in the machine's result folder
   * @param {Buffer | string} content
   */
  async sendFile(name, content) {
    await askHost({ type: 'file', name, content: Buffer.from(content).toString('base64') });
  }

  /** Kills the host's TPM under the running machine. There is none after that. */
  async killTpm() {
    await askHost({ type: 'kill-tpm' });
  }
}

/**
 * @param {string} name
 * @param {(t: Context) => void | Promise<void>} body
 */
export function test(name, body) {
  tests.push({ name, body });
}

/** Runs what test() was given; launch.mjs calls it once. */
export async function finish() {
  for (const { name, body } of tests) {
    const outcome = await attempt(body);
    await askHost({ type: 'test', name, ...outcome });
  }
}

async function attempt(body) {
  try {
    await body(new Context());
    return { result: 'passed' };
  } catch (error) {
    if (error instanceof Skip) return { result: 'skipped', reason: error.message };
    return { result: 'failed', reason: describe(error) };
  }
}

function describe(error) {
  if (!(error instanceof Error)) return String(error);
  const { code, suggestion, tpmRc, command } = error;
  const fields = JSON.stringify({ code, suggestion, tpmRc, command });
  return `${error.stack}${fields === '{}' ? '' : `\n${fields}`}`;
}

// The channel is ref'd while an answer is due, and only then: a scenario whose library keeps the
// event loop busy for ever is caught by the run's timeout, not hidden by a forced exit.
function askHost(message) {
  return new Promise((resolve) => {
    const id = ++nextId;
    waiting.set(id, resolve);
    process.channel.ref();
    process.send({ id, ...message });
  });
}
