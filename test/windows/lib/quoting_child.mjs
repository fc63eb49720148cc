// A second process: quotes with the blob that it is given, as the application of an enrolled device
// does. Its answer goes into a file, since under Wine the output is files anyway.
import { readFileSync, writeFileSync } from 'node:fs';
import { Tpm } from 'node-tpm2';

const [requestFile, answerFile] = process.argv.slice(2);
const { akBlob, qualifyingData } = JSON.parse(readFileSync(requestFile, 'utf8'));
const revive = (text) => Buffer.from(text, 'hex');
let answer;
try {
  const quote = await Tpm.quote({
    akBlob: { public: revive(akBlob), private: Buffer.alloc(0) },
    qualifyingData: revive(qualifyingData),
    pcrSelection: { sha256: [0, 7, 16] },
    includePcrs: true,
  });
  const { message, signature, signatureTpmt, ...rest } = quote;
  const hex = (bytes) => bytes.toString('hex');
  answer = {
    ...rest,
    message: hex(message),
    signature: hex(signature),
    signatureTpmt: hex(signatureTpmt),
  };
} catch (error) {
  const { code, hresult, message, suggestion } = error;
  answer = { error: { code, hresult, message, suggestion } };
}
writeFileSync(answerFile, JSON.stringify(answer));
