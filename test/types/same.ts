// Compile-time equality: neither wider nor narrower, and `any` equals nothing but itself.

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile when `Actual` is not exactly `Expected`. */
export function expectType<Expected>() {
  return <Actual>(_value: Actual, _same: Same<Actual, Expected>): void => {};
}
