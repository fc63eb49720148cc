// Public keys between our form, libcrypto's and SubjectPublicKeyInfo.
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

#include "crypto/openssl.h"

namespace tpm2::crypto {
namespace {

constexpr int kMinRsaBits = 1024;
constexpr int kMaxRsaBits = 4096;
constexpr size_t kMaxRsaSize = kMaxRsaBits / 8;
// Far above any certificate; keeps lengths within libcrypto's int and long.
constexpr size_t kMaxEncoded = 1 << 20;

struct FreeOctets {
  void operator()(uint8_t* octets) const noexcept { OPENSSL_free(octets); }
};
using Octets = std::unique_ptr<uint8_t, FreeOctets>;

void CheckRsaBits(int bits) {
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    Fail(ErrorCode::kNotSupported, "RSA keys of 1024 to 4096 bits are supported");
  }
}

KeyPtr FromParameters(const char* type, OSSL_PARAM* params, const char* refusal) {
  KeyContext context(EVP_PKEY_CTX_new_from_name(GetLibrary().context, type, nullptr));
  Require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1,
          "no memory for a public key");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    BadArgument(refusal);
  }
  return KeyPtr(key);
}

KeyPtr ImportRsa(const RsaPublicKey& key) {
  if (key.modulus.empty() || key.modulus.front() == 0 || (key.modulus.back() & 1) == 0) {
    BadArgument("an RSA modulus is odd and begins with an octet that is not zero");
  }
  if (key.exponent < 3 || key.exponent % 2 == 0) {
    BadArgument("an RSA exponent is odd and at least 3");
  }
  if (key.modulus.size() > kMaxRsaSize) CheckRsaBits(INT_MAX);
  const BigNumber modulus = FromBigEndian(key.modulus);
  CheckRsaBits(BN_num_bits(modulus.get()));
  // libcrypto's parameters hold integers in the machine's own order of octets.
  std::array<uint8_t, kMaxRsaSize> native;
  uint32_t exponent = key.exponent;
  BN_bn2nativepad(modulus.get(), native.data(), static_cast<int>(key.modulus.size()));
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native.data(), key.modulus.size()),
      OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &exponent), OSSL_PARAM_construct_end()};
  return FromParameters("RSA", params, "not an RSA public key");
}

KeyPtr ImportEcc(const EccPublicKey& key) {
  const Curve& curve = GetCurve(key.curve);
  const Buffer point = UncompressedPoint(curve, key);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve.name),
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  return FromParameters("EC", params, "the point is not on its curve");
}

BigNumber GetNumber(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) BadArgument("a public key lacks its numbers");
  return BigNumber(number);
}

RsaPublicKey ExportRsa(const EVP_PKEY* key) {
  CheckRsaBits(EVP_PKEY_get_bits(key));
  const BigNumber modulus = GetNumber(key, OSSL_PKEY_PARAM_RSA_N);
  const BigNumber exponent = GetNumber(key, OSSL_PKEY_PARAM_RSA_E);
  if (BN_num_bits(exponent.get()) > 32) {
    Fail(ErrorCode::kNotSupported, "RSA exponents of at most 32 bits are supported");
  }
  RsaPublicKey out{.modulus = ToBigEndian(modulus.get(), BN_num_bytes(modulus.get())),
                   .exponent = static_cast<uint32_t>(BN_get_word(exponent.get()))};
  ImportRsa(out);  // the same rules for what comes in as for what goes out
  return out;
}

EccPublicKey ExportEcc(const EVP_PKEY* key) {
  for (EccCurve id : {EccCurve::kNistP256, EccCurve::kNistP384, EccCurve::kNistP521}) {
    const Curve& curve = GetCurve(id);
    std::array<char, 64> group{};
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                       nullptr) != 1) {
      break;
    }
    if (OBJ_txt2nid(group.data()) != EC_curve_nist2nid(curve.name)) continue;
    return {.curve = id,
            .x = ToBigEndian(GetNumber(key, OSSL_PKEY_PARAM_EC_PUB_X).get(), curve.field_size),
            .y = ToBigEndian(GetNumber(key, OSSL_PKEY_PARAM_EC_PUB_Y).get(), curve.field_size)};
  }
  Fail(ErrorCode::kNotSupported, "elliptic curve not supported");
}

// Null if `der` is not a SubjectPublicKeyInfo and nothing else.
KeyPtr ParseSpki(ByteView der) {
  const uint8_t* next = der.data();
  KeyPtr key(
      d2i_PUBKEY_ex(nullptr, &next, static_cast<long>(der.size()), GetLibrary().context, nullptr));
  return key != nullptr && next == der.data() + der.size() ? std::move(key) : nullptr;
}

