// What several use cases do and look at.
#ifndef TPM2_TEST_UNIT_SUPPORT_USE_CASE_STEPS_H_
#define TPM2_TEST_UNIT_SUPPORT_USE_CASE_STEPS_H_

#include <string>
#include <vector>

#include "support/use_cases.h"

namespace tpm2::testing {

inline std::string Unless(bool right, const char* what) { return right ? std::string() : what; }

template <typename Request, typename... Fields>
Request With(Fields... set) {
  Request request;
  (set(request), ...);
  return request;
}

inline std::vector<BankSelection> SomePcrs() { return {{"sha256", {0, 16}}, {"sha1", {1}}}; }

inline op::NvReadOp Read(uint32_t handle, std::string_view auth) {
  op::NvReadOp request;
  request.handle = handle;
  if (!auth.empty()) request.auth = SecretOf(auth);
  return request;
}

// What the large index holds: the planted data, again and again.
SecretBytes LargeData();
op::NvWriteOp WriteLarge(uint32_t handle);
op::Credential CredentialFor(const Buffer& ek_public, const op::CreatedKey& ak);

// Each returns what is wrong, or nothing.
std::string SignAndVerify(TestTpm& tpm, const op::CreatedKey& key, std::string_view auth);
std::string QuoteAndVerify(TestTpm& tpm, const op::CreatedKey& ak, bool with_pcrs);

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_USE_CASE_STEPS_H_
