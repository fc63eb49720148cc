// Runs in the guest as root: takes the list of runs from the host, starts one process for each and
// carries its messages to the host and the answers back.
import { fork } from 'node:child_process';
import { openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { arch, release } from 'node:os';

const PORT_NAME = 'node-tpm2';
const PORTS = '/sys/class/virtio-ports';

const port = openPort();
const { runs } = ask({ type: 'hello', node: process.version, kernel: release(), arch: arch() });
for (const [index, run] of runs.entries()) {
  const ended = await start(index, run);
  ask({ type: 'done', run: index, ...ended });
}
ask({ type: 'end' });

function openPort() {
  const found = readdirSync(PORTS).find(
    (name) => readFileSync(`${PORTS}/${name}/name`, 'utf8').trim() === PORT_NAME,
  );
  return openSync(`/dev/${found}`, 'r+');
}

// One question, one answer, both a line of JSON. Synchronous, so that questions cannot overtake each
// other, and so that no read is left pending when the agent ends.
function ask(message) {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let sent = 0; sent < line.length; ) sent += writeSync(port, line, sent);
  const chunk = Buffer.alloc(4096);
  let answer = '';
  while (!answer.endsWith('\n')) answer += chunk.toString('latin1', 0, readSync(port, chunk));
  return JSON.parse(answer);
}

function start(index, { scenario, user, env = {}, timeout }) {
  return new Promise((resolve) => {
    const child = fork(`${import.meta.dirname}/launch.mjs`, [user, scenario], {
      env: { PATH: process.env.PATH, LANG: process.env.LANG, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeout);
    child.on('message', ({ id, ...message }) => {
      const answer = ask({ ...message, run: index });
      if (child.connected) child.send({ id, answer }, () => {});
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, timedOut, output: output.slice(-8000) });
    });
  });
}
