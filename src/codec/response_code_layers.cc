// Codes of the software between a program and the TPM: TSS base codes, tpm2-abrmd, Windows.
#include "codec/response_code_table.h"

namespace tpm2 {
namespace {

using enum ErrorCode;

constexpr std::string_view kSeeLog =
    "Look at the log of the resource manager or TCTI module (TSS2_LOG=all+debug shows it).";
constexpr std::string_view kVersions =
    "Install a TCTI module and a resource manager of the same release as the TSS libraries.";
constexpr std::string_view kReopen = "Close this connection and open a new one.";

constexpr RcRow kBase[] = {
    {1, "TSS2_BASE_RC_GENERAL_FAILURE", kTransportError,
     "The software on the way to the TPM failed without saying why.", kSeeLog},
    {2, "TSS2_BASE_RC_NOT_IMPLEMENTED", kNotSupported,
     "The software on the way to the TPM does not have this function.",
     "Do without it (cancel and locality are what is most often missing), or use another tcti."},
    {3, "TSS2_BASE_RC_BAD_CONTEXT", kTransportError, "The connection's state is damaged.", kReopen},
    {4, "TSS2_BASE_RC_ABI_MISMATCH", kNotSupported,
     "The TCTI module was built for another version of the interface.", kVersions},
    {5, "TSS2_BASE_RC_BAD_REFERENCE", kTransportError,
     "The TCTI module was called without something that it needs.",
     "Check the module's configuration in the tcti string; otherwise please report it."},
    {6, "TSS2_BASE_RC_INSUFFICIENT_BUFFER", kTransportError,
     "The TPM's answer did not fit into the buffer for it.", kReopen},
    {7, "TSS2_BASE_RC_BAD_SEQUENCE", kTransportError,
     "A command was sent before the last one had been answered.", kReopen},
    {8, "TSS2_BASE_RC_NO_CONNECTION", kTpmUnavailable,
     "The TPM or its resource manager cannot be reached.",
     "Check that the service runs and the address in the tcti string is right (tpm2-abrmd: "
     "systemctl status tpm2-abrmd)."},
    {9, "TSS2_BASE_RC_TRY_AGAIN", kTransportError, "The answer was not there in time.",
     "Open a new connection before the next command: the late answer would be taken for its."},
    {10, "TSS2_BASE_RC_IO_ERROR", kTransportError, "Sending to or receiving from the TPM failed.",
     "Check that the TPM device, simulator or resource manager still runs, then open a new "
     "connection."},
    {11, "TSS2_BASE_RC_BAD_VALUE", kTransportError,
     "The software on the way to the TPM refused a value.",
     "Check the configuration in the tcti string, and that handles are of this connection."},
    {12, "TSS2_BASE_RC_NOT_PERMITTED", kAccessDenied,
     "The resource manager or TCTI module does not permit this.",
     "Run as a user whom it admits (often the group tss)."},
    {13, "TSS2_BASE_RC_INVALID_SESSIONS", kTransportError,
     "The number of sessions does not fit the command.", kSeeLog},
    {14, "TSS2_BASE_RC_NO_DECRYPT_PARAM", kTransportError,
     "The command has no first parameter that could be sent encrypted.",
     "Send the command without a decrypt session."},
    {15, "TSS2_BASE_RC_NO_ENCRYPT_PARAM", kTransportError,
     "The answer has no first parameter that could come encrypted.",
     "Send the command without an encrypt session."},
    {16, "TSS2_BASE_RC_BAD_SIZE", kTransportError, "A size is wrong.", kSeeLog},
    {17, "TSS2_BASE_RC_MALFORMED_RESPONSE", kMarshallingError,
     "The TPM's answer is not well-formed.", kReopen},
    {18, "TSS2_BASE_RC_INSUFFICIENT_CONTEXT", kTransportError,
     "The memory given to the TCTI module is too small for its state.", kVersions},
    {19, "TSS2_BASE_RC_INSUFFICIENT_RESPONSE", kMarshallingError, "The TPM's answer is too short.",
     kReopen},
    {20, "TSS2_BASE_RC_INCOMPATIBLE_TCTI", kNotSupported,
     "The TCTI module's version is not known here.", kVersions},
    {21, "TSS2_BASE_RC_NOT_SUPPORTED", kNotSupported,
     "The software on the way to the TPM does not support this.",
     "Do without it, or use another tcti."},
    {22, "TSS2_BASE_RC_BAD_TCTI_STRUCTURE", kTransportError, "The TCTI module is not usable.",
     kVersions},
    {23, "TSS2_BASE_RC_MEMORY", kResourceExhausted,
     "The software on the way to the TPM ran out of memory.",
     "Free memory on this machine, or restart the resource manager."},
    {24, "TSS2_BASE_RC_BAD_TR", kTransportError, "A handle is not known to the resource manager.",
     "Load the object on this connection: handles of another connection do not count."},
    {25, "TSS2_BASE_RC_MULTIPLE_DECRYPT_SESSIONS", kTransportError,
     "More than one session has the decrypt attribute.", "Leave it set in one session only."},
    {26, "TSS2_BASE_RC_MULTIPLE_ENCRYPT_SESSIONS", kTransportError,
     "More than one session has the encrypt attribute.", "Leave it set in one session only."},
    {27, "TSS2_BASE_RC_RSP_AUTH_FAILED", kIntegrity,
     "The HMAC of the TPM's answer is wrong: it was altered on the way or is for another session.",
     "Open a new connection and repeat; if it happens again, do not trust the path to this TPM."},
};
static_assert(IsAscending(kBase));

constexpr RcRow kBroker[] = {
    {0x0800, "TSS2_RESMGR_RC_INTERNAL_ERROR", kTransportError, "tpm2-abrmd failed internally.",
     "Look at its log: journalctl -u tpm2-abrmd."},
    {0x1000, "TSS2_RESMGR_RC_SAPI_INIT", kTransportError,
     "tpm2-abrmd could not set up its own use of the TPM.",
     "Check that it may open the TPM device and that no other program holds it: journalctl -u "
     "tpm2-abrmd."},
    {0x1800, "TSS2_RESMGR_RC_OUT_OF_MEMORY", kResourceExhausted, "tpm2-abrmd ran out of memory.",
     "Free memory on this machine, then restart tpm2-abrmd."},
};
static_assert(IsAscending(kBroker));

constexpr RcRow kWindows[] = {
    {0x400, "TPM_E_COMMAND_BLOCKED", kCommandBlocked,
     "Windows does not let this user send this command to the TPM.",
     "Run elevated if the command is allowed to administrators; some commands Windows keeps for "
     "itself."},
    {0x401, "TPM_E_INVALID_HANDLE", kTpmRc,
     "Windows does not know the handle of this object or session any more.",
     "Load the object or start the session again: Windows drops both with the context that made "
     "them."},
    {0x402, "TPM_E_DUPLICATE_VHANDLE", kTpmRc,
     "Windows gave the same virtual handle twice and undid the command.", kAdviceWait, true},
    {0x403, "TPM_E_EMBEDDED_COMMAND_BLOCKED", kCommandBlocked,
     "Windows does not let this user send the command that is wrapped in this one.",
     "Send it elevated, or do without it."},
    {0x404, "TPM_E_EMBEDDED_COMMAND_UNSUPPORTED", kCommandBlocked,
     "Windows does not know the command that is wrapped in this one.", "Do without it."},
    {0x800, "TPM_E_RETRY", kTpmRc, "The TPM was too busy to begin with the command.", kAdviceWait,
     true},
    {0x801, "TPM_E_NEEDS_SELFTEST", kTpmRc, "The TPM has to be tested before its use.",
     "Run the self-test (selfTest), then repeat the operation."},
    {0x802, "TPM_E_DOING_SELFTEST", kTpmRc, "The TPM is busy with its self-test.", kAdviceWait,
     true},
    {0x803, "TPM_E_DEFEND_LOCK_RUNNING", kAuthFailed,
     "Too many wrong auth values: the TPM refuses authorizations for a while.",
     "Wait until the lockout interval has passed, or reset it with the lockout auth. More guesses "
     "only prolong it."},
};
static_assert(IsAscending(kWindows));

}  // namespace

std::span<const RcRow> TssBaseRows() { return kBase; }
std::span<const RcRow> BrokerRows() { return kBroker; }
std::span<const RcRow> WindowsRows() { return kWindows; }

}  // namespace tpm2
