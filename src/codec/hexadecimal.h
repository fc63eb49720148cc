// Numbers and octets in hexadecimal, lower case.
#ifndef TPM2_CODEC_HEXADECIMAL_H_
#define TPM2_CODEC_HEXADECIMAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tpm2/bytes.h"

namespace tpm2 {

// "0x0000014e" with digits = 8: at least that many.
std::string HexNumber(uint64_t value, int digits = 1);

// "00ff"
std::string HexOctets(ByteView bytes);

// The octets of "00ff" or "00FF"; nothing where it is something else.
std::optional<Buffer> OctetsFromHex(std::string_view text);

}  // namespace tpm2

#endif  // TPM2_CODEC_HEXADECIMAL_H_
