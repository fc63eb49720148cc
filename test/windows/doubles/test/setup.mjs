// What every test of the doubles stands on: one Wine prefix, one broker, one control connection.
import { after, before, beforeEach } from 'node:test';
import { startBroker } from '../../lib/broker.mjs';
import { BrokerClient } from '../../lib/broker_client.mjs';
import { buildDoubles } from '../../lib/build.mjs';
import { Wine } from '../../lib/wine.mjs';
import { Probe } from './probe.mjs';

/** Call at the top of a test file; the fields are there once the tests run. */
export function emulatedWindows() {
  const windows = { probes: [] };

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
  beforeEach(() => windows.control.reset());
  after(async () => {
    for (const probe of windows.probes) await probe.end();
    windows.control?.close();
    await windows.broker?.stop();
    await windows.wine?.close();
  });
  return windows;
}
