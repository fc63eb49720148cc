// Policy digests computed in software (TPM 2.0 Part 3, 23), equal to what a TPM computes.
#ifndef TPM2_SRC_CRYPTO_POLICY_DIGEST_H_
#define TPM2_SRC_CRYPTO_POLICY_DIGEST_H_

#include "crypto/crypto.h"
#include "tpm2/structures/basic.h"

namespace tpm2::crypto {

// Starts as zeros; each assertion extends it.
class PolicyDigest {
 public:
  explicit PolicyDigest(AlgId hash);
  // Part 3 23.7; `pcr_digest` is H(the selected PCRs' values one after the other).
  PolicyDigest& Pcr(const PcrSelectionList& selection, ByteView pcr_digest);
  // Part 3 23.17.
  PolicyDigest& AuthValue();
  // Part 3 23.11.
  PolicyDigest& CommandCodeIs(CommandCode code);
  // Part 3 23.4 with the entity's Name and an empty policyRef.
  PolicyDigest& SecretOf(const Name& entity);
  // Part 3 23.6: replaces what was there.
  PolicyDigest& Or(const std::vector<tpm2::Digest>& branches);

  const Buffer& value() const { return digest_; }

 private:
  AlgId hash_;
  Buffer digest_;
};

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_POLICY_DIGEST_H_
