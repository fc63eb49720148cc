// A fresh process whose first TPM call is one to the Platform Crypto Provider, given up while a rule
// of the test holds it back; then an unrelated call. Its answer goes into a file.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tpm } from 'node-tpm2';
import { BrokerClient } from './broker_client.mjs';

const [requestFile, answerFile] = process.argv.slice(2);
const { operation, akBlob, keyName } = JSON.parse(readFileSync(requestFile, 'utf8'));
const blob = { public: Buffer.from(akBlob, 'hex'), private: Buffer.alloc(0) };
const { signal, abort } = ((controller) => ({
  signal: controller.signal,
  abort: () => controller.abort(),
}))(new AbortController());
const quote = (options) => Tpm.quote({ akBlob: blob, pcrSelection: [0], ...options });
const OPERATIONS = {
  quote: () => quote({ signal }),
  provision: () => Tpm.provisionAk({ keyName, signal }),
};

// Only so that a cancellation which reaches nobody ends this process.
const stuck = setTimeout(() => {
  writeFileSync(answerFile, JSON.stringify({ stuck: true }));
  process.exit(0);
}, 60_000);

const outcome = (promise) =>
  promise.then(
    (value) => (Buffer.isBuffer(value) ? value.length : 'done'),
    (error) => error.code ?? String(error),
  );
const control = await BrokerClient.connect();
const first = outcome(OPERATIONS[operation]());
while ((await control.pendingRules()).length > 0) await sleep(5);
abort();
const answer = { first: await first };
const next = outcome(Tpm.randomBytes(8));
await control.release();
answer.next = await next;
answer.quote = await outcome(quote());
if (operation === 'provision') answer.again = await outcome(Tpm.provisionAk({ keyName }));
control.close();
clearTimeout(stuck);
writeFileSync(answerFile, JSON.stringify(answer));
