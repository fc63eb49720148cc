// Arguments that make no sense, as opposed to statements that do not verify.
#ifndef TPM2_SRC_VERIFIER_ARGUMENT_H_
#define TPM2_SRC_VERIFIER_ARGUMENT_H_

#include <string>
#include <string_view>

#include "tpm2/bytes.h"
#include "tpm2/error.h"

namespace tpm2::verifier {

[[noreturn]] inline void BadArgument(std::string_view name, std::string_view problem,
                                     std::string remedy = {}) {
  throw Error(ErrorCode::kInvalidArgument, std::string(name) + ": " + std::string(problem),
              std::move(remedy));
}

// Runs read(), whose complaints about the bytes become INVALID_ARGUMENT that names the argument.
template <typename Body>
auto ReadArgument(std::string_view name, Body read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code != ErrorCode::kMarshallingError && error.code != ErrorCode::kNotSupported &&
        error.code != ErrorCode::kInvalidArgument) {
      throw;
    }
    BadArgument(name, error.message);
  }
}

// What a TPM2B holds when `bytes` are exactly one, else `bytes`. For structures whose first two
// octets cannot be the count of the octets behind them.
inline ByteView WithoutSize(ByteView bytes) {
  if (bytes.size() < 2) return bytes;
  size_t size = static_cast<size_t>(bytes[0]) << 8 | bytes[1];
  return size == bytes.size() - 2 ? bytes.subspan(2) : bytes;
}

}  // namespace tpm2::verifier

#endif  // TPM2_SRC_VERIFIER_ARGUMENT_H_
