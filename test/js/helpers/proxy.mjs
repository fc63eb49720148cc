// A man in the middle of swtpm's socket, who can spoil one exchange.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

const HEADER = 10;

/** Calls `frame(bytes)` for each whole command or response of a stream. */
function framed(frame) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER && rest.length >= rest.readUInt32BE(2)) {
      const size = rest.readUInt32BE(2);
      frame(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  };
}

/**
 * Listens beside swtpm's own socket and passes everything on.
 *
 * `spoil(nth, how)` has the nth response from now on (1 is the next) treated by
 * `how(response, client)`, which sends what it likes, or nothing. `count` is the number of commands
 * since the last spoil().
 *
 * @param {string} swtpmPath
 */
export async function startProxy(swtpmPath) {
  const path = `${swtpmPath}.proxy`;
  const sockets = new Set();
  const proxy = {
    tcti: `swtpm:path=${path}`,
    count: 0,
    seen: [],
    spoil(nth, how) {
      proxy.count = 0;
      proxy.nth = nth;
      proxy.how = how;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = net.createServer((client) => {
    const tpm = net.connect(swtpmPath);
    for (const [socket, other] of [
      [client, tpm],
      [tpm, client],
    ]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        other.end();
      });
    }
    const command = framed((bytes) => {
      proxy.seen.push(bytes);
      tpm.write(bytes);
    });
    const response = framed((bytes) => {
      proxy.seen.push(bytes);
      proxy.count += 1;
      if (proxy.count === proxy.nth) proxy.how(bytes, client);
      else client.write(bytes);
    });
    client.on('data', command);
    tpm.on('data', response);
  });
  fs.rmSync(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return proxy;
}
