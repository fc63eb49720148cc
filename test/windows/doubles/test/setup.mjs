// What every test of the doubles stands on: one Wine prefix, one broker, one control connection.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { startBroker } from '../../lib/broker.mjs';
import { BrokerClient } from '../../lib/broker_client.mjs';
import { buildDoubles } from '../../lib/build.mjs';
import { Wine } from '../../lib/wine.mjs';
import { Probe } from './probe.mjs';

/** Call at the top of a test file; the fields are there once the tests run. */
export function emulatedWindows() {
  const windows = { probes: [], expectedViolations: [] };

  /** Starts one more Windows process; `elevated`: '0', '1' or 'system'. */
  windows.start = async (options = {}) => {
    const { broker, folder, wine } = windows;
    const probe = await Probe.start(wine, { port: broker.port, folder, ...options });
    windows.probes.push(probe);
    return probe;
  };

  before(async () => {
    windows.folder = await buildDoubles();
    windows.wine = await Wine.open(windows.folder);
    windows.broker = await startBroker();
    windows.control = await BrokerClient.connect(windows.broker.port);
    windows.admin = await windows.start({ elevated: '1' });
    windows.user = await windows.start({ elevated: '0' });
  });
  beforeEach(async () => {
    windows.expectedViolations = [];
    await windows.control.reset();
  });
  afterEach(async () => {
    const texts = (await windows.control.violations()).map(({ violation }) => violation);
    await windows.control.clearViolations();
    assert.deepEqual(texts, windows.expectedViolations);
  });
  after(async () => {
    for (const probe of windows.probes) await probe.end();
    windows.control?.close();
    await windows.broker?.stop();
    await windows.wine?.close();
  });
  return windows;
}
