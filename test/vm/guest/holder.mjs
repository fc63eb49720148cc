// node holder.mjs DEVICE: makes an object and a session there, says so, and holds them until killed.
import * as tpm from './tpm-bytes.mjs';

const fd = tpm.open(process.argv[2]);
const succeeded = (command) =>
  tpm.responseCode(tpm.exchange(fd, command)) === tpm.RC.SUCCESS ? 1 : 0;
process.send({
  objects: succeeded(tpm.commands.createPrimary()),
  sessions: succeeded(tpm.commands.startHmacSession()),
});
process.on('disconnect', () => process.exit());
