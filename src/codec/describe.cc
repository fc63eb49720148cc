#include "tpm2/describe.h"

#include <algorithm>

#include "codec/hexadecimal.h"
#include "codec/names.h"

namespace tpm2 {

namespace {
constexpr size_t kShownOctets = 32;
}

void Describer::Number(uint64_t value) { text_ += std::to_string(value); }

void Describer::Hexadecimal(uint64_t value, int digits) { text_ += HexNumber(value, digits); }

void Describer::Octets(ByteView bytes) {
  if (bytes.empty()) text_ += "(empty)";
  text_ += HexOctets(bytes.first(std::min(bytes.size(), kShownOctets)));
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

void Describer::Algorithm(AlgId algorithm) { text_ += AlgorithmText(algorithm); }

}  // namespace tpm2
