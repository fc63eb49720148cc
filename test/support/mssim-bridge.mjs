// The TCG reference simulator's protocol (mssim) in front of swtpm's socket: Debian has no
// simulator that speaks it. Proved with libtss2-tcti-mssim.
import { once } from 'node:events';
import net from 'node:net';
import { parseArgs } from 'node:util';

const TPM_SEND_COMMAND = 8;
const SESSION_END = 20;
const STOP = 21;
// Power on and off, physical presence, hash events, NV on and off, cancel on and off: swtpm has its own
// ways for these, so they are only answered as the simulator would.
const PLATFORM_COMMANDS = new Set([1, 2, 3, 4, 9, 10, 11, 12]);

/**
 * Hands out a socket's bytes in exact amounts.
 * @param {net.Socket} socket
 * @returns {(size: number) => Promise<Buffer | null>} null when the stream ends before
 */
function exactReader(socket) {
  const chunks = socket[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (size) => {
    while (rest.length < size) {
      const { value, done } = await chunks.next();
      if (done) return null;
      rest = Buffer.concat([rest, value]);
    }
    const wanted = rest.subarray(0, size);
    rest = rest.subarray(size);
    return wanted;
  };
}

const word = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Serves one client of the command port over its own connection to swtpm. */
async function serveCommands(client, swtpmPath) {
  const tpm = net.connect(swtpmPath);
  client.once('close', () => tpm.destroy());
  tpm.once('close', () => client.destroy());
  tpm.on('error', () => client.destroy());
  const read = exactReader(client);
  const readTpm = exactReader(tpm);
  for (;;) {
    const command = await read(4);
    if (command?.readUInt32BE() !== TPM_SEND_COMMAND) break; // SESSION_END, STOP, or the end
    const prefix = await read(5); // locality, size
    const body = prefix && (await read(prefix.readUInt32BE(1)));
    if (!body) break;
    tpm.write(body);
    const header = await readTpm(10);
    const rest = header && (await readTpm(header.readUInt32BE(2) - 10));
    if (!rest) break;
    client.write(Buffer.concat([word(header.readUInt32BE(2)), header, rest, word(0)]));
  }
  client.end();
  tpm.end();
}

/** Serves one client of the platform port. */
async function servePlatform(client, seen) {
  const read = exactReader(client);
  for (;;) {
    const command = (await read(4))?.readUInt32BE();
    if (command === undefined || command === SESSION_END || command === STOP) break;
    seen.push(command);
    client.write(word(PLATFORM_COMMANDS.has(command) ? 0 : 1));
  }
  client.end();
}

async function listen(server, address) {
  server.listen(address);
  await once(server, 'listening');
}

async function closeServer(server) {
  await new Promise((resolve) => server.close(resolve));
}

/** Two servers on neighbouring ports of the loopback address, as the protocol has it. */
async function listenOnPair(commands, platform) {
  for (let tries = 0; tries < 50; ++tries) {
    await listen(commands, { host: '127.0.0.1', port: 0 });
    const { port } = commands.address();
    try {
      await listen(platform, { host: '127.0.0.1', port: port + 1 });
      return port;
    } catch {
      await closeServer(commands); // the neighbour is taken
    }
  }
  throw new Error('found no two neighbouring ports');
}

/**
 * Starts the bridge. swtpm serves one client at a time, so the bridge does too: a second client's
 * first command waits until the first client has gone.
 *
 * @param {object} options
 * @param {string} options.swtpmPath swtpm's data socket (`--server type=unixio`)
 * @param {string} [options.listenPath] listen on this Unix socket and on the one with `.ctrl` added,
 *   instead of on two TCP ports
 * @returns {Promise<{ port?: number, tcti: string, platformCommands: number[], close(): Promise<void> }>}
 *   `platformCommands` grows as clients send them
 */
export async function startMssimBridge({ swtpmPath, listenPath }) {
  const sockets = new Set();
  const platformCommands = [];
  const serverFor = (serve) =>
    net.createServer((client) => {
      sockets.add(client);
      client.setNoDelay(true);
      client.on('error', () => client.destroy());
      client.once('close', () => sockets.delete(client));
      serve(client).catch(() => client.destroy());
    });
  const commands = serverFor((client) => serveCommands(client, swtpmPath));
  const platform = serverFor((client) => servePlatform(client, platformCommands));

  let port;
  if (listenPath) {
    await listen(commands, { path: listenPath });
    await listen(platform, { path: `${listenPath}.ctrl` });
  } else {
    port = await listenOnPair(commands, platform);
  }
  return {
    port,
    tcti: listenPath ? `mssim:path=${listenPath}` : `mssim:host=127.0.0.1,port=${port}`,
    platformCommands,
    async close() {
      const closed = Promise.all([closeServer(commands), closeServer(platform)]);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

// As a program, for the C++ tests: prints the tcti string, then serves until its standard input ends.
if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: { swtpm: { type: 'string' }, listen: { type: 'string' } },
  });
  const bridge = await startMssimBridge({ swtpmPath: values.swtpm, listenPath: values.listen });
  console.log(bridge.tcti);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await bridge.close();
}
