// Who has signed a statement, and whether the signature verifies.
#ifndef TPM2_SRC_VERIFIER_SIGNER_H_
#define TPM2_SRC_VERIFIER_SIGNER_H_

#include <optional>
#include <string>

#include "crypto/key_convert.h"
#include "tpm2/operations/verify.h"
#include "verifier/checks.h"

namespace tpm2::verifier {

struct Signer {
  crypto::PublicKey key;
  std::optional<Public> area;
  bool one_key = true;  // false: akPublicKey and akPublic are two keys
  // What the caller asked for.
  AlgId scheme = AlgId::kNull;
  AlgId hash = AlgId::kNull;
};

// INVALID_ARGUMENT for keys and names that cannot be read. `self` signs when no key is given.
Signer ReadSigner(const op::SignerRecord& record, const Public* self = nullptr);

struct SignatureFinding {
  bool ok = false;
  std::string reason;  // of a failure; also what is remarkable about a signature that verifies
  AlgId hash = AlgId::kNull;  // kNull when nobody can say
};
// Takes a TPMT_SIGNATURE, RSA octets, r‖s or a DER SEQUENCE. Never throws for what is wrong with
// the message or the signature.
SignatureFinding VerifySignature(const Signer& signer, ByteView message, ByteView signature);

// 'restricted' and 'fixedTPM': only a TPM can have made a statement by a key that can neither sign
// what did not come from the TPM nor exist outside of it.
void CheckAttributes(const Signer& signer, Checks& checks);

}  // namespace tpm2::verifier

#endif  // TPM2_SRC_VERIFIER_SIGNER_H_
