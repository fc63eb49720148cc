#include "verifier/signer.h"

#include <algorithm>
#include <array>

#include "codec/names.h"
#include "verifier/argument.h"
#include "verifier/records.h"

namespace tpm2::verifier {
namespace {

AlgId SchemeFromName(std::string_view name) {
  for (AlgId scheme : {AlgId::kRsaSsa, AlgId::kRsaPss, AlgId::kEcdsa}) {
    if (AlgorithmName(scheme) == name) return scheme;
  }
  BadArgument("scheme", "expected 'rsassa', 'rsapss' or 'ecdsa'");
}

AlgId SigningHashFromName(std::string_view name) {
  AlgId hash = HashFromName(name);
  if (crypto::DigestSize(hash) == 0) {
    BadArgument("hash", "expected 'sha1', 'sha256', 'sha384' or 'sha512'");
  }
  return hash;
}

crypto::PublicKey KeyOf(const char* argument, const Public& area) {
  return ReadArgument(argument, [&] {
    crypto::PublicKey key = crypto::PublicKeyOf(area);
    crypto::EncodeSpki(key);  // checks sizes, the exponent and that the point is on its curve
    return key;
  });
}

// One who says how it was signed; kNull where he says nothing.
struct Saying {
  const char* who;
  AlgId scheme;
  AlgId hash;
};
using Sayings = std::array<Saying, 3>;

// The value that everybody who names one agrees on; kNull if nobody does. On disagreement fills
// `conflict`.
AlgId Settle(const Sayings& sayings, AlgId Saying::*member, std::string& conflict) {
  const Saying* first = nullptr;
  for (const Saying& saying : sayings) {
    if (saying.*member == AlgId::kNull) continue;
    if (first == nullptr) first = &saying;
    if (saying.*member != first->*member && conflict.empty()) {
      conflict = std::string(first->who) + " says " + AlgorithmText(first->*member) + ", " +
                 saying.who + " says " + AlgorithmText(saying.*member);
    }
  }
  return first == nullptr ? AlgId::kNull : first->*member;
}

std::optional<Signature> ParseTpmtSignature(ByteView bytes) {
  Reader reader(bytes);
  Signature signature;
  Unmarshal(reader, signature);
  if (!reader.ok() || reader.remaining() != 0 || signature.scheme == AlgId::kNull) {
    return std::nullopt;
  }
  return signature;
}

SignatureFinding Failed(std::string reason, AlgId hash = AlgId::kNull) {
  return {false, std::move(reason), hash};
}

SignatureFinding Verify(const Signer& signer, ByteView message, ByteView signature) {
  const auto* rsa = std::get_if<crypto::RsaPublicKey>(&signer.key);
  const auto* ecc = std::get_if<crypto::EccPublicKey>(&signer.key);
  const EccCurve curve = ecc != nullptr ? ecc->curve : EccCurve::kNone;
  const size_t raw_size = rsa != nullptr ? rsa->modulus.size() : 2 * crypto::CurveSize(curve);

  // The length tells raw octets from the other forms: those are longer, and a DER SEQUENCE or a
  // TPMT_SIGNATURE as short as r‖s would need several leading zero octets in both numbers.
  Buffer raw;
  std::optional<Signature> tpmt;
  if (signature.size() == raw_size) {
    raw = ToBuffer(signature);
  } else if (!(tpmt = ParseTpmtSignature(signature)) && ecc != nullptr) {
    raw = crypto::EcdsaDerToP1363(curve, signature);
  }
  const Scheme fixed = signer.area ? signer.area->scheme() : Scheme::Null();
  const Sayings sayings = {{{"the signature", tpmt ? tpmt->scheme : AlgId::kNull,
                             tpmt ? crypto::SignatureHash(*tpmt) : AlgId::kNull},
                            {"the caller", signer.scheme, signer.hash},
                            {"the key's public area", fixed.scheme, fixed.hash()}}};
  std::string conflict;
  AlgId scheme = Settle(sayings, &Saying::scheme, conflict);
  AlgId hash = Settle(sayings, &Saying::hash, conflict);
  if (scheme == AlgId::kNull) scheme = rsa != nullptr ? AlgId::kRsaSsa : AlgId::kEcdsa;
  if (hash == AlgId::kNull) hash = AlgId::kSha256;
  if (crypto::DigestSize(hash) == 0) {
    return Failed("its hash " + AlgorithmText(hash) + " is not supported");
  }
  if (!tpmt && raw.empty()) {
    return Failed(rsa != nullptr ? "neither a TPMT_SIGNATURE nor as long as the modulus"
                                 : "neither a TPMT_SIGNATURE nor r and s, raw or in DER",
                  hash);
  }
  if (!conflict.empty()) return Failed(conflict, hash);
  if ((scheme == AlgId::kEcdsa) != (ecc != nullptr)) {
    return Failed("its scheme " + AlgorithmText(scheme) + " is not one of this kind of key", hash);
  }
  if (tpmt) raw = crypto::RawSignature(*tpmt, curve);
  const Buffer digest = crypto::Digest(hash, {message});
  if (!crypto::VerifyDigest(signer.key, scheme, hash, digest, raw)) {
    return Failed("it is not this key's signature of the message by " + AlgorithmText(scheme) +
                      " with " + AlgorithmText(hash),
                  hash);
  }
  SignatureFinding finding{true, {}, hash};
  if (hash == AlgId::kSha1) {
    const auto says = [](const Saying& saying) { return saying.hash == AlgId::kSha1; };
    finding.reason = std::string("SHA-1, which is weak: accepted because ") +
                     std::find_if(sayings.begin(), sayings.end(), says)->who + " says so";
  }
  return finding;
}

}  // namespace

Signer ReadSigner(const op::SignerRecord& record, const Public* self) {
  Signer signer;
  if (record.ak_public) {
    signer.area = ReadPublicArea("akPublic", *record.ak_public);
    signer.key = KeyOf("akPublic", *signer.area);
  }
  if (record.ak_public_key) {
    crypto::PublicKey key =
        ReadArgument("akPublicKey", [&] { return crypto::DecodePublicKey(*record.ak_public_key); });
    if (record.ak_public) {
      signer.one_key = crypto::EncodeSpki(key) == crypto::EncodeSpki(signer.key);
    }
    signer.key = std::move(key);
  }
  if (!record.ak_public && !record.ak_public_key) {
    if (self == nullptr) BadArgument("akPublicKey", "expected it, or akPublic");
    signer.area = *self;
    signer.key = KeyOf("public", *self);
  }
  if (record.scheme) signer.scheme = SchemeFromName(*record.scheme);
  if (record.hash) signer.hash = SigningHashFromName(*record.hash);
  return signer;
}

SignatureFinding VerifySignature(const Signer& signer, ByteView message, ByteView signature) {
  try {
    SignatureFinding finding = Verify(signer, message, signature);
    if (signer.one_key) return finding;
    return Failed("akPublicKey is not the key in akPublic", finding.hash);
  } catch (const Error& error) {
    if (error.code == ErrorCode::kResourceExhausted) throw;
    return Failed(error.message);
  }
}

void CheckAttributes(const Signer& signer, Checks& checks) {
  using A = ObjectAttributes;
  if (!signer.area) {
    checks.NotChecked("restricted");
    checks.NotChecked("fixedTPM");
    return;
  }
  const A attributes = signer.area->attributes;
  std::string complaint;
  if (!Has(attributes, A::kSign)) {
    complaint = "the key is not a signing key";
  } else if (!Has(attributes, A::kRestricted)) {
    complaint = "the key is not restricted: it signs whatever its holder makes up";
  } else if (Has(attributes, A::kDecrypt)) {
    complaint = "the key may also decrypt";
  }
  checks.Complaint("restricted", std::move(complaint));

  complaint.clear();
  if (!Has(attributes, A::kFixedTpm)) {
    complaint = "the key may leave its TPM";
  } else if (!Has(attributes, A::kSensitiveDataOrigin)) {
    complaint = "the key was not made by the TPM: its private part may be known outside";
  }
  checks.Complaint("fixedTPM", std::move(complaint));
}

}  // namespace tpm2::verifier
