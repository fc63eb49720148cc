// NODE_DEBUG=tpm2 and the diagnostics channel 'tpm2': each command with what it carried, decoded
// by the codec that sent it. Secrets are shown as their length.
import { channel } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';

const log = debuglog('tpm2');
const traceChannel = channel('tpm2');

/** Whether anybody looks; asked before each call, so that nothing is made for nobody. */
export function tracing() {
  return log.enabled || traceChannel.hasSubscribers;
}

function line(event) {
  const { command, request, sessions, rc, rcName, response, microseconds } = event;
  const outcome = rc === 0 ? 'TPM_RC_SUCCESS' : `0x${rc.toString(16)} ${rcName}`;
  const auth = sessions ? ` [${sessions}]` : '';
  const answer = response ? ` -> ${response}` : '';
  return `${command} ${request}${auth} ${outcome} ${microseconds}us${answer}`;
}

/** @param {object[]} events  the commands of one call, in order */
export function publish(events) {
  for (const event of events) {
    if (log.enabled) log('%s', line(event));
    if (traceChannel.hasSubscribers) traceChannel.publish(event);
  }
}
