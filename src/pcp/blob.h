// The blob of a Platform Crypto Provider attestation key: where the key is, and the statement of
// the TPM that it made it. It holds no secret. Portable, so that a server can read it anywhere.
//
//   "PCP1" (the user's key) or "PCP2" (the machine's), then five fields, each a u32 little-endian
//   length and as many octets: key name (UTF-8), TPMT_PUBLIC, TPMS_CREATION_DATA, TPMS_ATTEST,
//   TPMT_SIGNATURE.
#ifndef TPM2_PCP_BLOB_H_
#define TPM2_PCP_BLOB_H_

#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "tpm2/bytes.h"
#include "tpm2/structures/public.h"

namespace tpm2::pcp {

struct KeyBlob {
  bool machine = false;
  std::string key_name;
  Buffer public_area;
  Buffer creation_data;
  Buffer attest;
  Buffer signature;
};

// By the magic alone.
bool IsKeyBlob(ByteView bytes);

Buffer Encode(const KeyBlob& blob);

// INVALID_ARGUMENT for what is not a whole blob whose fields are what they should be and fit
// together: the statement is about this public area and this creation data, and signed by this key.
// So nothing but the key's name can be altered unnoticed; that a TPM made the key is not proven by
// that. Trailing octets are ignored, as other implementations do.
KeyBlob Decode(ByteView bytes);

// PCP_TPM12_IDBINDING: TPM2B_PUBLIC, TPM2B_CREATION_DATA, TPM2B_ATTEST, TPMT_SIGNATURE.
// NOT_SUPPORTED for a TPM 1.2's, INTEGRITY where it is not what it should be.
KeyBlob FromIdBinding(ByteView binding, bool machine, std::string key_name);

// The key's public area, which Decode() and FromIdBinding() have checked.
Public PublicAreaOf(const KeyBlob& blob);

// BCRYPT_RSAKEY_BLOB ("RSA1") or BCRYPT_ECCKEY_BLOB of P-256 ("ECK1", "ECS1"), the public forms in
// which Windows hands out keys; little-endian heads, big-endian numbers. MARSHALLING_ERROR for
// anything else, for octets left over, and for a point off its curve.
crypto::PublicKey ParsePublicBlob(ByteView bytes);

// The name to provision under; without one a random name for the user's scope. INVALID_ARGUMENT
// for a name that the provider or another program could take for something else.
std::string ChooseKeyName(const std::optional<std::string>& wanted, bool machine);

}  // namespace tpm2::pcp

#endif  // TPM2_PCP_BLOB_H_