// Null if `der` is not a certificate and nothing else.
KeyPtr ParseCertificate(ByteView der) {
  X509* certificate = X509_new_ex(GetLibrary().context, nullptr);
  Require(certificate != nullptr, "no memory for a certificate");
  const uint8_t* next = der.data();
  // Frees and nulls its first argument when it fails.
  d2i_X509(&certificate, &next, static_cast<long>(der.size()));
  const CertificatePtr owner(certificate);
  if (owner == nullptr || next != der.data() + der.size()) return nullptr;
  uint8_t* spki = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(owner.get()), &spki);
  const Octets spki_owner(spki);
  return size > 0 ? ParseSpki({spki, static_cast<size_t>(size)}) : nullptr;
}

KeyPtr ParsePem(ByteView text) {
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Require(bio != nullptr, "no memory for PEM");
  char* name = nullptr;
  char* header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) BadArgument("malformed PEM");
  const Octets owners[] = {Octets(reinterpret_cast<uint8_t*>(name)),
                           Octets(reinterpret_cast<uint8_t*>(header)), Octets(data)};
  const ByteView der(data, static_cast<size_t>(size));
  const std::string_view kind = name;
  if (kind == "PUBLIC KEY") return ParseSpki(der);
  if (kind == "CERTIFICATE") return ParseCertificate(der);
  OPENSSL_cleanse(data, der.size());  // a private key, perhaps
  BadArgument("PEM of another kind than PUBLIC KEY or CERTIFICATE");
}

void BeginDecoding(ByteView encoded) {
  GetLibrary();
  if (encoded.empty() || encoded.size() > kMaxEncoded) BadArgument("bad length of a public key");
}

}  // namespace

Buffer PadToField(const Curve& curve, ByteView octets) {
  if (octets.size() > curve.field_size) BadArgument("a coordinate is longer than its field");
  Buffer out(curve.field_size);
  std::copy_backward(octets.begin(), octets.end(), out.end());
  return out;
}

Buffer UncompressedPoint(const Curve& curve, const EccPublicKey& key) {
  if (key.x.empty() || key.y.empty()) BadArgument("an elliptic curve point lacks a coordinate");
  Buffer point = {POINT_CONVERSION_UNCOMPRESSED};
  for (const Buffer* coordinate : {&key.x, &key.y}) {
    const Buffer padded = PadToField(curve, *coordinate);
    point.insert(point.end(), padded.begin(), padded.end());
  }
  return point;
}

KeyPtr ImportPublicKey(const PublicKey& key) {
  if (const auto* rsa = std::get_if<RsaPublicKey>(&key)) return ImportRsa(*rsa);
  return ImportEcc(std::get<EccPublicKey>(key));
}

PublicKey ExportPublicKey(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return ExportRsa(key);
  if (EVP_PKEY_is_a(key, "EC")) return ExportEcc(key);
  Fail(ErrorCode::kNotSupported, "only RSA and elliptic curve public keys are supported");
}

Buffer EncodeSpki(const PublicKey& key) {
  const KeyPtr imported = ImportPublicKey(key);
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(imported.get(), &der);
  const Octets owner(der);
  Require(size > 0, "the public key could not be encoded");
  return Buffer(der, der + size);
}

PublicKey DecodeSpki(ByteView der) {
  BeginDecoding(der);
  const KeyPtr key = ParseSpki(der);
  if (key == nullptr) BadArgument("not a SubjectPublicKeyInfo in DER");
  return ExportPublicKey(key.get());
}

PublicKey DecodePublicKey(ByteView encoded) {
  BeginDecoding(encoded);
  constexpr std::string_view kPemStart = "-----BEGIN ";
  const bool is_pem = std::search(encoded.begin(), encoded.end(), kPemStart.begin(),
                                  kPemStart.end()) != encoded.end();
  KeyPtr key;
  // 0x30 opens every DER SEQUENCE; a certificate may quote PEM somewhere inside.
  if (encoded.front() == 0x30 || !is_pem) {
    key = ParseSpki(encoded);
    if (key == nullptr) key = ParseCertificate(encoded);
  }
  if (key == nullptr && is_pem) key = ParsePem(encoded);
  if (key == nullptr) BadArgument("neither a public key nor a certificate in PEM or DER");
  return ExportPublicKey(key.get());
}

}  // namespace tpm2::crypto
