// What the statuses of NCrypt's Platform Crypto Provider mean. Portable, so that the table is
// tested everywhere; docs/windows-pcp.md shows it to people.
#ifndef TPM2_PCP_STATUS_H_
#define TPM2_PCP_STATUS_H_

#include <cstdint>
#include <string>

#include "tpm2/error.h"

namespace tpm2::pcp {

namespace nte {
inline constexpr uint32_t kNoKey = 0x8009000d;
inline constexpr uint32_t kNotFound = 0x80090011;
inline constexpr uint32_t kBadKeyset = 0x80090016;
inline constexpr uint32_t kInvalidParameter = 0x80090027;
inline constexpr uint32_t kBufferTooSmall = 0x80090028;
inline constexpr uint32_t kNotSupported = 0x80090029;
}  // namespace nte

// What the provider was asked for when the status came.
struct Situation {
  enum class Step { kOpenProvider, kCreateKey, kDeleteKey, kOpenKey, kUseKey, kActivate };
  Step step = Step::kUseKey;
  bool machine = false;   // a key of the machine, not of this user
  bool elevated = true;   // the process has an administrator's or the system's token
  std::string what = {};  // the function, and the property if there is one: "NCryptOpenKey"
};

// True for the three ways of saying that there is no key of that name.
bool IsKeyMissing(uint32_t status);

// The error for a status that is not success. Its hresult is the status; where it carries a TPM's
// response code, tpm_rc is that.
Error Failure(uint32_t status, const Situation& situation);

}  // namespace tpm2::pcp

#endif  // TPM2_PCP_STATUS_H_
