// Runs the smoke test in two workers at once, beside a main thread that never loads the addon.
import { Worker } from 'node:worker_threads';

const run = () =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./smoke-test.mjs', import.meta.url));
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });

await Promise.all([run(), run()]);
console.log('worked: two workers');
