// How much 100 RSA key generations that wait in a queue disturb the rest of a program: the worst
// fs.readFile and the event loop's delay, beside those of an idle time just before. Arguments:
// swtpm's socket, milliseconds to look at each. Prints JSON.

import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Tpm } from 'node-tpm2';

const kQueued = 100;
const kBetweenReads = 2;
const [socket, span] = process.argv.slice(2);
const file = fileURLToPath(import.meta.url);

async function look() {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  const end = performance.now() + Number(span);
  let worst = 0;
  let reads = 0;
  monitor.enable();
  while (performance.now() < end) {
    const start = performance.now();
    await readFile(file);
    worst = Math.max(worst, performance.now() - start);
    reads += 1;
    await delay(kBetweenReads);
  }
  monitor.disable();
  return { worstReadFile: worst, reads, loopDelayP99: monitor.percentile(99) / 1e6 };
}

const tpm = await Tpm.open({ tcti: `swtpm:path=${socket}` });
const idle = await look();

let made = 0;
const keys = Array.from({ length: kQueued }, () =>
  tpm.keys.create({ type: 'rsa' }).then(
    () => {
      made += 1;
    },
    (error) => {
      if (error.code !== 'CLOSED') throw error;
    },
  ),
);
const busy = await look();
const madeMeanwhile = made;
// What is still queued ends with CLOSED.
await tpm.close();
await Promise.all(keys);
console.log(JSON.stringify({ queued: kQueued, madeMeanwhile, idle, busy }));
