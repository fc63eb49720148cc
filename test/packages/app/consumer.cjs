// The package is ESM only; require() of it works from Node 20.19 on.
const assert = require('node:assert/strict');
const { Tpm } = require('node-tpm2');

async function main() {
  const tpm = await Tpm.open();
  try {
    const bytes = await tpm.random.bytes(16);
    assert.equal(bytes.length, 16);
    console.log('required: 16 random bytes');
  } finally {
    await tpm.close();
  }
}

main();
