// The flat functions' share of a connection: taken at the first call, given up when idle.
import { Connection, openArguments } from './connection.js';

/** Milliseconds without a flat call after which the TPM is let go of. */
const IDLE = 1000;

const shares = new Map(); // tcti -> { connection, users, timer }

function leave(tcti, share) {
  shares.delete(tcti);
  share.connection.close().catch(() => {});
}

/**
 * Calls `use` with a connection to the default TPM.
 * @template T
 * @param {(connection: Connection) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withFlatConnection(use) {
  const { tcti, native } = openArguments();
  let share = shares.get(tcti);
  if (!share) {
    share = { connection: new Connection(tcti, native), users: 0, timer: undefined };
    shares.set(tcti, share);
  }
  share.users += 1;
  clearTimeout(share.timer);
  try {
    return await use(share.connection);
  } finally {
    share.users -= 1;
    if (share.users === 0) {
      share.timer = setTimeout(leave, IDLE, tcti, share);
      share.timer.unref();
    }
  }
}
