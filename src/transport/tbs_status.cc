#include "transport/tbs_status.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "codec/windows_status.h"
#include "tpm2/constants.h"
#include "tpm2/response_code.h"
#include "transport/framing.h"

namespace tpm2 {
namespace {

using enum ErrorCode;

constexpr std::string_view kReport = kAdviceReportStatus;
constexpr std::string_view kElevate =
    "Run this from an elevated (administrator) process or as SYSTEM.";
constexpr std::string_view kService =
    "Start the service 'TPM Base Services' (tbs), or see why it is disabled: Get-Service tbs.";
constexpr std::string_view kTooMany =
    "Close TPM handles that are not needed any more, then try again.";
constexpr std::string_view kReopen = "Repeat the operation: the connection is opened again.";
constexpr std::string_view kNoPpi =
    "Windows or the firmware has no physical presence interface for this.";

constexpr RcRow kRows[] = {
    {0x80070005, "E_ACCESSDENIED", kAccessDenied, "Windows does not let this user use the TPM.",
     "Run as a user who may use the TPM; inside an AppContainer there is little that may."},
    {0x80284001, "TBS_E_INTERNAL_ERROR", kTransportError, "TPM Base Services failed internally.",
     "Repeat the operation; if it fails again, look at the TPM-WMI and TBS events of the system's "
     "event log."},
    {0x80284002, "TBS_E_BAD_PARAMETER", kTransportError, "A parameter was refused.", kReport},
    {0x80284003, "TBS_E_INVALID_OUTPUT_POINTER", kTransportError, "An output pointer was refused.",
     kReport},
    {0x80284004, "TBS_E_INVALID_CONTEXT", kTransportError, "Windows has dropped the connection.",
     kReopen},
    {0x80284005, "TBS_E_INSUFFICIENT_BUFFER", kTransportError,
     "The TPM's answer did not fit; the command has run.",
     "Do not repeat it blindly: look first at what it has changed."},
    {0x80284006, "TBS_E_IOERROR", kTransportError, "Windows could not reach the TPM.",
     "Restart the machine; if it persists, update the firmware or have the TPM looked at."},
    {0x80284007, "TBS_E_INVALID_CONTEXT_PARAM", kNotSupported,
     "This Windows does not know the kind of connection that TPM 2.0 needs.",
     "Windows 8 or later is needed."},
    {0x80284008, "TBS_E_SERVICE_NOT_RUNNING", kTpmUnavailable, "TPM Base Services do not run.",
     kService},
    {0x80284009, "TBS_E_TOO_MANY_TBS_CONTEXTS", kTransportError,
     "Too many programs are connected to the TPM.", kTooMany},
    {0x8028400a, "TBS_E_TOO_MANY_RESOURCES", kTransportError,
     "Too many objects are held in the TPM.", kTooMany},
    {0x8028400b, "TBS_E_SERVICE_START_PENDING", kTpmUnavailable,
     "TPM Base Services are still starting.", "Try again in a moment."},
    {0x8028400c, "TBS_E_PPI_NOT_SUPPORTED", kNotSupported,
     "There is no physical presence interface.", kNoPpi},
    {0x8028400d, "TBS_E_COMMAND_CANCELED", kTransportError, "The command was cancelled.",
     "Repeat the operation, unless it was you who gave it up."},
    {0x8028400e, "TBS_E_BUFFER_TOO_LARGE", kTransportError, "The command or buffer is too large.",
     kReport},
    {0x8028400f, "TBS_E_TPM_NOT_FOUND", kTpmUnavailable, "Windows has no TPM 2.0.",
     "Switch the TPM on in the firmware set-up (it may be called fTPM, PTT or security device); a "
     "TPM 1.2 is not supported."},
    {0x80284010, "TBS_E_SERVICE_DISABLED", kTpmUnavailable, "TPM Base Services are disabled.",
     kService},
    {0x80284011, "TBS_E_NO_EVENT_LOG", kNotSupported, "The firmware gives no measurement log.",
     "Do without the log: a quote and the PCRs' values need none."},
    {0x80284012, "TBS_E_ACCESS_DENIED", kAccessDenied,
     "Windows does not let this user do this with the TPM.",
     "Check the rights of the account that this runs as."},
    {0x80284013, "TBS_E_PROVISIONING_NOT_ALLOWED", kNotSupported,
     "Provisioning the TPM is not allowed on this machine.",
     "A group policy forbids it: ask who manages this machine."},
    {0x80284014, "TBS_E_PPI_FUNCTION_UNSUPPORTED", kNotSupported,
     "The physical presence interface does not have this function.", kNoPpi},
    {0x80284015, "TBS_E_OWNERAUTH_NOT_FOUND", kNotSupported,
     "Windows does not keep the owner's auth value.",
     "Use the empty auth value, which Windows sets, or the one that you have set."},
    {0x80284016, "TBS_E_PROVISIONING_INCOMPLETE", kTpmUnavailable,
     "Windows has not finished preparing the TPM.",
     "Open tpm.msc and let it prepare the TPM, or restart the machine."},
};
static_assert(IsAscending(kRows));

// Part 2 6.5.2. What changes the platform, the hierarchies, persistent storage, the lockout or
// PCRs, and ActivateCredential, which takes endorsement authority.
constexpr std::array<uint32_t, 27> kElevatedOnly = {0x11f, 0x120, 0x121, 0x122, 0x124, 0x125, 0x126,
                                                    0x127, 0x128, 0x129, 0x12a, 0x12b, 0x12c, 0x12d,
                                                    0x12e, 0x12f, 0x130, 0x132, 0x139, 0x13a, 0x13c,
                                                    0x13d, 0x13f, 0x140, 0x141, 0x147, 0x182};
static_assert(std::is_sorted(kElevatedOnly.begin(), kElevatedOnly.end()));
constexpr uint32_t kPolicySecret = 0x151;

Error Blocked(uint32_t status, const TbsSituation& situation) {
  const DecodedRc decoded = DecodeResponseCode(status);
  if (status == tbs::kCommandBlocked && !situation.elevated &&
      TbsNeedsElevation(situation.command)) {
    return {kRequiresElevation,
            StatusText(status, decoded.name,
                       "Windows lets administrators send this command to the TPM, not standard "
                       "users."),
            std::string(kElevate)};
  }
  return {kCommandBlocked, StatusText(status, decoded.name, decoded.meaning),
          situation.elevated
              ? "Do without it: Windows keeps this command for itself, even from administrators."
              : std::string(decoded.suggestion)};
}

}  // namespace

bool TbsNeedsElevation(ByteView command) {
  if (command.size() < kHeaderSize) return false;
  const uint32_t code = LoadU32(command.subspan(6));
  if (std::binary_search(kElevatedOnly.begin(), kElevatedOnly.end(), code)) return true;
  return code == kPolicySecret && command.size() >= kHeaderSize + 4 &&
         LoadU32(command.subspan(kHeaderSize)) == rh::kEndorsement;
}

bool TbsIsResponseCode(uint32_t status) {
  if (TpmCodeOf(status)) return true;
  // Lost handles and busy chips: the executor resubmits, the client loads again.
  return status == kWindowsInvalidHandle || status == 0x80280402 ||
         (status >= 0x80280800 && status <= 0x80280803);
}

bool TbsPasses(uint32_t status) {
  return status == tbs::kTooManyContexts || status == tbs::kTooManyResources ||
         status == tbs::kServiceStartPending;
}

Error TbsFailure(uint32_t status, const TbsSituation& situation) {
  Error error(kTransportError,
              "Windows' TPM Base Services answered " + StatusText(status) + ", which is not known",
              "Look the HRESULT up in winerror.h; tpm.msc shows whether the TPM is ready.");
  if (const RcRow* row = FindRow(kRows, status)) {
    error = StatusError(*row);
    if (row->code == kAccessDenied && !situation.elevated) {
      error.code = kRequiresElevation;
      error.suggestion = kElevate;
    }
    if (status == tbs::kInternalError && situation.call == TbsSituation::Call::kEventLog) {
      error.code = kNotSupported;
      error.suggestion = "The firmware may give no measurement log: do without it.";
    }
  } else if (status == 0x80280400 || status == 0x80280403 || status == 0x80280404) {
    error = Blocked(status, situation);
  }
  error.hresult = status;
  // The cancelled command did not complete; who flushes looks for this code and asks again.
  if (status == tbs::kCommandCanceled) error.tpm_rc = rc::kCanceled;
  return error;
}

}  // namespace tpm2
