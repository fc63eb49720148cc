#include "tpm2/describe.h"

#include <cinttypes>
#include <cstdio>

#include "codec/names.h"

namespace tpm2 {

namespace {
constexpr size_t kShownOctets = 32;
}

void Describer::Number(uint64_t value) { text_ += std::to_string(value); }

void Describer::Hexadecimal(uint64_t value, int digits) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%0*" PRIx64, digits, value);
  text_ += text;
}

void Describer::Octets(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (bytes.empty()) text_ += "(empty)";
  for (uint8_t octet : bytes.first(std::min(bytes.size(), kShownOctets))) {
    text_ += kDigits[octet >> 4];
    text_ += kDigits[octet & 0xf];
  }
  if (bytes.size() <= kShownOctets) return;
  text_ += "...(";
  Number(bytes.size());
  text_ += " octets)";
}

void Describer::SecretOctets(size_t count) {
  text_ += '<';
  Number(count);
  text_ += " secret octets>";
}

void Describer::Algorithm(AlgId algorithm) {
  std::string_view name = AlgorithmName(algorithm);
  if (name.empty()) return Hexadecimal(static_cast<uint16_t>(algorithm), 4);
  text_ += name;
}

}  // namespace tpm2
