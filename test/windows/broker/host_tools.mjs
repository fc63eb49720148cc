// Programs of the host that judge what Windows has made: tpm2-tools, which a Windows process cannot
// start. They get files and give files, and need no TPM.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAMS = ['tpm2_checkquote', 'tpm2_makecredential'];

/**
 * @param {{ program: string, args: string[], input?: Record<string, string>, output?: string[] }} wish
 *   `input`: files by name, as hexadecimal; `output`: names of files to hand back
 * @returns {Promise<{ code: number | string, text: string, files: Record<string, string> }>} `code` is
 *   'ENOENT' where the host has no such program
 */
export async function runTool({ program, args, input = {}, output = [] }) {
  if (!PROGRAMS.includes(program)) throw new Error(`no program '${program}' for tests`);
  const folder = await mkdtemp(path.join(tmpdir(), 'node-tpm2-tool-'));
  try {
    for (const [name, hex] of Object.entries(input)) {
      await writeFile(path.join(folder, path.basename(name)), Buffer.from(hex, 'hex'));
    }
    const options = { cwd: folder, timeout: 60_000 };
    const { code, text } = await run(program, args, options).then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
      (error) => ({ code: error.code ?? 'killed', text: `${error.stdout}${error.stderr}` }),
    );
    const files = {};
    for (const name of code === 0 ? output : []) {
      files[name] = (await readFile(path.join(folder, path.basename(name)))).toString('hex');
    }
    return { code, text, files };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
