#include "crypto/key_convert.h"

#include <algorithm>

namespace tpm2::crypto {
namespace {

// TPMs strip leading zero octets of big numbers or do not, as they like.
Buffer PadLeft(ByteView number, size_t size) {
  while (!number.empty() && number.size() > size && number.front() == 0) number = number.subspan(1);
  if (number.size() > size) {
    throw Error(ErrorCode::kMarshallingError, "a number is longer than its field");
  }
  Buffer padded(size - number.size(), 0);
  padded.insert(padded.end(), number.begin(), number.end());
  return padded;
}

}  // namespace

size_t CurveSize(EccCurve curve) {
  switch (curve) {
    case EccCurve::kNistP192:
      return 24;
    case EccCurve::kNistP224:
      return 28;
    case EccCurve::kNistP256:
    case EccCurve::kBnP256:
    case EccCurve::kSm2P256:
      return 32;
    case EccCurve::kNistP384:
      return 48;
    case EccCurve::kNistP521:
      return 66;
    case EccCurve::kBnP638:
      return 80;
    default:
      return 0;
  }
}

namespace {
template <typename Area>
Name NameOfArea(const Area& area, const char* what) {
  if (DigestSizeOf(area.name_alg) == 0) return Name();
  Buffer bytes = ToBytes(area, what);
  std::array<uint8_t, kMaxNameSize> name{};
  Writer writer{MutableBytes(name)};
  Marshal(writer, area.name_alg);
  size_t size = DigestInto(area.name_alg, {bytes}, MutableBytes(name).subspan(2));
  return Name(ByteView(name).first(2 + size));
}
}  // namespace

Name NameOf(const Public& area) { return NameOfArea(area, "TPMT_PUBLIC"); }
Name NameOf(const NvPublic& area) { return NameOfArea(area, "TPMS_NV_PUBLIC"); }

PublicKey PublicKeyOf(const Public& area) {
  if (const RsaParms* rsa = area.rsa()) {
    return RsaPublicKey{area.unique.get_if<AlgId::kRsa>()->octets(),
                        rsa->exponent == 0 ? 65537 : rsa->exponent};
  }
  if (const EccParms* ecc = area.ecc()) {
    const EccPoint& point = *area.unique.get_if<AlgId::kEcc>();
    size_t size = CurveSize(ecc->curve);
    return EccPublicKey{ecc->curve, PadLeft(point.x, size), PadLeft(point.y, size)};
  }
  throw Error(ErrorCode::kNotSupported, "the object is not an RSA or an elliptic-curve key");
}

SharedSecret ShareSecret(const Public& area, std::string_view label) {
  PublicKey key = PublicKeyOf(area);
  if (const auto* rsa = std::get_if<RsaPublicKey>(&key)) {
    // OAEP's hash is the scheme's where the key fixes one, else the name algorithm (B.4).
    AlgId fixed = area.scheme().hash();
    AlgId hash = fixed == AlgId::kNull ? area.name_alg : fixed;
    RsaEncapsulated shared = EncapsulateRsa(*rsa, hash, label);
    return {std::move(shared.secret), EncryptedSecret(shared.ciphertext)};
  }
  EccEncapsulated shared = EncapsulateEcc(std::get<EccPublicKey>(key), area.name_alg, label);
  EccPoint point{shared.ephemeral.x, shared.ephemeral.y};
  return {std::move(shared.secret), EncryptedSecret(ToBytes(point, "TPMS_ECC_POINT"))};
}

namespace {
// The arms of a union with the same type, one after the other.
const SignatureRsa* RsaArm(const Signature& signature) {
  const SignatureRsa* arm = signature.value.get_if<AlgId::kRsaSsa>();
  return arm != nullptr ? arm : signature.value.get_if<AlgId::kRsaPss>();
}
}  // namespace

Buffer RawSignature(const Signature& signature, EccCurve curve) {
  if (const SignatureRsa* rsa = RsaArm(signature)) return rsa->signature.octets();
  if (const SignatureEcc* ecc = signature.value.get_if<AlgId::kEcdsa>()) {
    size_t size = CurveSize(curve);
    Buffer raw = PadLeft(ecc->r, size);
    Buffer s = PadLeft(ecc->s, size);
    raw.insert(raw.end(), s.begin(), s.end());
    return raw;
  }
  throw Error(ErrorCode::kNotSupported, "the signature is neither RSASSA, RSAPSS nor ECDSA");
}

AlgId SignatureHash(const Signature& signature) {
  if (const SignatureRsa* rsa = RsaArm(signature)) return rsa->hash;
  const SignatureEcc* ecc = signature.value.get_if<AlgId::kEcdsa>();
  return ecc != nullptr ? ecc->hash : AlgId::kNull;
}

}  // namespace tpm2::crypto
