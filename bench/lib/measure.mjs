// Rounds of turns. Within a round the contestants take turns at each operation, so that what the
// machine does meanwhile meets them all; a ratio is taken inside a round, and the median over the
// rounds is what counts. Each round has fresh processes: where the scheduler puts a swtpm changes
// its speed for as long as it lives.

import { Absent, Contestant } from './contestants.mjs';

const kTurnsPerRound = 5;
const kWarmUps = 3;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function startAll(names, skipped) {
  const contestants = [];
  try {
    for (const name of names) {
      if (skipped[name]) continue;
      const contestant = new Contestant(name);
      contestants.push(contestant);
      try {
        await contestant.start();
      } catch (error) {
        if (!(error instanceof Absent)) throw error;
        skipped[name] = error.message;
        contestants.pop();
        await contestant.stop();
      }
    }
  } catch (error) {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
    throw error;
  }
  return contestants;
}

/** The value below which `share` of them lie. */
function quantile(values, share) {
  if (share === 0.5) return median(values);
  return [...values].sort((a, b) => a - b)[Math.floor(share * values.length)];
}

async function measureRow(row, contestants, share) {
  const samples = {};
  const taking = contestants.filter(({ name }) => row.ops[name]);
  for (let turn = 0; turn < kTurnsPerRound; turn++) {
    for (let place = 0; place < taking.length; place++) {
      const contestant = taking[(place + turn) % taking.length];
      const times = await contestant.turn(row.ops[contestant.name], kWarmUps, row.count);
      samples[contestant.name] ??= [];
      samples[contestant.name].push(...times);
    }
  }
  return Object.fromEntries(
    Object.entries(samples).map(([name, all]) => [name, quantile(all, share)]),
  );
}

/** Over the rounds in which both took part. */
function overRounds(rounds, of, to, combine) {
  const values = rounds
    .filter((round) => round[of] !== undefined && round[to] !== undefined)
    .map((round) => combine(round[of], round[to]));
  return values.length > 0 ? median(values) : undefined;
}

function conclude(row, rounds) {
  const names = Object.keys(row.ops).filter((name) => rounds.some((round) => round[name]));
  const microseconds = Object.fromEntries(
    names.map((name) => [name, median(rounds.map((round) => round[name]).filter(Boolean))]),
  );
  const quotient = (a, b) => a / b;
  const ours = row.ops.O ? 'O' : 'C';
  const targets = row.targets.map((target) => ({
    ...target,
    measured: {
      ratio: () => overRounds(rounds, target.of, target.to, quotient),
      over: () => overRounds(rounds, target.of, target.to, (a, b) => a - b),
      time: () => microseconds[target.of],
    }[target.kind](),
  }));
  return {
    id: row.id,
    title: row.title,
    microseconds,
    ours,
    overFloor: overRounds(rounds, ours, 'F', quotient),
    overEsapi: overRounds(rounds, ours, 'E', quotient),
    targets,
  };
}

/**
 * @param {object[]} rows of rows.mjs
 * @param {number} count of rounds
 * @param {number} share 0.5: a contestant's time in a round is the median of its repetitions
 * @param {(text: string) => void} say
 */
export async function measure(rows, count, share, say) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.ops)))];
  const skipped = {};
  const results = new Map(rows.map((row) => [row.id, []]));
  for (let round = 0; round < count; round++) {
    say(`round ${round + 1} of ${count}`);
    const contestants = await startAll(names, skipped);
    try {
      for (const row of rows) results.get(row.id).push(await measureRow(row, contestants, share));
    } finally {
      await Promise.all(contestants.map((contestant) => contestant.stop()));
    }
  }
  return { rows: rows.map((row) => conclude(row, results.get(row.id))), skipped };
}
