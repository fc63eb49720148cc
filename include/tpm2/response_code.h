// What a TPM response code says (TPM 2.0 Part 2, 6.6), as data.
#ifndef TPM2_RESPONSE_CODE_H_
#define TPM2_RESPONSE_CODE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tpm2/error.h"

namespace tpm2 {

enum class RcSubject { kNone, kParameter, kHandle, kSession };

struct DecodedRc {
  uint32_t raw = 0;       // as received, layer included
  uint32_t layer = 0;     // bits 31..16: 0 TPM, 0x000a TCTI, 0x000b kernel or user resource manager
  uint32_t base = 0;      // without layer and without the subject bits: comparable to a constant
  std::string_view name;  // "TPM_RC_VALUE"; "TPM_RC_UNKNOWN" when Part 2 has no such code
  std::string_view meaning;     // one sentence
  std::string_view suggestion;  // the remedy; may be empty
  ErrorCode code = ErrorCode::kTpmRc;
  bool resubmit = false;  // RETRY, YIELDED, TESTING, NV_RATE: the command did not run
  RcSubject subject = RcSubject::kNone;
  unsigned number = 0;  // 1-based parameter, handle or session; 0 when the TPM names none
};

// Decodes every 32-bit value; never throws.
DecodedRc DecodeResponseCode(uint32_t rc);

// True for an error HRESULT of FACILITY_TPM_SERVICES, which Windows gives in a response code's
// place.
constexpr bool IsWindowsStatus(uint32_t rc) { return rc >> 16 == 0x8028; }
// TPM_E_INVALID_HANDLE: Windows does not know the handle of an object or session (any more).
inline constexpr uint32_t kWindowsInvalidHandle = 0x80280401;
// The TPM's own code in such a status; nothing where Windows speaks for itself.
std::optional<uint32_t> TpmCodeOf(uint32_t windows_status);

}  // namespace tpm2

#endif  // TPM2_RESPONSE_CODE_H_
