// The one exception type of the core, and the stable codes that it carries.
#ifndef TPM2_ERROR_H_
#define TPM2_ERROR_H_

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tpm2 {

// Stable within a major version; the names are TpmError.code in JavaScript.
enum class ErrorCode {
  kTpmUnavailable,
  kAccessDenied,
  kRequiresElevation,
  kCommandBlocked,
  kNotSupported,
  kInvalidArgument,
  kKeyNotFound,
  kAlreadyExists,
  kMarshallingError,
  kTransportError,
  kAuthFailed,
  kTpmRc,
  kTimeout,
  kAborted,
  kClosed,
  kResourceExhausted,
  kIntegrity,
};

// "TPM_UNAVAILABLE", "ACCESS_DENIED", ...
std::string_view ErrorCodeName(ErrorCode code);

// Never holds a secret: messages name lengths and kinds, not contents.
struct Error : std::exception {
  Error(ErrorCode error_code, std::string text, std::string remedy = {})
      : code(error_code), message(std::move(text)), suggestion(std::move(remedy)) {}
  const char* what() const noexcept override { return message.c_str(); }

  ErrorCode code;
  std::string message;
  std::string suggestion;           // what to do about it; may be empty
  std::optional<uint32_t> tpm_rc;   // as the TPM (or resource manager) sent it
  std::optional<uint32_t> hresult;  // Windows: TBS or NCrypt status
  std::string command;              // "TPM2_Load"; empty if no command was involved
  std::string rc_name;              // "TPM_RC_AUTH_FAIL"
  std::string rc_subject;           // "session 1", "parameter 2 inPublic", "handle 1 keyHandle"
};

// What to do about an error that does not say it itself; empty where there is nothing to be done.
std::string_view DefaultSuggestion(ErrorCode code);

// What a caller is told where something else than an Error was thrown: memory has run out, or the
// mistake is ours.
Error UnexpectedError(const std::exception& error);

}  // namespace tpm2

#endif  // TPM2_ERROR_H_
