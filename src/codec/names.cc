#include "codec/names.h"

#include <algorithm>

#include "codec/hexadecimal.h"
#include "codec/name_table.h"

namespace tpm2 {
namespace {

// TCG Algorithm Registry, table 3; those without an enumerator are known by name only.
constexpr NameRow<AlgId> kAlgorithms[] = {
    {AlgId::kRsa, "rsa"},
    {AlgId::kTdes, "tdes"},
    {AlgId::kSha1, "sha1"},
    {AlgId::kHmac, "hmac"},
    {AlgId::kAes, "aes"},
    {AlgId::kMgf1, "mgf1"},
    {AlgId::kKeyedHash, "keyedhash"},
    {AlgId::kXor, "xor"},
    {AlgId::kSha256, "sha256"},
    {AlgId::kSha384, "sha384"},
    {AlgId::kSha512, "sha512"},
    {AlgId{0x000e}, "sha256_192"},
    {AlgId::kNull, "null"},
    {AlgId::kSm3_256, "sm3_256"},
    {AlgId::kSm4, "sm4"},
    {AlgId::kRsaSsa, "rsassa"},
    {AlgId::kRsaEs, "rsaes"},
    {AlgId::kRsaPss, "rsapss"},
    {AlgId::kOaep, "oaep"},
    {AlgId::kEcdsa, "ecdsa"},
    {AlgId::kEcdh, "ecdh"},
    {AlgId::kEcdaa, "ecdaa"},
    {AlgId::kSm2, "sm2"},
    {AlgId::kEcSchnorr, "ecschnorr"},
    {AlgId::kEcMqv, "ecmqv"},
    {AlgId::kKdf1Sp800_56a, "kdf1_sp800_56a"},
    {AlgId::kKdf2, "kdf2"},
    {AlgId::kKdf1Sp800_108, "kdf1_sp800_108"},
    {AlgId::kEcc, "ecc"},
    {AlgId::kSymCipher, "symcipher"},
    {AlgId::kCamellia, "camellia"},
    {AlgId::kSha3_256, "sha3_256"},
    {AlgId::kSha3_384, "sha3_384"},
    {AlgId::kSha3_512, "sha3_512"},
    {AlgId{0x002a}, "shake128"},
    {AlgId{0x002b}, "shake256"},
    {AlgId{0x002c}, "shake256_192"},
    {AlgId{0x002d}, "shake256_256"},
    {AlgId{0x002e}, "shake256_512"},
    {AlgId::kCmac, "cmac"},
    {AlgId::kCtr, "ctr"},
    {AlgId::kOfb, "ofb"},
    {AlgId::kCbc, "cbc"},
    {AlgId::kCfb, "cfb"},
    {AlgId::kEcb, "ecb"},
    {AlgId{0x0050}, "ccm"},
    {AlgId{0x0051}, "gcm"},
    {AlgId{0x0052}, "kw"},
    {AlgId{0x0053}, "kwp"},
    {AlgId{0x0054}, "eax"},
    {AlgId{0x0060}, "eddsa"},
    {AlgId{0x0061}, "eddsa_ph"},
    {AlgId{0x0070}, "lms"},
    {AlgId{0x0071}, "xmss"},
    {AlgId{0x0080}, "keyedxof"},
    {AlgId{0x0081}, "kmacxof128"},
    {AlgId{0x0082}, "kmacxof256"},
    {AlgId{0x0090}, "kmac128"},
    {AlgId{0x0091}, "kmac256"},
    {AlgId{0x00a0}, "mlkem"},
    {AlgId{0x00a1}, "mldsa"},
    {AlgId{0x00a2}, "hash_mldsa"},
};
static_assert(IsAscending<AlgId>(kAlgorithms));

// TCG Algorithm Registry, table 4.
constexpr NameRow<EccCurve> kCurves[] = {
    {EccCurve::kNistP192, "P-192"},   {EccCurve::kNistP224, "P-224"},
    {EccCurve::kNistP256, "P-256"},   {EccCurve::kNistP384, "P-384"},
    {EccCurve::kNistP521, "P-521"},   {EccCurve::kBnP256, "BN_P256"},
    {EccCurve::kBnP638, "BN_P638"},   {EccCurve::kSm2P256, "SM2_P256"},
    {EccCurve{0x0030}, "BP_P256_R1"}, {EccCurve{0x0031}, "BP_P384_R1"},
    {EccCurve{0x0032}, "BP_P512_R1"}, {EccCurve{0x0040}, "CURVE_25519"},
    {EccCurve{0x0041}, "CURVE_448"},
};
static_assert(IsAscending<EccCurve>(kCurves));

constexpr AlgId kHashes[] = {
    AlgId::kSha1,    AlgId::kSha256,   AlgId::kSha384,   AlgId::kSha512,
    AlgId::kSm3_256, AlgId::kSha3_256, AlgId::kSha3_384, AlgId::kSha3_512,
};

// NIST writes "sha3-256", tpm2-tools "sha3_256".
bool SameName(std::string_view given, std::string_view ours) {
  return std::equal(given.begin(), given.end(), ours.begin(), ours.end(),
                    [](char a, char b) { return a == b || (a == '-' && b == '_'); });
}

template <typename Number>
std::string TextOf(std::string_view name, Number number) {
  return name.empty() ? HexNumber(static_cast<uint64_t>(number), 4) : std::string(name);
}

}  // namespace

std::string_view AlgorithmName(AlgId id) { return FindName<AlgId>(kAlgorithms, id); }

std::string_view CurveName(EccCurve curve) { return FindName<EccCurve>(kCurves, curve); }

std::string AlgorithmText(AlgId id) { return TextOf(AlgorithmName(id), id); }

std::string CurveText(EccCurve curve) { return TextOf(CurveName(curve), curve); }

AlgId HashFromName(std::string_view name) {
  for (const AlgId hash : kHashes) {
    if (SameName(name, AlgorithmName(hash))) return hash;
  }
  return AlgId::kError;
}

}  // namespace tpm2
