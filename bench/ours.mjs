// O: the library as a program uses it, by its public asynchronous API. Answers turns on standard
// input as turns.h says. Argument: swtpm's socket.

import process from 'node:process';
import readline from 'node:readline';
import { Tpm } from 'node-tpm2';

const kAtOnce = 100;
const tpm = await Tpm.open({ tcti: `swtpm:path=${process.argv[2]}` });
const pcrs = [0, 1, 2, 3, 4, 5, 6, 7];
const digest = Buffer.alloc(32, 0xd1);
const qualifyingData = Buffer.alloc(20, 0x9c);
const key = await tpm.keys.create({ type: 'ecc' });
const coldBlob = (await tpm.keys.create({ type: 'ecc' })).export();
const ak = await tpm.attest.provisionAk();
const sealed = await tpm.seal.seal({ data: Buffer.alloc(32, 0x5a) });

const atOnce = (operation) => async () => {
  await Promise.all(Array.from({ length: kAtOnce }, operation));
};
const operations = {
  random: () => tpm.random.bytes(32),
  pcr: () => tpm.pcr.read(pcrs),
  sign: () => key.sign(digest),
  quote: () => ak.quote({ pcrSelection: pcrs, qualifyingData }),
  create: () => tpm.keys.create({ type: 'ecc' }),
  unseal: () => tpm.seal.unseal(sealed),
  'cold-sign': async () => {
    const cold = await tpm.keys.load(coldBlob);
    await cold.sign(digest);
    await cold.close();
  },
  random100: atOnce(() => tpm.random.bytes(32)),
  sign100: atOnce(() => key.sign(digest)),
};

async function once(name) {
  const start = process.hrtime.bigint();
  await operations[name]();
  const time = process.hrtime.bigint() - start;
  return name.endsWith('100') ? time / BigInt(kAtOnce) : time;
}

async function turn(line) {
  const [name, warmUps, count] = line.split(' ');
  if (!operations[name]) return `! no such operation: ${line}`;
  try {
    for (let i = 0; i < Number(warmUps); i++) await once(name);
    const times = [];
    for (let i = 0; i < Number(count); i++) times.push(await once(name));
    return times.join(' ');
  } catch (error) {
    return `! ${error.message}`;
  }
}

process.stdout.write('ready\n');
for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(`${await turn(line)}\n`);
}
await tpm.close();
