// Format-zero response codes, TPM 2.0 Part 2, 6.6.3: values, names, meanings, remedies.
#include "codec/response_code_table.h"

namespace tpm2 {
namespace {

using enum ErrorCode;

// What several rows advise.
constexpr std::string_view kReload =
    "Load the object or start the session again: it is gone after a TPM reset, a flush, or when "
    "the connection that made it was closed.";
constexpr std::string_view kFlushSessions =
    "Flush the sessions that other programs left, e.g. tpm2_flushcontext -l (loaded) and -s "
    "(saved), or use the resource manager /dev/tpmrm0.";
constexpr std::string_view kRestart = "Restart the machine, so that the TPM is reset.";

constexpr RcRow kRows[] = {
    {0x000, "TPM_RC_SUCCESS", kTpmRc, "The command succeeded.", ""},
    {0x01e, "TPM_RC_BAD_TAG", kNotSupported,
     "The TPM does not know the tag of the command, as a TPM 1.2 does not know any 2.0 command.",
     "This library needs a TPM 2.0; some firmware setups can switch the TPM from 1.2 to 2.0."},

    {0x100, "TPM_RC_INITIALIZE", kTpmRc,
     "TPM2_Startup has not been sent to the TPM yet, or was sent a second time.",
     "Firmware sends it at boot; on a simulator start it with startup done (swtpm: --flags "
     "startup-clear) or run tpm2_startup -c once."},
    {0x101, "TPM_RC_FAILURE", kTpmRc,
     "The TPM is in failure mode because a self-test or an internal check failed.",
     "Power the machine off and on; if the code comes back, read TPM2_GetTestResult and have the "
     "TPM or its firmware replaced."},
    {0x103, "TPM_RC_SEQUENCE", kTpmRc,
     "A hash or HMAC sequence was used in a way that its state does not allow.",
     "Start a new sequence, and complete it with the command that belongs to its kind."},
    {0x10b, "TPM_RC_PRIVATE", kTpmRc, "A code that the specification reserves and does not use.",
     ""},
    {0x119, "TPM_RC_HMAC", kTpmRc, "A code that the specification reserves and does not use.", ""},
    {0x120, "TPM_RC_DISABLED", kTpmRc,
     "The command is disabled, e.g. TPM2_Clear after TPM2_ClearControl.",
     "Enable it with platform or lockout authorization, or clear the TPM from the firmware setup."},
    {0x121, "TPM_RC_EXCLUSIVE", kTpmRc,
     "Another command ran in between, and the audit session demanded that none does.",
     "Repeat the audited commands from the first, with nobody else using the TPM."},
    {0x124, "TPM_RC_AUTH_TYPE", kAuthFailed,
     "This kind of authorization handle cannot authorize the command.",
     "Authorize with the kind the command wants: for an NV index its own handle, the owner or "
     "the platform, as the attributes of the index permit."},
    {0x125, "TPM_RC_AUTH_MISSING", kAuthFailed,
     "The command needs an authorization for a handle, and none was sent.",
     "Give the auth value or policy of the key, index or hierarchy; an empty one must be sent "
     "too."},
    {0x126, "TPM_RC_POLICY", kAuthFailed,
     "The policy session is not of the kind, or the policy digest not of the size, that the "
     "command needs.",
     "Use a policy session, not an HMAC or trial session, and a policy digest as long as the "
     "object's name algorithm produces."},
    {0x127, "TPM_RC_PCR", kAuthFailed, "The check of a PCR value failed.",
     "Compare the PCR values of now with those that the policy was made for."},
    {0x128, "TPM_RC_PCR_CHANGED", kAuthFailed,
     "A PCR changed between the policy's check of it and the use of the session.",
     "Repeat the operation with a new policy session; it keeps failing while something extends "
     "PCRs."},
    {0x12d, "TPM_RC_UPGRADE", kTpmRc,
     "The TPM is in the middle of a firmware upgrade (or, to TPM2_FieldUpgradeData, it is not).",
     "Let the vendor's upgrade tool finish, then restart the machine."},
    {0x12e, "TPM_RC_TOO_MANY_CONTEXTS", kTpmRc,
     "The counter that numbers saved contexts has reached its end.", kRestart},
    {0x12f, "TPM_RC_AUTH_UNAVAILABLE", kAuthFailed,
     "The object does not allow the kind of authorization that was offered.",
     "If userWithAuth is clear, satisfy the object's policy instead of giving a password; if the "
     "policy is empty, give the password instead."},
    {0x130, "TPM_RC_REBOOT", kTpmRc, "The TPM works again only after a reset and TPM2_Startup.",
     kRestart},
    {0x131, "TPM_RC_UNBALANCED", kTpmRc,
     "The name algorithm's digest is too small for the symmetric key of the object.",
     "Choose a larger hash or a smaller symmetric key, e.g. SHA-256 with AES-128."},
    {0x142, "TPM_RC_COMMAND_SIZE", kMarshallingError,
     "The size in the command's header is not the size of what arrived.", kAdviceReport},
    {0x143, "TPM_RC_COMMAND_CODE", kNotSupported, "The TPM does not have this command.",
     "tpm.capabilities().commands tells which it has; a firmware update may add the command."},
    {0x144, "TPM_RC_AUTHSIZE", kMarshallingError,
     "The size of the command's authorization area is wrong.", kAdviceReport},
    {0x145, "TPM_RC_AUTH_CONTEXT", kTpmRc,
     "A session was given to a command that takes none, such as TPM2_ContextLoad.",
     "Send the command without sessions; do not set encrypt or audit for it."},
    {0x146, "TPM_RC_NV_RANGE", kTpmRc, "The offset and length lie beyond the end of the NV index.",
     "Read the size of the index with nv.readPublic, and keep offset + length within it."},
    {0x147, "TPM_RC_NV_SIZE", kTpmRc, "The requested NV index is larger than this TPM allows.",
     "Keep to the limit TPM_PT_NV_INDEX_MAX of this TPM, or split the data over several indices."},
    {0x148, "TPM_RC_NV_LOCKED", kTpmRc,
     "The NV index is locked against reading or against writing.",
     "A lock of the kind 'until restart' goes with the next TPM reset; a permanent write lock goes "
     "only when the index is undefined and defined anew."},
    {0x149, "TPM_RC_NV_AUTHORIZATION", kAuthFailed,
     "The attributes of the NV index do not permit this access with this authorization.",
     "Look at the attributes with nv.readPublic: authorize by the index itself for AUTHREAD and "
     "AUTHWRITE, by the owner for OWNERREAD and OWNERWRITE."},
    {0x14a, "TPM_RC_NV_UNINITIALIZED", kTpmRc,
     "The NV index has been defined but never written, or the state saved at shutdown is gone.",
     "Write the index (increment it, if it is a counter) before reading it."},
    {0x14b, "TPM_RC_NV_SPACE", kResourceExhausted,
     "The TPM's non-volatile memory has no room for this index or persistent key.",
     "Free some: list with tpm2_getcap handles-nv-index and handles-persistent, and remove what "
     "nobody needs with tpm2_nvundefine or tpm2_evictcontrol; or make the index smaller."},
    {0x14c, "TPM_RC_NV_DEFINED", kAlreadyExists,
     "An NV index or persistent object with this handle exists already.",
     "Choose another handle, or remove the present one first if it is yours to remove."},
    {0x150, "TPM_RC_BAD_CONTEXT", kTpmRc, "The saved context is not valid on this TPM now.",
     "Load the key from its blob instead: a saved context does not outlive a TPM reset."},
    {0x151, "TPM_RC_CPHASH", kTpmRc,
     "The policy session is bound to other command parameters or names, or is bound already.",
     "Use exactly the parameters and handles that the policy names, in a new policy session."},
    {0x152, "TPM_RC_PARENT", kTpmRc, "The parent handle is no valid parent.",
     "Use a storage key as parent: restricted and decrypt set, sign clear."},
    {0x153, "TPM_RC_NEEDS_TEST", kTpmRc, "A function of the TPM has to be tested before its use.",
     "Run the self-test (selfTest, or tpm2_selftest -f), then repeat the operation."},
    {0x154, "TPM_RC_NO_RESULT", kTpmRc,
     "The TPM could not compute a result from these parameters, and gives no closer reason.",
     "Check the input: for RSA it must be smaller than the modulus, for ECC a valid point."},
    {0x155, "TPM_RC_SENSITIVE", kTpmRc, "The private part does not make sense after decryption.",
     "Check that blob and parent belong together, and that key material being imported fits its "
     "public part."},
    {0x156, "TPM_RC_READ_ONLY", kTpmRc, "The TPM is in read-only mode and changes nothing.",
     "Leave that mode with platform authorization (TPM2_ReadOnlyControl), usually from firmware."},

    {0x901, "TPM_RC_CONTEXT_GAP", kResourceExhausted,
     "A session saved long ago keeps the TPM from numbering further saved contexts.",
     "Load or flush the oldest saved session; leftovers of other programs go with "
     "tpm2_flushcontext -s or a restart."},
    {0x902, "TPM_RC_OBJECT_MEMORY", kResourceExhausted,
     "All slots for loaded objects are in use (a TPM often has only three).",
     "Flush the objects that other programs left, e.g. tpm2_flushcontext -t, close key handles no "
     "longer needed, or use the resource manager /dev/tpmrm0."},
    {0x903, "TPM_RC_SESSION_MEMORY", kResourceExhausted,
     "All slots for loaded sessions are in use.", kFlushSessions},
    {0x904, "TPM_RC_MEMORY", kResourceExhausted, "The TPM ran out of working memory.",
     "Flush objects and sessions no longer needed, e.g. tpm2_flushcontext -t and -l, or use the "
     "resource manager /dev/tpmrm0."},
    {0x905, "TPM_RC_SESSION_HANDLES", kResourceExhausted,
     "All session handles are taken, saved sessions included.", kFlushSessions},
    {0x906, "TPM_RC_OBJECT_HANDLES", kResourceExhausted, "All object handles are used up.",
     kRestart},
    {0x907, "TPM_RC_LOCALITY", kTpmRc, "The command is not allowed from this locality.",
     "Programs run at locality 0; resets of PCR 17 to 22 and policies for other localities are "
     "for the firmware and the secure launch code."},
    {0x908, "TPM_RC_YIELDED", kTpmRc, "The TPM put the command aside, with some progress made.",
     kAdviceWait, true},
    {0x909, "TPM_RC_CANCELED", kAborted, "The command was canceled before it had an effect.",
     "If you did not cancel it, another program or the driver's timeout did: repeat it."},
    {0x90a, "TPM_RC_TESTING", kTpmRc, "The TPM is busy with its self-test.", kAdviceWait, true},
    {0x910, "TPM_RC_REFERENCE_H0", kKeyNotFound,
     "The first handle of the command names an object or session that is not loaded.", kReload},
    {0x911, "TPM_RC_REFERENCE_H1", kKeyNotFound,
     "The second handle of the command names an object or session that is not loaded.", kReload},
    {0x912, "TPM_RC_REFERENCE_H2", kKeyNotFound,
     "The third handle of the command names an object or session that is not loaded.", kReload},
    {0x913, "TPM_RC_REFERENCE_H3", kKeyNotFound,
     "The fourth handle of the command names an object or session that is not loaded.", kReload},
    {0x914, "TPM_RC_REFERENCE_H4", kKeyNotFound,
     "The fifth handle of the command names an object or session that is not loaded.", kReload},
    {0x915, "TPM_RC_REFERENCE_H5", kKeyNotFound,
     "The sixth handle of the command names an object or session that is not loaded.", kReload},
    {0x916, "TPM_RC_REFERENCE_H6", kKeyNotFound,
     "The seventh handle of the command names an object or session that is not loaded.", kReload},
    {0x918, "TPM_RC_REFERENCE_S0", kKeyNotFound, "The first session of the command is not loaded.",
     kReload},
    {0x919, "TPM_RC_REFERENCE_S1", kKeyNotFound, "The second session of the command is not loaded.",
     kReload},
    {0x91a, "TPM_RC_REFERENCE_S2", kKeyNotFound, "The third session of the command is not loaded.",
     kReload},
    {0x91b, "TPM_RC_REFERENCE_S3", kKeyNotFound, "The fourth session of the command is not loaded.",
     kReload},
    {0x91c, "TPM_RC_REFERENCE_S4", kKeyNotFound, "The fifth session of the command is not loaded.",
     kReload},
    {0x91d, "TPM_RC_REFERENCE_S5", kKeyNotFound, "The sixth session of the command is not loaded.",
     kReload},
    {0x91e, "TPM_RC_REFERENCE_S6", kKeyNotFound,
     "The seventh session of the command is not loaded.", kReload},
    {0x920, "TPM_RC_NV_RATE", kTpmRc, "The TPM slows down writes to spare its non-volatile memory.",
     "Send the command again after a wait, and write less often: an orderly NV index costs fewer "
     "writes.",
     true},
    {0x921, "TPM_RC_LOCKOUT", kAuthFailed,
     "Too many wrong auth values: the TPM refuses every object with dictionary-attack protection.",
     "Wait until the lockout interval has passed (tpm.lockout.status() shows it), or reset it with "
     "the lockout auth: tpm.lockout.reset(), tpm2_dictionarylockout -c. More guesses only prolong "
     "it."},
    {0x922, "TPM_RC_RETRY", kTpmRc, "The TPM was too busy to begin with the command.", kAdviceWait,
     true},
    {0x923, "TPM_RC_NV_UNAVAILABLE", kTpmRc,
     "The TPM cannot write its non-volatile memory now, and the command may need to.",
     "Try again later; on a simulator check that its state folder is writable and not full."},
    {0x97f, "TPM_RC_NOT_USED", kTpmRc,
     "A code that the specification reserves; no TPM should send it.", ""},
};
static_assert(IsAscending(kRows));

}  // namespace

std::span<const RcRow> FormatZeroRows() { return kRows; }

}  // namespace tpm2
