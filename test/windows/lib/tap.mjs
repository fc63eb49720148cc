// Counts what a node:test run printed as TAP.

/**
 * @param {string} tap
 * @returns {{ passed: number, failed: number, skipped: number } | null} null where the run did not
 *   get to its closing lines
 */
export function countTap(tap) {
  const number = (name) => {
    const found = new RegExp(`^# ${name} (\\d+)\\r?$`, 'm').exec(tap);
    return found ? Number(found[1]) : null;
  };
  const [passed, failed, cancelled, skipped, todo] = [
    ...['pass', 'fail', 'cancelled', 'skipped', 'todo'].map(number),
  ];
  if (passed === null || failed === null) return null;
  return { passed, failed: failed + cancelled, skipped: skipped + todo };
}

/** The lines of a TAP run that a person wants to see. */
export const outline = (tap) =>
  tap
    .split(/\r?\n/)
    .filter((line) => /^\s*(not )?ok \d/.test(line))
    .map((line) =>
      line.replace(/^(\s*)ok \d+ - /, '$1ok     ').replace(/^(\s*)not ok \d+ - /, '$1NOT OK '),
    )
    .join('\n');
