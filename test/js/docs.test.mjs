// The documentation is true: every ```js block of README.md and docs/ runs on a software TPM, every
// example program too, every link leads somewhere, and what is exported is described.
//
// A block that imports something is a program. One that does not is a fragment of one: it finds an
// open `tpm`, and whatever else of kSetting it names without declaring it.
// A block that cannot run here has `<!-- not run: REASON -->` on the line above it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as api from 'node-tpm2';
import * as verifier from 'node-tpm2/verifier';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSwtpm } from '../support/swtpm.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
const namesIn = (folder, pattern) =>
  fs
    .readdirSync(path.join(root, folder))
    .filter((name) => pattern.test(name))
    .map((name) => `${folder}/${name}`);
/** The types as they are shipped, in one text. */
const declarations = () => ['index.d.ts', ...namesIn('types', /\.d\.ts$/)].map(read).join('\n');
const documents = ['README.md', ...namesIn('docs', /\.md$/)];
const programs = namesIn('examples', /\.mjs$/);

const kImports = [
  "import assert from 'node:assert/strict';",
  "import { createHash, publicEncrypt, randomBytes, verify } from 'node:crypto';",
  "import { Tpm, TpmError } from 'node-tpm2';",
  "import { makeCredential, parsePublic, verifyQuote } from 'node-tpm2/verifier';",
];

/** What fragments may name, and where it comes from; later ones may use earlier ones. */
const kSetting = {
  secret: 'randomBytes(32)',
  nonce: 'randomBytes(32)',
  document: "Buffer.from('a document')",
  digest: "createHash('sha256').update('a document').digest()",
  key: 'await tpm.keys.create()',
  ak: 'await tpm.attest.provisionAk()',
  quote: 'await ak.quote({ pcrSelection: [0, 7], qualifyingData: nonce, includePcrs: true })',
  akPublic: 'ak.export().public',
  message: 'quote.message',
  signature: 'quote.signature',
  pcrs: 'quote.pcrs',
  previous: 'undefined',
};

const names = (code, name) => new RegExp(`(?<![.\\w'])${name}\\b(?!')(?!:)`).test(code);
const declares = (code, name) =>
  new RegExp(`\\b(?:const|let|function)\\s+(?:\\{[^}]*)?\\b${name}\\b(?!:)`).test(code);

/** A fragment's setting, without what neither it nor the rest of the setting names. */
function setting(code) {
  let needed = code;
  const lines = [];
  for (const [name, value] of Object.entries(kSetting).reverse()) {
    if (!names(needed, name) || declares(code, name)) continue;
    lines.unshift(`  const ${name} = ${value};`);
    needed += `\n${value}`;
  }
  return lines;
}

