// The addon as it is released, which knows nothing of tests: the privileges are those that Wine gives.
// @windows { "addon": "release" }
import { test } from 'vitest';
import { expectWholeSmokeTest } from '../lib/smoke.mjs';

test('examples/smoke-test.mjs passes, and leaves nothing open', expectWholeSmokeTest);
