// Format-one response codes, TPM 2.0 Part 2, 6.6.3: those that point at a handle, a session or a
// parameter.
#include "codec/response_code_table.h"

namespace tpm2 {
namespace {

using enum ErrorCode;

constexpr std::string_view kAskCapabilities =
    "Choose one that this TPM has: tpm.capabilities().algorithms.";
constexpr std::string_view kPostQuantum =
    "Ask the TPM which parameter sets it has: TPM_PT_ML_PARAMETER_SETS.";

constexpr RcRow kRows[] = {
    {0x081, "TPM_RC_ASYMMETRIC", kTpmRc,
     "The asymmetric algorithm is not supported or not right here.", kAskCapabilities},
    {0x082, "TPM_RC_ATTRIBUTES", kTpmRc,
     "The attributes contradict each other, or do not permit this use of the object.",
     "Check them against the use: sign to sign, decrypt to decrypt, restricted to quote or to be "
     "a parent, fixedTPM and fixedParent clear to duplicate."},
    {0x083, "TPM_RC_HASH", kNotSupported,
     "The hash algorithm is not supported or not right for this use.",
     "Use sha256, which every TPM 2.0 has, or the hash that the key's scheme fixes."},
    {0x084, "TPM_RC_VALUE", kTpmRc, "A value is out of range or wrong in this context.",
     "Check the value that the subject of this error names; an NV index, PCR or persistent handle "
     "must exist and lie in its range."},
    {0x085, "TPM_RC_HIERARCHY", kTpmRc,
     "The hierarchy is disabled, or is the wrong one for this object.",
     "Enable it in the firmware setup, or use the hierarchy that the object was made in."},
    {0x087, "TPM_RC_KEY_SIZE", kNotSupported, "The TPM does not have keys of this size.",
     "Use a size that this TPM has: RSA 2048 and AES 128 are nearly always there."},
    {0x088, "TPM_RC_MGF", kTpmRc, "The mask generation function is not supported.",
     "Use MGF1 with the same hash as the scheme."},
    {0x089, "TPM_RC_MODE", kTpmRc, "The block cipher mode is not supported or not right here.",
     "Use CFB, which every TPM 2.0 has, or the mode that the key fixes."},
    {0x08a, "TPM_RC_TYPE", kTpmRc, "The object is of the wrong type for this command.",
     "Give the type that the command works on: RSA, ECC, symmetric or keyed hash."},
    {0x08b, "TPM_RC_HANDLE", kKeyNotFound,
     "The handle names nothing that exists, or nothing that this command can use.",
     "Check that the key is loaded or the NV index defined: tpm.capabilities().handles lists what "
     "the "
     "TPM has."},
    {0x08c, "TPM_RC_KDF", kTpmRc, "The key derivation function is not supported or not right here.",
     kAskCapabilities},
    {0x08d, "TPM_RC_RANGE", kTpmRc, "A number lies outside its allowed range.",
     "For a persistent handle: the owner has 0x81000000 to 0x817FFFFF, the platform the rest."},
    {0x08e, "TPM_RC_AUTH_FAIL", kAuthFailed,
     "The auth value or HMAC is wrong, and the TPM counted it as a dictionary-attack attempt.",
     "Give the right auth value and do not guess: a few failures (tpm.lockout.status() tells how "
     "many) lock every protected object. If the value is right, something altered the command on "
     "its way."},
    {0x08f, "TPM_RC_NONCE", kTpmRc, "The nonce has a wrong size or is not the session's latest.",
     "Start a new session; one session must not be shared by two programs or threads."},
    {0x090, "TPM_RC_PP", kTpmRc, "Someone has to confirm at the machine (physical presence).",
     "Use the firmware setup or its physical presence interface."},
    {0x092, "TPM_RC_SCHEME", kNotSupported,
     "The scheme is not supported by the TPM, or not the one that the key fixes.",
     "Leave the scheme out to get the key's own; for a key without one choose rsassa, rsapss or "
     "ecdsa with a hash that the TPM has."},
    {0x095, "TPM_RC_SIZE", kMarshallingError, "A structure or buffer has the wrong size.",
     "Check the length of the data: a digest must be as long as its hash, an auth value no longer "
     "than the name algorithm's digest. Otherwise please report it with the command's name."},
    {0x096, "TPM_RC_SYMMETRIC", kTpmRc,
     "The symmetric algorithm or its key size is not supported or not right here.",
     "Use AES-128 in CFB mode for a storage key; other keys take none."},
    {0x097, "TPM_RC_TAG", kMarshallingError, "A structure has the wrong tag.",
     "Check that ticket and attestation belong to the command they were given to. Otherwise please "
     "report it with the command's name."},
    {0x098, "TPM_RC_SELECTOR", kMarshallingError, "A union's selector is not one of those allowed.",
     kAdviceReport},
    {0x09a, "TPM_RC_INSUFFICIENT", kMarshallingError,
     "The command ended before the TPM had read all of a value.", kAdviceReport},
    {0x09b, "TPM_RC_SIGNATURE", kTpmRc, "The signature is not valid.",
     "Check that key, digest, scheme and hash are those that the signature was made with."},
    {0x09c, "TPM_RC_KEY", kTpmRc, "The key does not fit the selected use.",
     "Use a key with the right attribute (sign, decrypt, restricted) and type for this command."},
    {0x09d, "TPM_RC_POLICY_FAIL", kAuthFailed, "The object's policy is not satisfied.",
     "Satisfy the very policy the object was made with; if it includes PCRs, compare their values "
     "of now with those of then (a firmware, boot loader or kernel update changes them)."},
    {0x09f, "TPM_RC_INTEGRITY", kIntegrity,
     "The integrity check failed: the blob was altered, or belongs to another TPM or parent; a "
     "credential is for another endorsement or attestation key.",
     "Use the blob on the TPM and under the parent that made it; after a TPM clear it is lost and "
     "has to be made again. Make a credential for this TPM's EK and this key's Name."},
    {0x0a0, "TPM_RC_TICKET", kTpmRc, "The ticket is not valid on this TPM or not for this data.",
     "A restricted key (an attestation key) signs only what the TPM made or hashed itself: quote "
     "with "
     "it, and sign other data with a key that is not restricted. Other tickets do not move between "
     "TPMs, and many end with a TPM reset: obtain a new one."},
    {0x0a1, "TPM_RC_RESERVED_BITS", kMarshallingError, "Bits that must be zero are set.",
     "Remove attribute bits that this TPM's revision does not define. Otherwise please report it "
     "with the command's name."},
    {0x0a2, "TPM_RC_BAD_AUTH", kAuthFailed,
     "The auth value is wrong for an entity without dictionary-attack protection.",
     "Give the right auth value; this failure was not counted and locks nothing. For a hierarchy: "
     "someone has set its auth, so pass it to Tpm.open({ auth: { owner } }) or as ownerAuth."},
    {0x0a3, "TPM_RC_EXPIRED", kAuthFailed, "The policy's or ticket's time is over.",
     "Obtain a new authorization with a later expiry, and use it in a new policy session."},
    {0x0a4, "TPM_RC_POLICY_CC", kAuthFailed,
     "The policy is for another command than this one, or names one the TPM does not have.",
     "Use the branch of the policy that permits this command."},
    {0x0a5, "TPM_RC_BINDING", kTpmRc, "The public and the private part do not belong together.",
     "Give both parts of the same key, unaltered."},
    {0x0a6, "TPM_RC_CURVE", kNotSupported, "The TPM does not have this elliptic curve.",
     "Use a curve that this TPM has (tpm.capabilities().eccCurves); P-256 is the common one."},
    {0x0a7, "TPM_RC_ECC_POINT", kTpmRc, "The point does not lie on the curve.",
     "Check the other party's public key: its curve must be that of the key used with it."},
    {0x0a8, "TPM_RC_FW_LIMITED", kTpmRc,
     "The object is bound to a firmware version, whose secret this TPM does not offer.",
     "Use the firmware that the object was made under, or make the object anew."},
    {0x0a9, "TPM_RC_SVN_LIMITED", kTpmRc,
     "The object is bound to a firmware security version that this TPM does not offer.",
     "Use firmware of at least that security version, or make the object anew."},
    {0x0aa, "TPM_RC_PARMS", kTpmRc, "The TPM does not have this parameter set.", kPostQuantum},
    {0x0ab, "TPM_RC_EXT_MU", kTpmRc, "The TPM does not sign an externally computed mu.",
     kPostQuantum},
    {0x0ac, "TPM_RC_ONE_SHOT_SIGNATURE", kTpmRc,
     "With this key the TPM signs only messages that fit into a single command.",
     "Sign a shorter message, or use a key of the pre-hashing kind."},
    {0x0ad, "TPM_RC_SIGN_CONTEXT_KEY", kTpmRc,
     "The signing sequence was begun with another key than it is to be completed with.",
     "Complete the sequence with the key that began it."},
    {0x0b0, "TPM_RC_CHANNEL", kTpmRc, "The command is allowed only over a secure channel.",
     "Send it over an SPDM session with the TPM."},
    {0x0b1, "TPM_RC_CHANNEL_KEY", kTpmRc,
     "The secure channel was made with other keys than the policy demands.",
     "Make the SPDM session with the keys that the policy names."},
};
static_assert(IsAscending(kRows));

}  // namespace

std::span<const RcRow> FormatOneRows() { return kRows; }

}  // namespace tpm2