function asProgram(code) {
  if (/^import /m.test(code)) return code;
  const opening = /\bawait Tpm\.open\(/.test(code)
    ? ['try {']
    : ['const tpm = await Tpm.open();', 'try {'];
  const closing = opening.length === 2 ? 'await tpm.close();' : '';
  return [...kImports, ...opening, ...setting(code), code, `} finally { ${closing} }`].join('\n');
}

/** @returns {{ language: string, code: string, line: number, reason?: string }[]} */
function blocksOf(text) {
  const blocks = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\S*)/.exec(lines[at]);
    if (!fence) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: a block that does not end`);
    const [, reason] = /^<!-- not run: (.+) -->$/.exec(lines[at - 1] ?? '') ?? [];
    const code = lines.slice(at + 1, end).join('\n');
    blocks.push({ language: fence[1], code, line: at + 1, reason });
    at = end;
  }
  return blocks;
}

/** The anchors that a page's headings have, as GitHub makes them. */
function anchorsOf(text) {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  const titles = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the checks of this file', () => {
  it('find blocks, and what fragments need', () => {
    const text = 'x\n<!-- not run: a reason -->\n```js\na();\n```\n```sh\nls\n```\n';
    expect(blocksOf(text)).toEqual([
      { language: 'js', code: 'a();', line: 3, reason: 'a reason' },
      { language: 'sh', code: 'ls', line: 6, reason: undefined },
    ]);
    expect(asProgram("import 'x';")).toBe("import 'x';");
    expect(asProgram('await key.sign(digest);')).toMatch(
      /const digest =[\s\S]*const key = await tpm/,
    );
    expect(asProgram('const key = await tpm.keys.create();\nkey.name;')).not.toMatch(
      / {2}const key/,
    );
    expect(asProgram('await tpm.pcr.read([0]);')).not.toContain('const ak');
    expect(asProgram('const s = await key.sign(digest);')).toContain('  const digest =');
    expect(asProgram('const { message } = await f(ak);')).not.toContain('  const message');
    expect(asProgram('verifyQuote({ message, qualifyingData: nonce });')).toContain('const quote');
    expect(anchorsOf('# `a.b(c)`: D e\n')).toEqual(['abc-d-e']);
  });
});

/** Runs node to its end, in the package's folder, where `node-tpm2` is this package. */
function runNode(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 25_000,
      killSignal: 'SIGKILL',
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        texts[name] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, ...texts, output: texts.stdout + texts.stderr });
    });
  });
}

describe('examples in the documentation', () => {
  let swtpm;
  beforeAll(async () => {
    swtpm = await startSwtpm();
  });
  afterAll(() => swtpm?.stop());
  // What one block did to the TPM is not the next one's starting point.
  afterEach(() => swtpm.powerCycle());

  for (const document of documents) {
    for (const { language, code, line, reason } of blocksOf(read(document))) {
      if (language !== 'js') continue;
      it.skipIf(reason)(`${document}:${line}${reason ? ` (${reason})` : ''}`, async () => {
        const env = { NODE_TPM2_TCTI: swtpm.tcti };
        const args = ['--input-type=module', '-e', asProgram(code)];
        const result = await runNode(args, env);
        expect(result.stderr).toBe('');
        expect({ code: result.code, signal: result.signal }).toEqual({ code: 0, signal: null });
      });
    }
  }
});

describe('example programs', () => {
  let swtpm;
  beforeAll(async () => {
    swtpm = await startSwtpm();
  });
  afterAll(() => swtpm?.stop());

  it('are there', () => {
    const expected = ['nv-smoke', 'quote-verify', 'seal', 'sign-verify', 'smoke-test'];
    expect(programs).toEqual(
      expect.arrayContaining(expected.map((name) => `examples/${name}.mjs`)),
    );
  });

  it.each(programs)('%s', async (program) => {
    const result = await runNode([program], { NODE_TPM2_TCTI: swtpm.tcti });
    expect(result.output).toMatch(/^✓ /m);
    expect(result.output).not.toMatch(/^✗ /m);
    expect(result.code).toBe(0);
  });

  it.each(programs)('%s says what is wrong where there is no TPM', async (program) => {
    const result = await runNode([program], { NODE_TPM2_TCTI: 'swtpm:path=/nonexistent/s' });
    expect(result.output).toMatch(/^✗ /m);
    expect(result.output).not.toMatch(/^ {4}at /m);
    expect(result.code).toBe(1);
  });
});

describe('the documentation', () => {
  it.each(documents)('%s has no dead link within the repository', (document) => {
    const prose = read(document).replace(/^```[\s\S]*?^```$/gm, '');
    const dead = [];
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const page = file ? path.join(path.dirname(document), file) : document;
      if (!fs.existsSync(path.join(root, page))) dead.push(target);
      else if (anchor && !anchorsOf(read(page)).includes(anchor)) dead.push(target);
    }
    expect(dead).toEqual([]);
  });

  it('describes every error code', () => {
    const codes = [...read('src/codec/error.cc').matchAll(/return "([A-Z_]+)";/g)];
    expect(codes.length).toBeGreaterThan(15);
    const page = read('docs/errors.md');
    const types = read('types/common.d.ts');
    for (const [, code] of codes) {
      expect(page).toContain(`| ${code} |`);
      expect(types).toContain(`'${code}'`);
    }
  });

  it('describes every function, and the types declare it', async () => {
    const swtpm = await startSwtpm();
    try {
      const tpm = await api.Tpm.open({ tcti: swtpm.tcti });
      await tpm.close();
      const methods = (value) =>
        Object.getOwnPropertyNames(value.prototype ?? value).filter(
          (name) => name !== 'constructor',
        );
      const found = methods(api.Tpm).map((name) => `Tpm.${name}`);
      for (const name of methods(api.TpmHandle)) found.push(`tpm.${name}`);
      for (const [space, value] of Object.entries(tpm)) {
        for (const name of Object.keys(value)) found.push(`tpm.${space}.${name}`);
      }
      const shared = methods(Object.getPrototypeOf(api.KeyHandle)).filter(
        (name) => name[0] !== '_',
      );
      for (const [kind, handle] of [
        ['key', api.KeyHandle],
        ['ak', api.AkHandle],
      ]) {
        for (const name of [...shared, ...methods(handle)]) found.push(`${kind}.${name}`);
      }
      expect(found.length).toBeGreaterThan(60);
      const page = read('docs/api-reference.md');
      const types = declarations();
      const missing = found.filter((name) => !page.includes(name));
      const undeclared = found.filter(
        (name) => !new RegExp(`\\b${name.split('.').at(-1)}[(:]`).test(types),
      );
      expect({ missing, undeclared }).toEqual({ missing: [], undeclared: [] });
      for (const name of Object.keys(api)) expect(types).toContain(name);
      const { TpmError: _shared, ...functions } = verifier;
      for (const name of Object.keys(functions)) {
        expect(read('docs/verifier.md')).toContain(`\`${name}(`);
      }
    } finally {
      await swtpm.stop();
    }
  });
});
