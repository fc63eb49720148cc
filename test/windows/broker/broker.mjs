#!/usr/bin/env node
// The process behind the test doubles: it owns a software TPM and is the emulated Windows.
//
//   node broker.mjs --folder DIR [--event-log FILE] [--no-ek-certificates] [--log FILE]
//
// It prints "port N", serves on loopback, and ends with its standard input (so it never outlives
// the harness). Requests of the function "control" come from tests; see ../lib/broker_client.mjs.
import net from 'node:net';
import { parseArgs } from 'node:util';
import { runTool } from './host_tools.mjs';
import { State } from './state.mjs';
import { decodeRequest, encodeReply, onFrames } from './wire.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    'event-log': { type: 'string' },
    'no-ek-certificates': { type: 'boolean', default: false },
    log: { type: 'string' },
  },
});

const state = await State.start(options.folder, {
  eventLog: options['event-log'],
  ekCertificates: !options['no-ek-certificates'],
  logFile: options.log,
});

const CONTROL = {
  /** Changes settings and adds rules. */
  change: (change) => state.settings.change(change),
  /**
   * Everything that a test may have left: settings, rules, log, leaks, keys. Not the violations,
   * which the harness wants to see at the end.
   */
  reset() {
    state.settings.reset();
    for (const list of [state.log, state.leaks]) list.length = 0;
    state.pcp.store.clear();
  },
  settings: () => state.settings.values,
  release: () => state.release(),
  pendingRules: () => state.settings.pendingRules(),
  log: () => state.log,
  violations: () => state.violations,
  leaks: () => state.leaks,
  /** { objects, sessions } in the TPM, whoever holds them. */
  loaded: () => state.manager.loadedInTpm(),
  /** Runs one of tpm2-tools on the host. */
  tool: (wish) => runTool(wish),
  clearLog() {
    state.log.length = 0;
  },
  clearViolations() {
    state.violations.length = 0;
  },
};

async function control(argument) {
  try {
    const { action, value } = JSON.parse(argument.toString('utf8'));
    if (!Object.hasOwn(CONTROL, action)) throw new Error(`no control '${action}'`);
    const result = (await CONTROL[action](value)) ?? null;
    return { status: 0, values: [Buffer.from(JSON.stringify(result))] };
  } catch (error) {
    return { status: 1, values: [Buffer.from(error.message)] };
  }
}

function serve(socket) {
  let library = null;
  let client = null;
  let answered = Promise.resolve();
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!client) return;
    state.hangUp(client);
    answered.then(() => state.detach(client));
  });
  onFrames(socket, (body) => {
    const { name, args } = decodeRequest(body);
    const handle = async () => {
      if (name === 'control') return control(args[0]);
      if (name === 'hello') {
        client = state.attach(args[0].readUInt32LE());
        library = args[1].toString('latin1');
        return { status: 0, values: [] };
      }
      return state.call(library, client, name, args);
    };
    answered = answered.then(handle).then(
      ({ status, values }) => socket.writable && socket.write(encodeReply(status, values)),
      (error) => {
        console.error(error);
        socket.destroy();
      },
    );
  });
}

const server = net.createServer(serve);
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));

async function end() {
  server.close();
  await state.stop();
  process.exit(0);
}
process.stdin.resume();
process.stdin.on('end', end);
process.once('SIGTERM', end);
process.once('SIGINT', end);
