// What `npm run bench` measures: one row each, with the operation that every contestant does for it
// and the targets that docs/performance.md explains.

/** The contestants, in the order of the columns. */
export const kContestants = {
  F: 'floor: the same bytes over the bare socket, C++',
  C: 'the library in C++, without Node',
  O: 'the library by its public asynchronous JavaScript API',
  E: 'ESAPI (tss2-esys), C',
};

const all = (operation) => ({ F: operation, C: operation, O: operation, E: operation });
const without = (left, operation) => {
  const { [left]: _, ...others } = all(operation);
  return others;
};

/** Operations in one turn: few where one takes long. */
const kSmall = 20;
const kHeavy = 6;
const kMany = 1;

/** A quotient of two contestants' times. */
const ratio = (of, to, most) => ({ kind: 'ratio', of, to, most });
/** Microseconds more than another contestant. */
const over = (of, to, most) => ({ kind: 'over', of, to, most });
/** Microseconds. */
const time = (of, most) => ({ kind: 'time', of, most });

export const kRows = [
  { id: 'random', title: 'GetRandom(32)', ops: all('random'), count: kSmall },
  { id: 'pcr', title: 'PCR_Read, 8 PCRs', ops: all('pcr'), count: kSmall },
  { id: 'sign', title: 'Sign P-256, key kept', ops: all('sign'), count: kHeavy },
  { id: 'quote', title: 'Quote 8 PCRs, key kept', ops: all('quote'), count: kHeavy },
  { id: 'create', title: 'Create P-256 key', ops: all('create'), count: kHeavy },
  { id: 'cold-sign', title: 'Load + Sign + flush', ops: all('cold-sign'), count: kHeavy },
  { id: 'load', title: 'Load (P-256 key)', ops: without('O', 'load'), count: kSmall },
  { id: 'primary', title: 'CreatePrimary (SRK)', ops: without('O', 'primary'), count: kHeavy },
  { id: 'unseal', title: 'Unseal, HMAC+AES session kept', ops: all('unseal'), count: kSmall },
  {
    id: 'salted',
    title: 'salted start + Unseal + flush',
    ops: without('O', 'salted'),
    count: kHeavy,
  },
  { id: 'random100', title: '100 GetRandom at once, each', ops: without('C', 'random100') },
  { id: 'sign100', title: '100 Sign at once, each', ops: without('C', 'sign100') },
  { id: 'old-sign', title: 'Sign kept, F: all anew', ops: { F: 'old-sign', O: 'sign' } },
  { id: 'old-quote', title: 'Quote kept, F: all anew', ops: { F: 'old-quote', O: 'quote' } },
  { id: 'old-unseal', title: 'Unseal kept, F: all anew', ops: { F: 'old-unseal', O: 'unseal' } },
  { id: 'own-random', title: 'own time: GetRandom', ops: { own: 'own-random' } },
  { id: 'own-pcr', title: 'own time: PCR_Read', ops: { own: 'own-pcr' } },
  { id: 'own-sign', title: 'own time: Sign', ops: { own: 'own-sign' } },
  { id: 'own-load', title: 'own time: Load', ops: { own: 'own-load' } },
  { id: 'own-use-sign', title: 'own time: sign as use case', ops: { own: 'own-use-sign' } },
  { id: 'own-unseal', title: 'own time: Unseal, encrypted', ops: { own: 'own-unseal' } },
  { id: 'own-create', title: 'own time: Create, encrypted', ops: { own: 'own-create' } },
];

const kTargets = {
  random: [over('O', 'F', 35)],
  pcr: [over('O', 'F', 35)],
  sign: [ratio('O', 'F', 1.1)],
  quote: [ratio('O', 'F', 1.1)],
  create: [ratio('O', 'F', 1.1)],
  load: [ratio('C', 'E', 0.35)],
  primary: [ratio('C', 'E', 0.75)],
  unseal: [ratio('O', 'E', 0.06)],
  salted: [ratio('C', 'E', 0.35)],
  random100: [ratio('O', 'F', 2)],
  sign100: [ratio('O', 'F', 1.05)],
  'old-sign': [ratio('O', 'F', 0.5)],
  'old-quote': [ratio('O', 'F', 0.5)],
  'old-unseal': [ratio('O', 'F', 0.15)],
  'own-random': [time('own', 1)],
  'own-pcr': [time('own', 1)],
  'own-sign': [time('own', 1)],
  'own-load': [time('own', 1)],
  'own-use-sign': [time('own', 1)],
  'own-unseal': [time('own', 5)],
  'own-create': [time('own', 5)],
};

for (const row of kRows) {
  row.count ??= row.id.endsWith('100') ? kMany : kHeavy;
  row.targets = kTargets[row.id] ?? [];
}

/** What is measured apart from the rows (facts.mjs), with the target in words. */
export const kFacts = ['event-loop', 'import', 'size'];

/** @param {string | undefined} only names, by comma; a name also chooses what begins with `name-` */
export function choose(only) {
  const names = only?.split(',').map((name) => name.trim());
  const wanted = (id) => !names || names.some((name) => id === name || id.startsWith(`${name}-`));
  const known = [...kRows.map(({ id }) => id), ...kFacts];
  for (const name of names ?? []) {
    if (!known.some((id) => id === name || id.startsWith(`${name}-`))) {
      throw new RangeError(`no row is called ${name}; there are ${known.join(', ')}`);
    }
  }
  return { rows: kRows.filter(({ id }) => wanted(id)), facts: kFacts.filter(wanted) };
}
