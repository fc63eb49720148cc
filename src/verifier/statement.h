// What all attestations have in common: magic, type, signature and nonce.
#ifndef TPM2_SRC_VERIFIER_STATEMENT_H_
#define TPM2_SRC_VERIFIER_STATEMENT_H_

#include <optional>

#include "tpm2/structures/attest.h"
#include "verifier/signer.h"

namespace tpm2::verifier {

struct Statement {
  std::optional<Attest> attest;            // when the message parses and is of the type asked for
  std::optional<op::AttestRecord> record;  // when it parses
  AlgId hash = AlgId::kNull;               // that it was signed with
};
// Adds the checks 'magic', 'type', 'signature' and 'nonce'. Without `nonce` that one is not made.
Statement CheckStatement(const Signer& signer, StructureTag type, ByteView message,
                         ByteView signature, const Buffer* nonce, Checks& checks);

inline constexpr const char* kUnread = "the message could not be read";

}  // namespace tpm2::verifier

#endif  // TPM2_SRC_VERIFIER_STATEMENT_H_
