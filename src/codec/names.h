// Names of the numbers in TPM 2.0 Part 2, as people and tpm2-tools write them. All are static.
#ifndef TPM2_CODEC_NAMES_H_
#define TPM2_CODEC_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "tpm2/constants.h"

namespace tpm2 {

// "TPM2_Load"; empty when the library specification has no such command.
std::string_view CommandName(CommandCode code);

// "sha256", "rsassa", "kdf1_sp800_108": as tpm2_getcap algorithms prints them. Empty if unknown.
std::string_view AlgorithmName(AlgId id);

// "P-256" for a NIST curve, else the registry's name without its prefix ("BN_P256"). Empty if
// unknown.
std::string_view CurveName(EccCurve curve);

// The name; where there is none the number, as "0x0099".
std::string AlgorithmText(AlgId id);
std::string CurveText(EccCurve curve);

// "sha256", "sha3-256" or "sha3_256": a hash algorithm's number, kError for anything else.
AlgId HashFromName(std::string_view name);

// "TPM_PT_FAMILY_INDICATOR" for a TPM_PT (Part 2, 6.13); empty if unknown.
std::string_view PropertyName(uint32_t property);

}  // namespace tpm2

#endif  // TPM2_CODEC_NAMES_H_
