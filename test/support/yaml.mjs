// The part of YAML that tpm2-tools print: maps by indentation, lists of scalars, one-line lists.

/** Hexadecimal up to 32 bits and decimal are numbers; longer hexadecimal (digests) stays text. */
function scalar(text) {
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text) || /^-?(0|[1-9]\d{0,14})$/.test(text)) {
    return Number(text);
  }
  if (/^\[.*\]$/.test(text)) {
    const inside = text.slice(1, -1).trim();
    return inside === '' ? [] : inside.split(/\s*,\s*/).map(scalar);
  }
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return quoted ? quoted[2] : text;
}

function parseBlock(lines, at, indent) {
  let value;
  let i = at;
  while (i < lines.length && lines[i].indent >= indent) {
    const { text, indent: here } = lines[i];
    const item = /^-\s+(.*)$/.exec(text);
    const body = item ? item[1] : text;
    const pair = /^([^:]*[^:\s])\s*:(?:\s+(.*))?$/.exec(body);
    i++;
    let parsed;
    if (!pair) {
      parsed = scalar(body);
    } else if (pair[2] !== undefined && pair[2] !== '') {
      parsed = { [pair[1]]: scalar(pair[2]) };
    } else if (i < lines.length && lines[i].indent > here) {
      const [inner, next] = parseBlock(lines, i, lines[i].indent);
      i = next;
      parsed = { [pair[1]]: inner };
    } else {
      parsed = { [pair[1]]: null };
    }
    if (item) {
      value ??= [];
      value.push(parsed);
    } else if (pair) {
      value ??= {};
      Object.assign(value, parsed);
    } else {
      value = parsed;
    }
  }
  return [value ?? null, i];
}

/**
 * @param {string} text what a tool printed
 * @returns {unknown} maps as objects (a later key of the same name wins), lists as arrays
 */
export function parseYaml(text) {
  const lines = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && line.trim() !== '---')
    .map((line) => ({ indent: line.length - line.trimStart().length, text: line.trim() }));
  return lines.length === 0 ? null : parseBlock(lines, 0, lines[0].indent)[0];
}
