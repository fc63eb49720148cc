// Says what a caller sees where the native part does not load.
import { Tpm } from 'node-tpm2';

const available = await Tpm.isAvailable();
const error = await Tpm.open().then(
  () => null,
  (reason) => reason,
);
const { code, message, suggestion } = error ?? {};
console.log(JSON.stringify({ available, code, message, suggestion }));
