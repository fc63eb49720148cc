#include "tpm2/error.h"

#include <new>

namespace tpm2 {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTpmUnavailable:
      return "TPM_UNAVAILABLE";
    case ErrorCode::kAccessDenied:
      return "ACCESS_DENIED";
    case ErrorCode::kRequiresElevation:
      return "REQUIRES_ELEVATION";
    case ErrorCode::kCommandBlocked:
      return "COMMAND_BLOCKED";
    case ErrorCode::kNotSupported:
      return "NOT_SUPPORTED";
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kKeyNotFound:
      return "KEY_NOT_FOUND";
    case ErrorCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case ErrorCode::kMarshallingError:
      return "MARSHALLING_ERROR";
    case ErrorCode::kTransportError:
      return "TRANSPORT_ERROR";
    case ErrorCode::kAuthFailed:
      return "AUTH_FAILED";
    case ErrorCode::kTpmRc:
      return "TPM_RC";
    case ErrorCode::kTimeout:
      return "TIMEOUT";
    case ErrorCode::kAborted:
      return "ABORTED";
    case ErrorCode::kClosed:
      return "CLOSED";
    case ErrorCode::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case ErrorCode::kIntegrity:
      return "INTEGRITY";
  }
  return "TPM_RC";  // not an enumerator: the code that promises least
}

std::string_view DefaultSuggestion(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTransportError:
      return "Open the TPM again. The command may or may not have run: docs/reliability.md.";
    case ErrorCode::kIntegrity:
      return "Do not go on before you know which blob, TPM or answer was altered or exchanged.";
    case ErrorCode::kMarshallingError:
      return "Please report it with what NODE_DEBUG=tpm2 prints.";
    case ErrorCode::kTpmUnavailable:
      return "Check that the TPM, or the simulator that tcti names, is there and runs.";
    case ErrorCode::kResourceExhausted:
      return "Close handles that are not needed, here and in other programs, and try again.";
    case ErrorCode::kNotSupported:
      return "tpm.capabilities() tells what this TPM has.";
    default:
      return {};
  }
}

Error UnexpectedError(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return Error(ErrorCode::kResourceExhausted, "out of memory",
                 "Free some memory, or raise the limit of this process.");
  }
  return Error(ErrorCode::kTransportError, std::string("unexpected: ") + error.what(),
               "This is a mistake of node-tpm2: please report it.");
}

}  // namespace tpm2
