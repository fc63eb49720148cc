// Constants of TPM 2.0 Part 2, each once, with its section. Enumerations are open: a TPM may
// send values that are not listed.
#ifndef TPM2_CONSTANTS_H_
#define TPM2_CONSTANTS_H_

#include <cstdint>

namespace tpm2 {

// TPM_ALG_ID, Part 2 6.3 (numbers: TCG Algorithm Registry, table 3).
enum class AlgId : uint16_t {
  kError = 0x0000,
  kRsa = 0x0001,
  kTdes = 0x0003,
  kSha1 = 0x0004,
  kHmac = 0x0005,
  kAes = 0x0006,
  kMgf1 = 0x0007,
  kKeyedHash = 0x0008,
  kXor = 0x000a,
  kSha256 = 0x000b,
  kSha384 = 0x000c,
  kSha512 = 0x000d,
  kNull = 0x0010,
  kSm3_256 = 0x0012,
  kSm4 = 0x0013,
  kRsaSsa = 0x0014,
  kRsaEs = 0x0015,
  kRsaPss = 0x0016,
  kOaep = 0x0017,
  kEcdsa = 0x0018,
  kEcdh = 0x0019,
  kEcdaa = 0x001a,
  kSm2 = 0x001b,
  kEcSchnorr = 0x001c,
  kEcMqv = 0x001d,
  kKdf1Sp800_56a = 0x0020,
  kKdf2 = 0x0021,
  kKdf1Sp800_108 = 0x0022,
  kEcc = 0x0023,
  kSymCipher = 0x0025,
  kCamellia = 0x0026,
  kSha3_256 = 0x0027,
  kSha3_384 = 0x0028,
  kSha3_512 = 0x0029,
  kCmac = 0x003f,
  kCtr = 0x0040,
  kOfb = 0x0041,
  kCbc = 0x0042,
  kCfb = 0x0043,
  kEcb = 0x0044,
};

// TPM_ECC_CURVE, Part 2 6.4.
enum class EccCurve : uint16_t {
  kNone = 0x0000,
  kNistP192 = 0x0001,
  kNistP224 = 0x0002,
  kNistP256 = 0x0003,
  kNistP384 = 0x0004,
  kNistP521 = 0x0005,
  kBnP256 = 0x0010,
  kBnP638 = 0x0011,
  kSm2P256 = 0x0020,
};

// TPM_CC, Part 2 6.5.2.
enum class CommandCode : uint32_t {
  kNvUndefineSpaceSpecial = 0x11f,
  kEvictControl = 0x120,
  kHierarchyControl = 0x121,
  kNvUndefineSpace = 0x122,
  kChangeEps = 0x124,
  kChangePps = 0x125,
  kClear = 0x126,
  kClearControl = 0x127,
  kClockSet = 0x128,
  kHierarchyChangeAuth = 0x129,
  kNvDefineSpace = 0x12a,
  kPcrAllocate = 0x12b,
  kPcrSetAuthPolicy = 0x12c,
  kPpCommands = 0x12d,
  kSetPrimaryPolicy = 0x12e,
  kFieldUpgradeStart = 0x12f,
  kClockRateAdjust = 0x130,
  kCreatePrimary = 0x131,
  kNvGlobalWriteLock = 0x132,
  kGetCommandAuditDigest = 0x133,
  kNvIncrement = 0x134,
  kNvSetBits = 0x135,
  kNvExtend = 0x136,
  kNvWrite = 0x137,
  kNvWriteLock = 0x138,
  kDictionaryAttackLockReset = 0x139,
  kDictionaryAttackParameters = 0x13a,
  kNvChangeAuth = 0x13b,
  kPcrEvent = 0x13c,
  kPcrReset = 0x13d,
  kSequenceComplete = 0x13e,
  kSetAlgorithmSet = 0x13f,
  kSetCommandCodeAuditStatus = 0x140,
  kFieldUpgradeData = 0x141,
  kIncrementalSelfTest = 0x142,
  kSelfTest = 0x143,
  kStartup = 0x144,
  kShutdown = 0x145,
  kStirRandom = 0x146,
  kActivateCredential = 0x147,
  kCertify = 0x148,
  kPolicyNv = 0x149,
  kCertifyCreation = 0x14a,
  kDuplicate = 0x14b,
  kGetTime = 0x14c,
  kGetSessionAuditDigest = 0x14d,
  kNvRead = 0x14e,
  kNvReadLock = 0x14f,
  kObjectChangeAuth = 0x150,
  kPolicySecret = 0x151,
  kRewrap = 0x152,
  kCreate = 0x153,
  kEcdhZGen = 0x154,
  kHmac = 0x155,
  kImport = 0x156,
  kLoad = 0x157,
  kQuote = 0x158,
  kRsaDecrypt = 0x159,
  kHmacStart = 0x15b,
  kSequenceUpdate = 0x15c,
  kSign = 0x15d,
  kUnseal = 0x15e,
  kPolicySigned = 0x160,
  kContextLoad = 0x161,
  kContextSave = 0x162,
  kEcdhKeyGen = 0x163,
  kEncryptDecrypt = 0x164,
  kFlushContext = 0x165,
  kLoadExternal = 0x167,
  kMakeCredential = 0x168,
  kNvReadPublic = 0x169,
  kPolicyAuthorize = 0x16a,
  kPolicyAuthValue = 0x16b,
  kPolicyCommandCode = 0x16c,
  kPolicyCounterTimer = 0x16d,
  kPolicyCpHash = 0x16e,
  kPolicyLocality = 0x16f,
  kPolicyNameHash = 0x170,
  kPolicyOr = 0x171,
  kPolicyTicket = 0x172,
  kReadPublic = 0x173,
  kRsaEncrypt = 0x174,
  kStartAuthSession = 0x176,
  kVerifySignature = 0x177,
  kEccParameters = 0x178,
  kFirmwareRead = 0x179,
  kGetCapability = 0x17a,
  kGetRandom = 0x17b,
  kGetTestResult = 0x17c,
  kHash = 0x17d,
  kPcrRead = 0x17e,
  kPolicyPcr = 0x17f,
  kPolicyRestart = 0x180,
  kReadClock = 0x181,
  kPcrExtend = 0x182,
  kPcrSetAuthValue = 0x183,
  kNvCertify = 0x184,
  kEventSequenceComplete = 0x185,
  kHashSequenceStart = 0x186,
  kPolicyPhysicalPresence = 0x187,
  kPolicyDuplicationSelect = 0x188,
  kPolicyGetDigest = 0x189,
  kTestParms = 0x18a,
  kCommit = 0x18b,
  kPolicyPassword = 0x18c,
  kZGen2Phase = 0x18d,
  kEcEphemeral = 0x18e,
  kPolicyNvWritten = 0x18f,
  kPolicyTemplate = 0x190,
  kCreateLoaded = 0x191,
  kPolicyAuthorizeNv = 0x192,
  kEncryptDecrypt2 = 0x193,
  kAcGetCapability = 0x194,
  kAcSend = 0x195,
  kPolicyAcSendSelect = 0x196,
  kCertifyX509 = 0x197,
  kActSetTimeout = 0x198,
  kEccEncrypt = 0x199,
  kEccDecrypt = 0x19a,
};

// TPM_ST, Part 2 6.9.
enum class StructureTag : uint16_t {
  kNull = 0x8000,
  kNoSessions = 0x8001,
  kSessions = 0x8002,
  kAttestNv = 0x8014,
  kAttestCommandAudit = 0x8015,
  kAttestSessionAudit = 0x8016,
  kAttestCertify = 0x8017,
  kAttestQuote = 0x8018,
  kAttestTime = 0x8019,
  kAttestCreation = 0x801a,
  kAttestNvDigest = 0x801c,
  kCreation = 0x8021,
  kVerified = 0x8022,
  kAuthSecret = 0x8023,
  kHashCheck = 0x8024,
  kAuthSigned = 0x8025,
};

// TPM_SU, Part 2 6.10.
enum class StartupType : uint16_t { kClear = 0x0000, kState = 0x0001 };

// TPM_SE, Part 2 6.11.
enum class SessionType : uint8_t { kHmac = 0x00, kPolicy = 0x01, kTrial = 0x03 };

// TPM_CAP, Part 2 6.12.
enum class Capability : uint32_t {
  kAlgs = 0,
  kHandles = 1,
  kCommands = 2,
  kPpCommands = 3,
  kAuditCommands = 4,
  kPcrs = 5,
  kTpmProperties = 6,
  kPcrProperties = 7,
  kEccCurves = 8,
  kAuthPolicies = 9,
  kAct = 10,
};

// TPM_PT, Part 2 6.13: those that the code uses; names of all of them are in
// src/codec/property_names.cc.
namespace pt {
inline constexpr uint32_t kFixed = 0x100;
inline constexpr uint32_t kFamilyIndicator = 0x100;
inline constexpr uint32_t kLevel = 0x101;
inline constexpr uint32_t kRevision = 0x102;
inline constexpr uint32_t kDayOfYear = 0x103;
inline constexpr uint32_t kYear = 0x104;
inline constexpr uint32_t kManufacturer = 0x105;
inline constexpr uint32_t kVendorString1 = 0x106;
inline constexpr uint32_t kVendorString4 = 0x109;
inline constexpr uint32_t kFirmwareVersion1 = 0x10b;
inline constexpr uint32_t kFirmwareVersion2 = 0x10c;
inline constexpr uint32_t kInputBuffer = 0x10d;
inline constexpr uint32_t kNvIndexMax = 0x117;
inline constexpr uint32_t kMaxDigest = 0x120;
inline constexpr uint32_t kNvBufferMax = 0x12c;
inline constexpr uint32_t kVariable = 0x200;
inline constexpr uint32_t kPermanent = 0x200;
inline constexpr uint32_t kLockoutCounter = 0x20e;
inline constexpr uint32_t kMaxAuthFail = 0x20f;
inline constexpr uint32_t kLockoutInterval = 0x210;
inline constexpr uint32_t kLockoutRecovery = 0x211;
}  // namespace pt

// TPM_HT, Part 2 7.2: the most significant octet of a handle.
enum class HandleType : uint8_t {
  kPcr = 0x00,
  kNvIndex = 0x01,
  kHmacSession = 0x02,
  kPolicySession = 0x03,
  kPermanent = 0x40,
  kTransient = 0x80,
  kPersistent = 0x81,
};
constexpr HandleType TypeOf(uint32_t handle) { return static_cast<HandleType>(handle >> 24); }

// TPM_RH, Part 2 7.4.
namespace rh {
inline constexpr uint32_t kOwner = 0x40000001;
inline constexpr uint32_t kNull = 0x40000007;
inline constexpr uint32_t kPassword = 0x40000009;  // TPM_RS_PW
inline constexpr uint32_t kLockout = 0x4000000a;
inline constexpr uint32_t kEndorsement = 0x4000000b;
inline constexpr uint32_t kPlatform = 0x4000000c;
}  // namespace rh

// TPMA_OBJECT, Part 2 8.3.
enum class ObjectAttributes : uint32_t {
  kNone = 0,
  kFixedTpm = 1u << 1,
  kStClear = 1u << 2,
  kFixedParent = 1u << 4,
  kSensitiveDataOrigin = 1u << 5,
  kUserWithAuth = 1u << 6,
  kAdminWithPolicy = 1u << 7,
  kNoDa = 1u << 10,
  kEncryptedDuplication = 1u << 11,
  kRestricted = 1u << 16,
  kDecrypt = 1u << 17,
  kSign = 1u << 18,
  kX509Sign = 1u << 19,
};

// TPMA_SESSION, Part 2 8.4.
enum class SessionAttributes : uint8_t {
  kNone = 0,
  kContinue = 1u << 0,
  kAuditExclusive = 1u << 1,
  kAuditReset = 1u << 2,
  kDecrypt = 1u << 5,  // the first command parameter is encrypted
  kEncrypt = 1u << 6,  // the first response parameter is encrypted
  kAudit = 1u << 7,
};

// TPMA_NV, Part 2 13.4.
enum class NvAttributes : uint32_t {
  kNone = 0,
  kPpWrite = 1u << 0,
  kOwnerWrite = 1u << 1,
  kAuthWrite = 1u << 2,
  kPolicyWrite = 1u << 3,
  kPolicyDelete = 1u << 10,
  kWriteLocked = 1u << 11,
  kWriteAll = 1u << 12,
  kWriteDefine = 1u << 13,
  kWriteStClear = 1u << 14,
  kGlobalLock = 1u << 15,
  kPpRead = 1u << 16,
  kOwnerRead = 1u << 17,
  kAuthRead = 1u << 18,
  kPolicyRead = 1u << 19,
  kNoDa = 1u << 25,
  kOrderly = 1u << 26,
  kClearStClear = 1u << 27,
  kReadLocked = 1u << 28,
  kWritten = 1u << 29,
  kPlatformCreate = 1u << 30,
  kReadStClear = 1u << 31,
};
// TPM_NT, bits 7..4 of TPMA_NV, Part 2 13.2.
enum class NvType : uint32_t {
  kOrdinary = 0,
  kCounter = 1,
  kBits = 2,
  kExtend = 4,
  kPinFail = 8,
  kPinPass = 9,
};

// Bit operations for the attribute words above, and for nothing else.
template <typename E>
inline constexpr bool kIsBitmask = false;
template <>
inline constexpr bool kIsBitmask<ObjectAttributes> = true;
template <>
inline constexpr bool kIsBitmask<SessionAttributes> = true;
template <>
inline constexpr bool kIsBitmask<NvAttributes> = true;

template <typename E>
requires kIsBitmask<E>
constexpr E operator|(E a, E b) {
  return static_cast<E>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
template <typename E>
requires kIsBitmask<E>
constexpr E operator&(E a, E b) {
  return static_cast<E>(static_cast<uint32_t>(a) & static_cast<uint32_t>(b));
}
template <typename E>
requires kIsBitmask<E>
constexpr E operator~(E a) { return static_cast<E>(~static_cast<uint32_t>(a)); }
template <typename E>
requires kIsBitmask<E>
constexpr E& operator|=(E& a, E b) { return a = a | b; }
// True when every bit of `bits` is set in `word`.
template <typename E>
requires kIsBitmask<E>
constexpr bool Has(E word, E bits) { return (word & bits) == bits; }

// Response codes, Part 2 6.6: the ones that the code acts on. Names and texts of all of them
// are in src/codec/response_code_table.cc.
namespace rc {
inline constexpr uint32_t kSuccess = 0x000;
inline constexpr uint32_t kInitialize = 0x100;
inline constexpr uint32_t kFailure = 0x101;
inline constexpr uint32_t kAuthMissing = 0x125;
inline constexpr uint32_t kCommandCode = 0x143;
inline constexpr uint32_t kNvDefined = 0x14c;
inline constexpr uint32_t kAsymmetric = 0x081;
inline constexpr uint32_t kAttributes = 0x082;
inline constexpr uint32_t kHash = 0x083;
inline constexpr uint32_t kValue = 0x084;
inline constexpr uint32_t kHandle = 0x08b;
inline constexpr uint32_t kAuthFail = 0x08e;
inline constexpr uint32_t kScheme = 0x092;
inline constexpr uint32_t kSize = 0x095;
inline constexpr uint32_t kPolicyFail = 0x09d;
inline constexpr uint32_t kIntegrity = 0x09f;
inline constexpr uint32_t kBadAuth = 0x0a2;
inline constexpr uint32_t kContextGap = 0x901;
inline constexpr uint32_t kObjectMemory = 0x902;
inline constexpr uint32_t kSessionMemory = 0x903;
inline constexpr uint32_t kMemory = 0x904;
inline constexpr uint32_t kSessionHandles = 0x905;
inline constexpr uint32_t kObjectHandles = 0x906;
inline constexpr uint32_t kYielded = 0x908;
inline constexpr uint32_t kCanceled = 0x909;
inline constexpr uint32_t kTesting = 0x90a;
inline constexpr uint32_t kReferenceH0 = 0x910;
inline constexpr uint32_t kReferenceS0 = 0x918;
inline constexpr uint32_t kNvRate = 0x920;
inline constexpr uint32_t kLockout = 0x921;
inline constexpr uint32_t kRetry = 0x922;
inline constexpr uint32_t kNvUnavailable = 0x923;
}  // namespace rc

// Sizes, Part 2 annex A and the PC Client profile; generous where implementations differ.
inline constexpr uint32_t kMaxCommandSize = 4096;
inline constexpr uint32_t kMaxResponseSize = 4096;
inline constexpr uint32_t kHeaderSize = 10;
inline constexpr uint32_t kTpmGenerated = 0xff544347;  // TPM_GENERATED_VALUE, Part 2 6.2

}  // namespace tpm2

#endif  // TPM2_CONSTANTS_H_
