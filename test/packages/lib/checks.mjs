// Counts what was checked, and goes on after a failure.

import { closingLine } from '../../../scripts/lib/counts.mjs';

export class Checks {
  #counts = { passed: 0, failed: 0, skipped: 0 };

  /** @param {string} name  @param {() => Promise<unknown>} body throws when it fails */
  async check(name, body) {
    try {
      const note = await body();
      this.#counts.passed += 1;
      const short = typeof note === 'string' && !note.includes('\n');
      console.log(`ok       ${name}${short ? ` (${note})` : ''}`);
    } catch (error) {
      this.#counts.failed += 1;
      console.log(`FAILED   ${name}\n${String(error?.message ?? error).replace(/^/gm, '    | ')}`);
    }
  }

  skip(name, reason) {
    this.#counts.skipped += 1;
    console.log(`skipped: ${name}: ${reason}`);
  }

  /** Prints the closing line. @returns {number} the exit code */
  finish() {
    console.log(closingLine(this.#counts));
    return this.#counts.failed > 0 || this.#counts.passed === 0 ? 1 : 0;
  }
}

export function expect(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}
