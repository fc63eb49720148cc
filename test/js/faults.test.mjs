// Each exchange of each use case goes wrong once, on a real socket: the outcome is a documented error
// or a correct result, and the same handle works again. What went over the wire is looked at, too.
import { createHash } from 'node:crypto';
import { Tpm, TpmError } from 'node-tpm2';
import { makeCredential } from 'node-tpm2/verifier';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { command, loadedHandles, rawCommand } from '../support/tools.mjs';
import { startProxy } from './helpers/proxy.mjs';
import { useTestTpm } from './helpers/tpm.mjs';

const context = useTestTpm();
afterEach(() => context.forgetFailures());
const DIGEST = createHash('sha256').update('x').digest();
const FLUSH_CONTEXT = 0x165;
const INDEX = '0x01800060';
const SECRETS = {
  data: Buffer.from('planted: sealed data'),
  auth: Buffer.from('planted: auth'),
  nv: Buffer.from('planted: NV contents'),
  credential: Buffer.from('planted: credential'),
};
let proxy;
const made = {};

beforeAll(async () => {
  proxy = await startProxy(context.swtpm.path);
  const tpm = await Tpm.open({ tcti: context.tcti });
  made.key = (await tpm.keys.create({ auth: SECRETS.auth })).export();
  const ak = await tpm.attest.provisionAk();
  made.ak = ak.export();
  made.sealed = await tpm.seal.seal({ data: SECRETS.data, auth: SECRETS.auth, pcrSelection: [7] });
  const ek = await tpm.attest.ek({ type: 'ecc' });
  const secret = SECRETS.credential;
  made.credential = makeCredential({ ekPublic: ek.public, akName: ak.name, secret });
  await tpm.nv.define({ handle: INDEX, size: SECRETS.nv.length, auth: SECRETS.auth });
  await tpm.close();
});
afterAll(async () => {
  const tpm = await Tpm.open({ tcti: context.tcti });
  await tpm.nv.undefine(INDEX);
  await tpm.close();
  await proxy.close();
});

/** A connection that was cut leaves in a TPM without resource manager what was loaded on it. */
async function flushAll() {
  const held = await loadedHandles(context.swtpm);
  for (const handle of Object.values(held).flat()) {
    await rawCommand(context.swtpm, command(FLUSH_CONTEXT, handle));
  }
}

/** Each makes the whole way from a fresh handle, and says whether the result is right. */
const useCases = {
  sign: async (tpm) => {
    const key = await tpm.keys.load(made.key, { auth: SECRETS.auth });
    return (await key.sign(DIGEST)).length === 64;
  },
  create: async (tpm) => (await tpm.keys.create({ auth: SECRETS.auth })).name.length === 34,
  seal: async (tpm) =>
    (await tpm.seal.seal({ data: SECRETS.data, pcrSelection: [7], auth: SECRETS.auth })).length >
    99,
  unseal: async (tpm) =>
    (await tpm.seal.unseal(made.sealed, { auth: SECRETS.auth })).equals(SECRETS.data),
  quote: async (tpm) => {
    const request = { akBlob: made.ak, pcrSelection: [0, 7], qualifyingData: DIGEST };
    return (await tpm.attest.quote({ ...request, includePcrs: true })).signature.length === 64;
  },
  activate: async (tpm) => {
    const ak = await tpm.attest.load(made.ak);
    return (await ak.activateCredential(made.credential)).equals(SECRETS.credential);
  },
  nv: async (tpm) => {
    await tpm.nv.write(INDEX, SECRETS.nv, 0, SECRETS.auth);
    return (await tpm.nv.read(INDEX, 0, undefined, SECRETS.auth)).equals(SECRETS.nv);
  },
  random: async (tpm) => (await tpm.random.bytes(100)).length === 100,
};

