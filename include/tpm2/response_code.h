// What a TPM response code says (TPM 2.0 Part 2, 6.6), as data.
#ifndef TPM2_RESPONSE_CODE_H_
#define TPM2_RESPONSE_CODE_H_

#include <cstdint>
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

}  // namespace tpm2

#endif  // TPM2_RESPONSE_CODE_H_
