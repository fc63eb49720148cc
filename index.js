export { AkHandle, KeyHandle, Tpm, TpmError, TpmHandle } from './api.js';
