// Taking our blobs apart, by the documentation and not by our own parser.

/** "SEAL", u8 version, u32 n, n x u32 PCR, u32 and u32 lengths, public, private; in version 2 more. */
export function splitSealBlob(blob) {
  const version = blob[4];
  if (version !== 1) return splitVersion2(blob);
  let at = 5;
  const u32 = () => {
    at += 4;
    return blob.readUInt32BE(at - 4);
  };
  const pcrs = Array.from({ length: u32() }, u32);
  return { magic: blob.toString('latin1', 0, 4), version, pcrs, ...tail(blob, at) };
}

function tail(blob, from) {
  const sizes = [blob.readUInt32BE(from), blob.readUInt32BE(from + 4)];
  const start = from + 8;
  return {
    public: blob.subarray(start, start + sizes[0]),
    private: blob.subarray(start + sizes[0], start + sizes[0] + sizes[1]),
    rest: blob.length - start - sizes[0] - sizes[1],
  };
}

/** A version 1 blob of these parts. */
export function joinSealBlob({ pcrs, public: pub, private: priv }) {
  const words = [pcrs.length, ...pcrs, pub.length, priv.length];
  const head = Buffer.alloc(5 + 4 * words.length);
  head.write('SEAL', 'latin1');
  head[4] = 1;
  for (const [i, word] of words.entries()) head.writeUInt32BE(word, 5 + 4 * i);
  return Buffer.concat([head, pub, priv]);
}

/** u8 flags, TPML_PCR_SELECTION, TPM2B_PUBLIC, TPM2B_PRIVATE. */
function splitVersion2(blob) {
  let at = 6;
  const banks = [];
  const count = blob.readUInt32BE(at);
  at += 4;
  for (let i = 0; i < count; ++i) {
    const size = blob[at + 2];
    banks.push({ hash: blob.readUInt16BE(at), select: blob.subarray(at + 3, at + 3 + size) });
    at += 3 + size;
  }
  const sized = () => {
    const from = at;
    at += 2 + blob.readUInt16BE(from);
    return blob.subarray(from, at);
  };
  const parts = { public: sized(), private: sized() };
  const magic = blob.toString('latin1', 0, 4);
  return { magic, version: 2, flags: blob[5], banks, ...parts, rest: blob.length - at };
}
