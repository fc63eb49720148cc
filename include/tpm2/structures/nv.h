// TPM 2.0 Part 2, 13: non-volatile storage.
#ifndef TPM2_STRUCTURES_NV_H_
#define TPM2_STRUCTURES_NV_H_

#include "tpm2/structures/basic.h"

namespace tpm2 {

// TPMS_NV_PUBLIC, Part 2 13.5.
struct NvPublic {
  uint32_t nv_index = 0;
  AlgId name_alg{};
  NvAttributes attributes{};
  Digest auth_policy;
  uint16_t data_size = 0;
  static constexpr auto Fields() {
    return Declare<NvPublic>(F<&NvPublic::nv_index>("nvIndex"), F<&NvPublic::name_alg>("nameAlg"),
                             F<&NvPublic::attributes>("attributes"),
                             F<&NvPublic::auth_policy>("authPolicy"),
                             F<&NvPublic::data_size>("dataSize"));
  }
  NvType type() const { return static_cast<NvType>(static_cast<uint32_t>(attributes) >> 4 & 0xf); }
};

// TPM2B_MAX_NV_BUFFER, Part 2 10.4.9. NV data may be anybody's secret, so it is treated as one.
using NvBuffer = Secret<4096>;

}  // namespace tpm2

#endif  // TPM2_STRUCTURES_NV_H_
