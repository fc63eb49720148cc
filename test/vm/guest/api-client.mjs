// node api-client.mjs DEED [TCTI]: a second process that uses the package. Says 'ready' over IPC when
// it has got to the point that its deed is about.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { Tpm } from 'node-tpm2';

const ROUNDS = 5;
const [deed, tcti] = process.argv.slice(2);
const tpm = await Tpm.open(tcti ? { tcti } : undefined);

const deeds = {
  // Works beside others, and checks its own results.
  async work() {
    const key = await tpm.keys.create({ type: 'ecc' });
    const publicKey = createPublicKey({ key: key.publicKeyDer, format: 'der', type: 'spki' });
    process.send('ready');
    for (let round = 0; round < ROUNDS; round++) {
      const message = `${process.pid} ${round}`;
      const signature = await key.sign(createHash('sha256').update(message).digest());
      if (
        !verify(
          'sha256',
          Buffer.from(message),
          { key: publicKey, dsaEncoding: 'ieee-p1363' },
          signature,
        )
      ) {
        throw new Error(`round ${round}: the signature is not over this process's message`);
      }
    }
    await tpm.close();
  },
  // Holds a loaded key and a session until it is killed.
  async hold() {
    setInterval(() => {}, 1000); // the package itself keeps no idle process alive
    const key = await tpm.keys.create({ type: 'ecc' });
    await key.sign(Buffer.alloc(32, 1));
    process.send('ready');
  },
  // Is killed in the middle of a command, most likely: an RSA key takes longer than a message.
  async generate() {
    process.send('ready');
    for (;;) await tpm.keys.create({ type: 'rsa' });
  },
  // Ends with everything open.
  async leave() {
    const key = await tpm.keys.create({ type: 'ecc' });
    await key.sign(Buffer.alloc(32, 1));
    process.send('ready');
  },
};
await deeds[deed]();
