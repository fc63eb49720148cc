// NCrypt's status values, by their true names.

export const NTE = {
  BAD_KEY_STATE: 0x8009000b,
  EXISTS: 0x8009000f,
  PERM: 0x80090010,
  NOT_FOUND: 0x80090011,
  BAD_PROVIDER: 0x80090013,
  BAD_KEYSET: 0x80090016,
  PROV_DLL_NOT_FOUND: 0x8009001e,
  INVALID_HANDLE: 0x80090026,
  INVALID_PARAMETER: 0x80090027,
  BUFFER_TOO_SMALL: 0x80090028,
  NOT_SUPPORTED: 0x80090029,
  DEVICE_NOT_READY: 0x80090030,
  DEVICE_NOT_FOUND: 0x80090035,
};

/** An NCrypt call ends with this status. */
export class NcryptError extends Error {
  constructor(status) {
    super(`0x${status.toString(16)}`);
    this.status = status;
  }
}

/** @param {Buffer | null} bytes UTF-16LE @returns {string | null} */
export const toText = (bytes) => bytes?.toString('utf16le') ?? null;
