// Blobs that a caller hands in: sealed data, wrapped keys, public areas.
#include "client/seal_blob.h"
#include "crypto/key_convert.h"
#include "input.h"
#include "tpm2/operations/keys.h"

namespace tpm2::fuzzing {
namespace {

// Whatever is wrong with a blob is the caller's mistake.
template <typename Body>
void RefusingBadArguments(Body body) {
  try {
    body();
  } catch (const Error& error) {
    Require(error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotSupported,
            "a blob that does not parse is INVALID_ARGUMENT");
  }
}

void CheckSeal(ByteView bytes) {
  RefusingBadArguments([&] {
    SealBlob blob = DecodeSealBlob(bytes);
    Buffer encoded = EncodeSealBlob(blob);
    SealBlob again = DecodeSealBlob(encoded);
    Require(again.object.public_area == blob.object.public_area &&
                again.object.private_area == blob.object.private_area &&
                again.policy_auth_value == blob.policy_auth_value,
            "a seal blob that was read is written with the same content");
    Require(EncodeSealBlob(again) == encoded, "encoding a seal blob is stable");
  });
}

void CheckKey(Input& input) {
  op::ParseKeyBlob request;
  request.blob.public_area = input.Long();
  request.blob.private_area = input.Rest();
  RefusingBadArguments([&] {
    op::KeyBlobInfo info = Run(request);
    Require(info.type == "rsa" || info.type == "ecc", "only keys pass");
    Require(!info.public_key_der.empty(), "a key has an SPKI");
  });
}

void CheckPublic(ByteView bytes) {
  Tolerating([&] {
    Sized<Public> area = FromBytes<Sized<Public>>(bytes);
    crypto::NameOf(*area);
    crypto::PublicKey key = crypto::PublicKeyOf(*area);
    Buffer der = crypto::EncodeSpki(key);
    Require(crypto::EncodeSpki(crypto::DecodeSpki(der)) == der,
            "an SPKI is read as it was written");
  });
}

}  // namespace
}  // namespace tpm2::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tpm2::fuzzing::Input input(data, size);
  uint8_t kind = input.Octet() % 3;
  if (kind == 0) tpm2::fuzzing::CheckSeal(input.Rest());
  if (kind == 1) tpm2::fuzzing::CheckKey(input);
  if (kind == 2) tpm2::fuzzing::CheckPublic(input.Rest());
  return 0;
}
