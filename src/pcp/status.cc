#include "pcp/status.h"

#include <string_view>

#include "codec/windows_status.h"
#include "tpm2/response_code.h"
#include "transport/tbs_status.h"

namespace tpm2::pcp {
namespace {

using enum ErrorCode;
using Step = Situation::Step;

constexpr std::string_view kReport = kAdviceReportStatus;
constexpr std::string_view kNoKey =
    "Use the key's name and scope as it was provisioned, in the same Windows account for scope "
    "'user'; clearing the TPM or deleting the profile ends a key.";
constexpr std::string_view kReady =
    "Open tpm.msc and let Windows prepare the TPM, or restart the machine.";
constexpr std::string_view kNoProvider =
    "This Windows has no usable Microsoft Platform Crypto Provider: a TPM that is switched on and "
    "ready is needed.";
constexpr std::string_view kRights =
    "Check the key's access rights, and that it is of this Windows account.";
constexpr std::string_view kUi =
    "The key wants to ask a person, and this library never shows a dialogue: provision a key of "
    "its own.";

constexpr RcRow kRows[] = {
    {0x00000005, "ERROR_ACCESS_DENIED", kAccessDenied, "Access is denied.", kRights},
    {0x80070005, "E_ACCESSDENIED", kAccessDenied, "Access is denied.", kRights},
    {0x80090009, "NTE_BAD_FLAGS", kTransportError, "The flags were refused.", kReport},
    {0x8009000b, "NTE_BAD_KEY_STATE", kTransportError, "The key is not in a state for this.",
     kReport},
    {0x8009000d, "NTE_NO_KEY", kKeyNotFound, "There is no such key.", kNoKey},
    {0x8009000f, "NTE_EXISTS", kAlreadyExists, "There is a key of this name already.",
     "Choose another keyName, or pass overwrite: true to replace the key for good."},
    {0x80090010, "NTE_PERM", kAccessDenied, "Access is denied.", kRights},
    {0x80090011, "NTE_NOT_FOUND", kKeyNotFound, "There is no such key.", kNoKey},
    {0x80090013, "NTE_BAD_PROVIDER", kTpmUnavailable, "The provider is damaged or missing.",
     kNoProvider},
    {0x80090016, "NTE_BAD_KEYSET", kKeyNotFound, "There is no such key, or it is another user's.",
     kNoKey},
    {0x8009001d, "NTE_PROVIDER_DLL_FAIL", kTpmUnavailable, "The provider could not be started.",
     kNoProvider},
    {0x8009001e, "NTE_PROV_DLL_NOT_FOUND", kTpmUnavailable, "The provider is missing.",
     kNoProvider},
    {0x80090020, "NTE_FAIL", kTransportError, "The provider failed internally.",
     "Repeat the operation; if it fails again, look at the system's event log."},
    {0x80090022, "NTE_SILENT_CONTEXT", kAccessDenied, "The key has a dialogue.", kUi},
    {0x80090025, "NTE_FIXEDPARAMETER", kInvalidArgument, "The parameter cannot be changed.",
     kReport},
    {0x80090026, "NTE_INVALID_HANDLE", kTransportError, "The handle is not valid.", kReport},
    {0x80090027, "NTE_INVALID_PARAMETER", kInvalidArgument, "A parameter was refused.",
     "Check keyName, and for activation credentialBlob and secret."},
    {0x80090028, "NTE_BUFFER_TOO_SMALL", kTransportError, "The answer did not fit.", kReport},
    {0x80090029, "NTE_NOT_SUPPORTED", kNotSupported, "The provider does not support this.",
     "A newer Windows, or another TPM, may."},
    {0x8009002d, "NTE_INTERNAL_ERROR", kTransportError, "The provider failed internally.",
     "Repeat the operation; if it fails again, look at the system's event log."},
    {0x80090030, "NTE_DEVICE_NOT_READY", kTpmUnavailable, "The TPM is not ready.", kReady},
    {0x80090035, "NTE_DEVICE_NOT_FOUND", kTpmUnavailable, "There is no TPM.",
     "Switch the TPM on in the firmware set-up."},
    {0x80090036, "NTE_USER_CANCELLED", kAccessDenied, "A dialogue was cancelled.", kUi},
    {0x80290401, "TPM_E_PCP_DEVICE_NOT_READY", kTpmUnavailable, "The TPM is not ready.", kReady},
    {0x80290402, "TPM_E_PCP_INVALID_HANDLE", kTransportError, "The handle is not valid.", kReport},
    {0x80290403, "TPM_E_PCP_INVALID_PARAMETER", kInvalidArgument, "A parameter was refused.",
     "Check keyName, and for activation credentialBlob and secret."},
    {0x80290404, "TPM_E_PCP_FLAG_NOT_SUPPORTED", kTransportError, "The flags were refused.",
     kReport},
    {0x80290405, "TPM_E_PCP_NOT_SUPPORTED", kNotSupported, "The provider does not support this.",
     "A newer Windows, or another TPM, may."},
    {0x80290406, "TPM_E_PCP_BUFFER_TOO_SMALL", kTransportError, "The answer did not fit.", kReport},
    {0x80290407, "TPM_E_PCP_INTERNAL_ERROR", kTransportError, "The provider failed internally.",
     "Repeat the operation; if it fails again, look at the system's event log."},
    {0x80290408, "TPM_E_PCP_AUTHENTICATION_FAILED", kAuthFailed,
     "The key wants an auth value that it was not given.",
     "Provision a key of this library's own: its keys have none."},
    {0x80290409, "TPM_E_PCP_AUTHENTICATION_IGNORED", kTransportError,
     "An auth value was given that the key has no use for.", kReport},
    {0x8029040a, "TPM_E_PCP_POLICY_NOT_FOUND", kNotSupported, "The key's policy was not found.",
     "Provision a key of this library's own."},
    {0x8029040b, "TPM_E_PCP_PROFILE_NOT_FOUND", kKeyNotFound, "The user's profile was not found.",
     kNoKey},
    {0x8029040c, "TPM_E_PCP_VALIDATION_FAILED", kIntegrity, "The provider's own validation failed.",
     "Find out whether this is the TPM that you expect."},
};
static_assert(IsAscending(kRows));

constexpr uint32_t kPerm = 0x80090010;
constexpr uint32_t kNotReady = 0x80090030;
constexpr uint32_t kPcpNotReady = 0x80290401;
constexpr uint32_t kValueAsHresult = 0x80280084;

bool IsDenial(uint32_t status) { return status == 0x5 || status == 0x80070005 || status == kPerm; }

// The refusals that administrators are not met with. What Windows answers a standard user has been
// seen to differ between machines.
bool WantsElevation(uint32_t status, const Situation& situation) {
  if (situation.elevated) return false;
  switch (situation.step) {
    case Step::kActivate:
      return IsDenial(status) || status == kNotReady || status == kPcpNotReady ||
             status == kValueAsHresult || status == tbs::kCommandBlocked;
    case Step::kCreateKey:
    case Step::kDeleteKey:
      return situation.machine &&
             (IsDenial(status) || status == 0x8009002d || status == 0x80090020);
    default:
      return false;
  }
}

}  // namespace

bool IsKeyMissing(uint32_t status) {
  return status == nte::kNotFound || status == nte::kBadKeyset || status == nte::kNoKey;
}

Error Failure(uint32_t status, const Situation& situation) {
  Error error(kTransportError, "it answered " + StatusText(status) + ", which is not known",
              "Look the status up in winerror.h.");
  if (const RcRow* row = FindRow(kRows, status)) {
    error = StatusError(*row);
  } else if (TbsIsResponseCode(status)) {
    const DecodedRc decoded = DecodeResponseCode(status);
    error.code = decoded.code;
    error.message = StatusText(status, decoded.name, decoded.meaning);
    error.suggestion = decoded.suggestion;
    error.tpm_rc = TpmCodeOf(status);
    error.rc_name = decoded.name;
  } else if (IsWindowsStatus(status)) {
    error = TbsFailure(status, {TbsSituation::Call::kOpen, {}, situation.elevated});
  }
  // A key that is being made is not missing: the provider lacks what was asked of it.
  if (situation.step == Step::kCreateKey && IsKeyMissing(status)) {
    error.code = kNotSupported;
    error.suggestion = "A newer Windows may have it.";
  }
  if (WantsElevation(status, situation)) {
    error.code = kRequiresElevation;
    error.suggestion =
        situation.step == Step::kActivate
            ? "Activate the credential in an elevated (administrator) process or as SYSTEM, once, "
              "when the device is enrolled; quotes need no elevation."
            : "Provision and replace machine keys in an elevated (administrator) process or as "
              "SYSTEM; standard users can then quote with them.";
  }
  error.message = "Platform Crypto Provider, " + situation.what + ": " + error.message;
  error.hresult = status;
  return error;
}

}  // namespace tpm2::pcp
