// vitest's names over node:test, so that a test file runs under Wine as it is: vitest itself does
// not (its bundler is a native addon that Wine 8 cannot load). Matchers are vitest's own.
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe as nodeDescribe,
  test as nodeTest,
} from 'node:test';
import { format } from 'node:util';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  customMatchers,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

/** vitest's expect(); `expect.soft` and snapshots are not there. */
export const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect);
Object.assign(expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
expect.getState = () => getState(expect);
expect.setState = (state) => setState(state, expect);
expect.extend = (matchers) => chai.expect.extend(expect, matchers);
globalThis[GLOBAL_EXPECT] = expect;
expect.setState({ assertionCalls: 0, isExpectingAssertions: false, testPath: '' });
expect.extend(customMatchers);

const SKIPPED = Symbol('skipped');
let finished = [];

/** Runs when the test under way is over, last registered first. */
export const onTestFinished = (fn) => finished.push(fn);

function bodyOf(fn, args) {
  return async (t) => {
    finished = [];
    const skip = (reason = '') => {
      t.skip(reason);
      throw SKIPPED;
    };
    try {
      await fn(...args, { expect, skip, onTestFinished, signal: t.signal });
    } catch (error) {
      if (error !== SKIPPED) throw error;
    } finally {
      for (const callback of finished.reverse()) await callback();
    }
  };
}

// (name, fn, timeout?), (name, options, fn), (name) for a todo.
function parse(name, second, third) {
  const fn = typeof second === 'function' ? second : third;
  const given = typeof second === 'function' ? third : second;
  const settings = typeof given === 'number' ? { timeout: given } : (given ?? {});
  const options = {};
  if (settings.timeout) options.timeout = settings.timeout;
  if (settings.skip) options.skip = true;
  if (settings.todo || !fn) options.todo = true;
  return { name: typeof name === 'function' ? name.name : name, options, fn };
}

function make(register, wrap) {
  const define =
    (extra, args = []) =>
    (...given) => {
      const { name, options, fn } = parse(...given);
      register(name, { ...options, ...extra }, fn && wrap(fn, args));
    };
  const each =
    (extra) =>
    (cases) =>
    (name, ...rest) => {
      for (const [index, one] of cases.entries()) {
        const args = Array.isArray(one) ? one : [one];
        const filled = name
          .replaceAll('%#', String(index))
          .replaceAll(/\$(\w+)/g, (whole, key) =>
            one?.[key] === undefined ? whole : String(one[key]),
          );
        const placeholders = filled.match(/%[sdifjoO]/g)?.length ?? 0;
        define(extra, args)(format(filled, ...args.slice(0, placeholders)), ...rest);
      }
    };
  const variant = (extra) => Object.assign(define(extra), { each: each(extra) });
  const skip = variant({ skip: true });
  const plain = variant({});
  return Object.assign(plain, {
    skip,
    only: plain,
    todo: (name) => register(name, { todo: true }, () => {}),
    skipIf: (condition) => (condition ? skip : plain),
    runIf: (condition) => (condition ? plain : skip),
    sequential: plain,
    concurrent: plain,
  });
}

export const test = make(nodeTest, bodyOf);
export const it = test;
export const describe = make(nodeDescribe, (fn, args) => () => fn(...args));
export const suite = describe;
const hook = (register) => (fn, timeout) => register(() => fn({}), timeout ? { timeout } : {});
export const beforeAll = hook(before);
export const afterAll = hook(after);
export { afterEach, beforeEach };
