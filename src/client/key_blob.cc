// Wrapped keys as they come from outside: checked before anything is sent to a TPM.
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "pcp/blob.h"
#include "tpm2/operations/keys.h"

namespace tpm2 {
namespace {

op::KeyBlobInfo Parse(const ObjectBlob& blob) {
  auto area = FromBytes<Sized<Public>>(blob.public_area, "blob.public");
  if (FromBytes<Private>(blob.private_area, "blob.private").empty()) {
    throw Error(ErrorCode::kInvalidArgument, "blob.private: it is empty");
  }
  if (area->rsa() == nullptr && area->ecc() == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "blob.public: expected an RSA or elliptic-curve key, not " +
                    std::string(AlgorithmName(area->type)));
  }
  op::KeyBlobInfo info;
  info.type = AlgorithmName(area->type);
  info.sign = Has(area->attributes, ObjectAttributes::kSign);
  info.decrypt = Has(area->attributes, ObjectAttributes::kDecrypt);
  info.restricted = Has(area->attributes, ObjectAttributes::kRestricted);
  info.scheme = AlgorithmName(area->scheme().scheme);
  info.hash = AlgorithmName(area->scheme().hash());
  if (const RsaModulus* modulus = area->unique.get_if<AlgId::kRsa>()) {
    info.modulus_size = static_cast<uint32_t>(modulus->size());
  }
  info.name = ToBuffer(crypto::NameOf(*area).view());
  info.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(*area));
  return info;
}

}  // namespace

op::KeyBlobInfo Run(const op::ParseKeyBlob& request) {
  if (pcp::IsKeyBlob(request.blob.public_area)) {
    throw Error(ErrorCode::kNotSupported,
                "blob: it belongs to the Windows Platform Crypto Provider, which only attests",
                "Use it with tpm.attest.quote() and activateCredential() on the Windows machine "
                "that made it.");
  }
  try {
    return Parse(request.blob);
  } catch (Error& error) {
    if (error.code == ErrorCode::kMarshallingError) error.code = ErrorCode::kInvalidArgument;
    throw;
  }
}

}  // namespace tpm2
