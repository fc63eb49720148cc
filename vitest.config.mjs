import { defineConfig } from 'vitest/config';

// A process for each test file: a native addon keeps a thread and a connection per process, and a
// crash in one file must not take the others' results along.
export default defineConfig({
  test: {
    include: ['test/js/**/*.test.mjs'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
