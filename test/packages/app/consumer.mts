import { Tpm, TpmError, type TpmHandle } from 'node-tpm2';

async function main(): Promise<void> {
  const available: boolean = await Tpm.isAvailable();
  if (!available) throw new Error('no TPM');
  const tpm: TpmHandle = await Tpm.open();
  try {
    const bytes: Buffer = await tpm.random.bytes(16);
    if (bytes.length !== 16) throw new Error(`${bytes.length} bytes`);
    // @ts-expect-error a number is asked for
    await tpm.random.bytes('16').catch((error: unknown) => {
      if (!(error instanceof TpmError)) throw error;
    });
    console.log('typed: 16 random bytes');
  } finally {
    await tpm.close();
  }
}

await main();