const header = (rc) => {
  const bytes = Buffer.from('80010000000a00000000', 'hex');
  bytes.writeUInt32BE(rc, 6);
  return bytes;
};
const faults = {
  'the connection is cut instead of an answer': (_response, client) => client.destroy(),
  'half an answer, then the end': (response, client) =>
    client.end(response.subarray(0, response.length >> 1)),
  'an answer without its last byte': (response, client) => {
    // A header is waited for to its end.
    if (response.length === 10) return client.destroy();
    const short = Buffer.from(response.subarray(0, -1));
    short.writeUInt32BE(short.length, 2);
    client.write(short);
  },
  TPM_RC_FAILURE: (_response, client) => client.write(header(0x101)),
  'TPM_RC_RETRY, once': (_response, client) => client.write(header(0x922)),
  'a success without a body': (_response, client) => client.write(header(0)),
  'a size over all bounds': (_response, client) => {
    const bytes = header(0);
    bytes.writeUInt32BE(0x7fffffff, 2);
    client.write(bytes);
  },
};
const DOCUMENTED = [
  ...['TRANSPORT_ERROR', 'TPM_UNAVAILABLE', 'MARSHALLING_ERROR', 'INTEGRITY', 'TPM_RC'],
  ...['AUTH_FAILED', 'KEY_NOT_FOUND', 'RESOURCE_EXHAUSTED'],
];

let cases = 0;
// scripts/lib/counts.mjs looks for this line.
afterAll(() => {
  console.log(`faults: ${cases} cases in ${Object.keys(useCases).length} use cases`);
});

describe.each(Object.keys(useCases))('%s', (name) => {
  const use = useCases[name];

  const onProxy = async (body) => {
    const tpm = await Tpm.open({ tcti: proxy.tcti });
    try {
      return await body(tpm);
    } finally {
      await tpm.close();
      await flushAll();
    }
  };

  test.each(Object.keys(faults))('%s, at each exchange', async (fault) => {
    const commands = await onProxy(async (tpm) => {
      proxy.spoil(0);
      expect(await use(tpm)).toBe(true);
      return proxy.count;
    });
    expect(commands).toBeGreaterThan(1);
    for (let nth = 1; nth <= commands; ++nth) {
      cases += 1;
      const about = `${name}, exchange ${nth}`;
      await onProxy(async (tpm) => {
        proxy.spoil(nth, faults[fault]);
        const outcome = await use(tpm).then(
          (right) => (right ? 'right' : 'wrong'),
          (error) => {
            expect(error, about).toBeInstanceOf(TpmError);
            expect(error.suggestion, `${about}: ${error.message}`).toMatch(/\w+ \w+/);
            return error.code;
          },
        );
        expect(['right', ...DOCUMENTED], about).toContain(outcome);
        // The same handle goes on: on what is left of the connection, or on a new one.
        proxy.spoil(0);
        expect(await tpm.random.bytes(1), about).toHaveLength(1);
      });
      expect(await onProxy(use), `${about}, afterwards`).toBe(true);
    }
  });
});

describe('the wire', () => {
  test('shows no secret, and without encryption it does', async () => {
    const shown = async (encrypt) => {
      proxy.seen.length = 0;
      const tpm = await Tpm.open({ tcti: proxy.tcti, encrypt });
      for (const use of Object.values(useCases)) expect(await use(tpm)).toBe(true);
      await tpm.close();
      const all = Buffer.concat(proxy.seen);
      return Object.keys(SECRETS).filter((name) => all.includes(SECRETS[name]));
    };
    expect(await shown(true)).toEqual([]);
    // The check of the check: the recording does see what is not encrypted.
    expect(await shown(false)).toEqual(Object.keys(SECRETS));
  });

  test('a flipped bit in the answer of an encrypting session is INTEGRITY', async () => {
    const tpm = await Tpm.open({ tcti: proxy.tcti });
    const blob = await tpm.seal.seal({ data: SECRETS.data });
    expect(await tpm.seal.unseal(blob)).toEqual(SECRETS.data);
    const outcomes = new Set();
    for (let bit = 0; bit < 40; ++bit) {
      // Unseal is one command here; its answer begins with parameterSize and the sealed data.
      const at = 14 + (bit % 60);
      proxy.spoil(1, (response, client) => {
        const altered = Buffer.from(response);
        altered[Math.min(at, altered.length - 1)] ^= 1 << (bit % 8);
        client.write(altered);
      });
      const outcome = await tpm.seal.unseal(blob).then(
        (data) => `data ${data.equals(SECRETS.data)}`,
        (error) => error.code,
      );
      outcomes.add(outcome);
      proxy.spoil(0);
      expect(await tpm.seal.unseal(blob)).toEqual(SECRETS.data);
    }
    expect(outcomes.has('data false')).toBe(false);
    expect(outcomes.has('data true')).toBe(false);
    expect(outcomes).toContain('INTEGRITY');
    await tpm.close();
    await flushAll();
  });
});
