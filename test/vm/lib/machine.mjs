// One virtual machine with one software TPM, from power-on to the result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from '../../../scripts/lib/process.mjs';
import { SwtpmLog } from './swtpm-log.mjs';

const MEMORY_MB = 1024;
const BOOT_ARGUMENTS = 'console=ttyS0 quiet panic=-1 mitigations=off';
const POWER_OFF_GRACE = 10_000;
const SWTPM_START = 5_000;

/**
 * Boots the machine, answers the guest's questions until it is done, and clears up. Never throws for
 * what the guest does: it is all in the result.
 * @param {{ name: string, tpm: 'tpm-crb' | 'tpm-tis', timeout: number, runs: object[] }} plan
 * @param {{ vmlinuz: string, image: string, results: string, onTest?: (test: object) => void }} options
 * @returns {Promise<{ tests: object[], calls: object[], dones: object[], problem?: string, ms: number, hello?: object }>}
 */
export async function runMachine(plan, { vmlinuz, image, results, onTest }) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'node-tpm2-vm-'));
  const machine = new Machine(plan, { folder, results, onTest });
  const clearUp = async () => {
    await machine.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const ended = onInterrupt(clearUp);
  let problem;
  try {
    await machine.run({ vmlinuz, image });
  } catch (error) {
    await machine.stop();
    problem = error.message + machine.console();
  }
  await clearUp();
  ended();
  return { ...machine.record, problem, ms: Date.now() - started };
}

class Machine {
  record = { tests: [], calls: [], dones: [], hello: undefined };
  #plan;
  #folder;
  #results;
  #onTest;
  #processes = [];
  #tpm;
  #log;
  #server;
  #ended = false;
  #fault;

  constructor(plan, { folder, results, onTest }) {
    this.#plan = plan;
    this.#folder = folder;
    this.#results = results;
    this.#onTest = onTest;
  }

  async run({ vmlinuz, image }) {
    await this.#startTpm();
    await this.#listen();
    const qemu = this.#start('qemu-system-x86_64', this.#qemuArguments(vmlinuz, image));
    const timer = setTimeout(() => qemu.process.kill('SIGKILL'), this.#plan.timeout);
    const end = await qemu.exited;
    clearTimeout(timer);
    if (this.#fault) throw this.#fault;
    if (!this.#ended) {
      const limit = `${this.#plan.timeout / 1000} s`;
      throw new Error(`the guest did not get to its end (limit ${limit}; QEMU: ${end})`);
    }
  }

  /** The end of the guest's console and of QEMU's own output, for a failure's report. */
  console() {
    return ['console', 'qemu-system-x86_64.out', 'swtpm.out']
      .map((name) => join(this.#folder, name))
      .filter((path) => existsSync(path))
      .map((path) => [basename(path), readFileSync(path, 'latin1').trim().slice(-3000)])
      .filter(([, text]) => text !== '')
      .map(([name, text]) => `\n--- ${name} ---\n${text}`)
      .join('');
  }

  /** Ends what was started; may be called more than once. */
  async stop() {
    for (const { process } of this.#processes) process.kill('SIGKILL');
    await Promise.all(this.#processes.map(({ exited }) => exited));
    this.#server?.close();
    this.#log?.close();
    this.#log = undefined;
  }

  // QEMU itself powers the TPM on; it keeps the TPM for as long as it runs.
  async #startTpm() {
    const state = join(this.#folder, 'state');
    const logFile = join(this.#folder, 'swtpm.log');
    mkdirSync(state);
    writeFileSync(logFile, '');
    this.#tpm = this.#start('swtpm', [
      'socket',
      '--tpm2',
      ...['--tpmstate', `dir=${state}`],
      ...['--ctrl', `type=unixio,path=${this.#path('tpm')}`],
      ...['--log', `file=${logFile},level=20`],
    ]);
    this.#log = new SwtpmLog(logFile);
    for (const limit = Date.now() + SWTPM_START; !existsSync(this.#path('tpm')); await sleep(10)) {
      if (Date.now() > limit) throw new Error('swtpm does not start');
    }
  }

  async #listen() {
    this.#server = createServer((socket) => {
      socket.on('error', () => {}); // QEMU's end; its exit tells more
      const lines = createInterface({ input: socket });
      lines.on('line', async (line) => {
        try {
          const answer = await this.#answer(JSON.parse(line));
          socket.write(`${JSON.stringify(answer)}\n`);
        } catch (error) {
          this.#fault = error;
          this.#processes.at(-1).process.kill('SIGKILL');
        }
      });
    });
    this.#server.listen(this.#path('port'));
    await once(this.#server, 'listening');
  }

  #qemuArguments(vmlinuz, image) {
    return [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-no-reboot'],
      ...['-machine', 'q35,smm=off', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
      ...['-smp', '2', '-m', String(MEMORY_MB)],
      ...['-kernel', vmlinuz, '-initrd', image, '-append', BOOT_ARGUMENTS],
      ...['-serial', `file:${this.#path('console')}`],
      ...['-chardev', `socket,id=tpmsocket,path=${this.#path('tpm')}`],
      ...[
        '-tpmdev',
        'emulator,id=tpm0,chardev=tpmsocket',
        '-device',
        `${this.#plan.tpm},tpmdev=tpm0`,
      ],
      ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=host,path=${this.#path('port')}`],
      ...['-device', 'virtserialport,chardev=host,name=node-tpm2'],
    ];
  }

  async #answer(message) {
    switch (message.type) {
      case 'hello':
        this.record.hello = message;
        return { runs: this.#plan.runs };
      case 'mark':
        return { earlier: this.#log.takeCommands().length };
      case 'count': {
        const commands = this.#log.takeCommands();
        this.record.calls.push({ run: message.run, label: message.label, commands });
        return { commands };
      }
      case 'test':
        this.record.tests.push(message);
        this.#onTest?.(message);
        return {};
      case 'file':
        mkdirSync(this.#results, { recursive: true });
        writeFileSync(
          join(this.#results, basename(message.name)),
          Buffer.from(message.content, 'base64'),
        );
        return {};
      case 'kill-tpm':
        this.#tpm.process.kill('SIGKILL');
        await this.#tpm.exited;
        return {};
      case 'done':
        this.record.dones[message.run] = message;
        return {};
      case 'end':
        this.#ended = true;
        this.#forceOff();
        return {};
      default:
        throw new Error(`the guest says ${message.type}`);
    }
  }

  // A guest that does not get to its own power-off has done its work all the same.
  #forceOff() {
    const qemu = this.#processes.at(-1).process;
    setTimeout(() => qemu.kill('SIGKILL'), POWER_OFF_GRACE).unref();
  }

  #path(name) {
    return join(this.#folder, name);
  }

  // Through setpriv, so that it dies with this process, however that ends.
  #start(program, args) {
    const process = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const exited = once(process, 'close').then(
      ([code, killedBy]) => {
        writeFileSync(this.#path(`${program}.out`), output);
        return killedBy ?? `exit status ${code}`;
      },
      (error) => error.message,
    );
    const started = { process, exited };
    this.#processes.push(started);
    return started;
  }
}
