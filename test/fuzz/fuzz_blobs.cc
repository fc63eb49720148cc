// Blobs that a caller hands in (sealed data, wrapped keys, public areas, the Platform Crypto
// Provider's keys), and what Windows says of keys.
#include "client/seal_blob.h"
#include "crypto/key_convert.h"
#include "input.h"
#include "pcp/blob.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/pcp.h"

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

// The Platform Crypto Provider's: what a caller hands in, and what Windows answers. The signature
// in a blob keeps what the fuzzer makes out of the later half, but for the seeds.
void CheckProviderBlob(ByteView bytes) {
  RefusingBadArguments([&] {
    const pcp::KeyBlob blob = pcp::Decode(bytes);
    const Buffer encoded = pcp::Encode(blob);
    Require(
        encoded.size() <= bytes.size() && std::equal(encoded.begin(), encoded.end(), bytes.begin()),
        "a provider's blob is written as it was read");
    op::ParseProviderBlob request;
    request.blob.public_area = encoded;
    const op::ProviderBlobInfo info = Run(request);
    Require(info.key_name == blob.key_name && !info.public_key_der.empty(),
            "a blob that was read tells what its key is");
    Require(info.restricted && info.sign && !info.decrypt, "only attestation keys pass");
  });
}

void CheckIdBinding(ByteView bytes) {
  Tolerating([&] {
    const pcp::KeyBlob blob = pcp::FromIdBinding(bytes, false, "a key");
    Require(pcp::Encode(pcp::Decode(pcp::Encode(blob))) == pcp::Encode(blob),
            "what Windows states about a key makes a blob");
  });
}

void CheckPublicBlob(ByteView bytes) {
  try {
    const crypto::PublicKey key = pcp::ParsePublicBlob(bytes);
    Require(
        crypto::EncodeSpki(crypto::DecodeSpki(crypto::EncodeSpki(key))) == crypto::EncodeSpki(key),
        "Windows' public key has an SPKI");
  } catch (const Error& error) {
    Require(error.code == ErrorCode::kMarshallingError, "a public blob is one, or it is not");
  }
}

}  // namespace
}  // namespace tpm2::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tpm2::fuzzing::Input input(data, size);
  uint8_t kind = input.Octet() % 6;
  if (kind == 0) tpm2::fuzzing::CheckSeal(input.Rest());
  if (kind == 1) tpm2::fuzzing::CheckKey(input);
  if (kind == 2) tpm2::fuzzing::CheckPublic(input.Rest());
  if (kind == 3) tpm2::fuzzing::CheckProviderBlob(input.Rest());
  if (kind == 4) tpm2::fuzzing::CheckIdBinding(input.Rest());
  if (kind == 5) tpm2::fuzzing::CheckPublicBlob(input.Rest());
  return 0;
}
