// What seal() gives out.
//   version 1: "SEAL", u8 1, u32 n, n x u32 PCR of the sha256 bank, u32 length and TPM2B_PUBLIC,
//              u32 length and TPM2B_PRIVATE
//   version 2: "SEAL", u8 2, u8 flags (bit 0: the policy asks for the auth value),
//              TPML_PCR_SELECTION, TPM2B_PUBLIC, TPM2B_PRIVATE
// All numbers big-endian. Version 1 is written whenever it can say everything.
#ifndef TPM2_SRC_CLIENT_SEAL_BLOB_H_
#define TPM2_SRC_CLIENT_SEAL_BLOB_H_

#include "tpm2/operations/common.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

struct SealBlob {
  PcrSelectionList selection;  // empty: no PCR policy
  bool policy_auth_value = false;
  ObjectBlob object;
};

Buffer EncodeSealBlob(const SealBlob& blob);
// INVALID_ARGUMENT for anything that is not exactly such a blob.
SealBlob DecodeSealBlob(ByteView bytes);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_SEAL_BLOB_H_
