// Runs the smoke test in two workers at once, beside a main thread that never loads the addon. Only
// one of them leaves traces: both are on the same TPM.
import { Worker } from 'node:worker_threads';

const run = (...argv) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./smoke-test.mjs', import.meta.url), { argv });
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });

await Promise.all([run(), run('--non-destructive')]);
console.log('worked: two workers');
