#include "codec/hexadecimal.h"

#include <cinttypes>
#include <cstdio>

namespace tpm2 {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string HexNumber(uint64_t value, int digits) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%0*" PRIx64, digits, value);
  return text;
}

std::string HexOctets(ByteView bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (uint8_t octet : bytes) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 0xf];
  }
  return text;
}

std::optional<Buffer> OctetsFromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Buffer bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = Digit(text[2 * i]), low = Digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes;
}

}  // namespace tpm2
