// For the crypto tests: hex, the vectors in ../shared/vectors beside the repository, and a wire
// cursor for the TPM structures inside them (on purpose not the codec under test elsewhere).
#ifndef TPM2_TEST_UNIT_CRYPTO_VECTORS_H_
#define TPM2_TEST_UNIT_CRYPTO_VECTORS_H_

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/crypto.h"
#include "tpm2/error.h"

namespace tpm2::crypto {

inline Buffer Hex(std::string_view text) {
  Buffer out;
  std::string digits;
  for (char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits.push_back(c);
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

inline Buffer Text(std::string_view text) { return Buffer(text.begin(), text.end()); }
inline Buffer Plain(const SecretBytes& secret) { return Buffer(secret.begin(), secret.end()); }

inline Buffer Join(std::initializer_list<Buffer> parts) {
  Buffer out;
  for (const Buffer& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// Calls `function`, which must throw tpm2::Error with `code`.
template <typename Function>
void ExpectError(ErrorCode code, const Function& function) {
  try {
    function();
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_FALSE(error.message.empty());
  }
}

using Case = std::map<std::string, std::string>;

// An array of flat objects whose values are strings without escapes, or numbers.
inline std::vector<Case> ParseCases(const std::string& json) {
  std::vector<Case> cases;
  size_t at = 0;
  const auto peek = [&] {
    at = json.find_first_not_of(" \t\r\n:,", at);
    return at == std::string::npos ? '\0' : json[at];
  };
  const auto token = [&]() -> std::string {
    const bool quoted = peek() == '"';
    const size_t begin = quoted ? at + 1 : at;
    const size_t end = quoted ? json.find('"', begin) : json.find_first_not_of("0123456789", begin);
    if (end == std::string::npos || end == at) throw std::runtime_error("vectors: bad JSON");
    at = quoted ? end + 1 : end;
    return json.substr(begin, end - begin);
  };
  if (peek() != '[') throw std::runtime_error("vectors: not a JSON array");
  for (++at; peek() == '{';) {
    Case one;
    for (++at; peek() != '}';) {
      std::string name = token();
      one[std::move(name)] = token();
    }
    ++at;
    cases.push_back(std::move(one));
  }
  if (peek() != ']') throw std::runtime_error("vectors: the JSON array does not end");
  return cases;
}

inline std::filesystem::path SharedVectors() {
  return std::filesystem::path(TPM2_SOURCE_DIR) / ".." / "shared" / "vectors";
}

inline std::vector<Case> ReadCases(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return ParseCases({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
}

// Skips the test where the vectors are not beside the repository.
#define TPM2_REQUIRE_VECTORS(path)                                                     \
  if (!std::filesystem::exists(path)) {                                                \
    GTEST_SKIP() << "no vectors at ../shared/vectors: " << (path).filename().string(); \
  }

class Cursor {
 public:
  explicit Cursor(Buffer data) : data_(std::move(data)) {}
  uint32_t Number(size_t size) {
    uint32_t value = 0;
    for (uint8_t octet : Octets(size)) value = value << 8 | octet;
    return value;
  }
  Buffer Octets(size_t size) {
    if (size > data_.size() - at_) throw std::runtime_error("vectors: structure too short");
    at_ += size;
    return Buffer(data_.begin() + static_cast<std::ptrdiff_t>(at_ - size),
                  data_.begin() + static_cast<std::ptrdiff_t>(at_));
  }
  Buffer Sized() { return Octets(Number(2)); }
  bool AtEnd() const { return at_ == data_.size(); }

 private:
  Buffer data_;
  size_t at_ = 0;
};

}  // namespace tpm2::crypto

#endif  // TPM2_TEST_UNIT_CRYPTO_VECTORS_H_
