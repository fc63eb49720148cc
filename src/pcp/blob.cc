#include "pcp/blob.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "tpm2/operations/pcp.h"
#include "tpm2/structures/attest.h"

namespace tpm2::pcp {
namespace {

constexpr std::string_view kMagicUser = "PCP1";
constexpr std::string_view kMagicMachine = "PCP2";
constexpr std::string_view kOwnPrefix = "node-tpm2-ak-";
constexpr size_t kMaxKeyName = 1024;
constexpr size_t kMaxField = 4096;

bool StartsWith(ByteView bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

[[noreturn]] void Refuse(const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, "blob.public: " + why);
}

// Of at least four octets.
uint32_t LittleEndian(ByteView bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : left_(bytes) {}
  ByteView Next(const char* name, size_t most) {
    if (left_.size() < 4) Refuse(std::string("it ends before ") + name);
    const size_t size = LittleEndian(left_);
    left_ = left_.subspan(4);
    if (size > most) Refuse(std::string(name) + " is longer than any can be");
    if (size > left_.size()) Refuse(std::string("it ends inside ") + name);
    const ByteView field = left_.first(size);
    left_ = left_.subspan(size);
    return field;
  }

 private:
  ByteView left_;
};

void AppendField(Buffer& out, ByteView field) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<uint8_t>(field.size() >> shift));
  }
  out.insert(out.end(), field.begin(), field.end());
}

ByteView BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Well-formed UTF-8, RFC 3629: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<uint8_t>(text[at]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || at + length > text.size()) return false;
    for (size_t i = 1; i < length; ++i) {
      if ((static_cast<uint8_t>(text[at + i]) & 0xc0) != 0x80) return false;
    }
    if (length > 2) {
      const auto next = static_cast<uint8_t>(text[at + 1]);
      if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ||
          (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f)) {
        return false;
      }
    }
    at += length;
  }
  return true;
}

// What is wrong with a name, or null.
const char* NameProblem(std::string_view name, bool machine) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxKeyName) return "is too long";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL";
  if (name.find('\\') != std::string_view::npos) return "holds a backslash";
  if (!IsUtf8(name)) return "is not UTF-8";
  if (machine && name.starts_with(kOwnPrefix)) {
    return "begins with node-tpm2-ak-, which is kept for the random names of users' keys";
  }
  return nullptr;
}

// What is wrong with the four structures, or an empty string. All of them are parsed to the end,
// and the signature has to hold.
std::string Problem(const KeyBlob& blob) {
  try {
    const auto area = FromBytes<Public>(blob.public_area, "TPMT_PUBLIC");
    if (area.rsa() == nullptr && area.ecc() == nullptr) return "the key is neither RSA nor ECC";
    constexpr auto kNeeded = ObjectAttributes::kSign | ObjectAttributes::kRestricted |
                             ObjectAttributes::kFixedTpm | ObjectAttributes::kFixedParent;
    if ((area.attributes & kNeeded) != kNeeded ||
        Has(area.attributes, ObjectAttributes::kDecrypt)) {
      return "the key is not a restricted signing key that stays in its TPM";
    }
    crypto::EncodeSpki(crypto::PublicKeyOf(area));
    FromBytes<CreationData>(blob.creation_data, "TPMS_CREATION_DATA");
    const auto attest = FromBytes<Attest>(blob.attest, "TPMS_ATTEST");
    const auto* creation = attest.attested.get_if<StructureTag::kAttestCreation>();
    if (attest.magic != kTpmGenerated || creation == nullptr) {
      return "the statement is not a TPM's about a creation";
    }
    const Buffer name = ToBuffer(crypto::NameOf(area).view());
    if (creation->object_name.octets() != name) return "the statement is about another key";
    if (creation->creation_hash.octets() != crypto::Digest(area.name_alg, {blob.creation_data})) {
      return "the statement is about another creation";
    }
    const auto signature = FromBytes<Signature>(blob.signature, "TPMT_SIGNATURE");
    const bool rsa = signature.scheme == AlgId::kRsaSsa || signature.scheme == AlgId::kRsaPss;
    if (rsa != (area.rsa() != nullptr) || (!rsa && signature.scheme != AlgId::kEcdsa)) {
      return "the signature is not of the key's kind";
    }
    const AlgId hash = crypto::SignatureHash(signature);
    const Scheme& scheme = area.scheme();
    if (scheme.scheme != AlgId::kNull &&
        (scheme.scheme != signature.scheme || scheme.hash() != hash)) {
      return "the signature is not of the key's scheme";
    }
    if (crypto::DigestSize(hash) == 0) return "the signature's hash is not known";
    // The key signs the statement about itself, so what nobody else looks at (signer, clock,
    // firmware) is as it was made.
    const EccCurve curve = rsa ? EccCurve::kNone : area.ecc()->curve;
    if (!crypto::VerifyDigest(crypto::PublicKeyOf(area), signature.scheme, hash,
                              crypto::Digest(hash, {blob.attest}),
                              crypto::RawSignature(signature, curve))) {
      return "the signature is not the key's under this statement";
    }
  } catch (const Error& error) {
    return error.message;
  }
  return {};
}

constexpr uint32_t kRsaPublic = 0x31415352;    // BCRYPT_RSAPUBLIC_MAGIC, "RSA1"
constexpr uint32_t kEcdhPublic = 0x314b4345;   // BCRYPT_ECDH_PUBLIC_P256_MAGIC, "ECK1"
constexpr uint32_t kEcdsaPublic = 0x31534345;  // BCRYPT_ECDSA_PUBLIC_P256_MAGIC, "ECS1"

[[noreturn]] void RefusePublic(const char* why) {
  throw Error(ErrorCode::kMarshallingError, std::string("Windows' public key: ") + why);
}

// Magic, bits, octets of exponent, of modulus and of two primes, which only private keys have.
crypto::PublicKey ParseRsaBlob(ByteView bytes) {
  constexpr size_t kHead = 24;
  if (bytes.size() < kHead) RefusePublic("it ends inside its head");
  const size_t bits = LittleEndian(bytes.subspan(4)),
               exponent_size = LittleEndian(bytes.subspan(8));
  const size_t modulus_size = LittleEndian(bytes.subspan(12));
  if (exponent_size == 0 || exponent_size > 4) RefusePublic("no such exponent is in use");
  if (modulus_size < 128 || modulus_size > 512 || bits != 8 * modulus_size) {
    RefusePublic("the modulus is of no known size");
  }
  if (LittleEndian(bytes.subspan(16)) != 0 || LittleEndian(bytes.subspan(20)) != 0 ||
      bytes.size() != kHead + exponent_size + modulus_size) {
    RefusePublic("its sizes do not add up");
  }
  crypto::RsaPublicKey key;
  key.exponent = 0;
  for (uint8_t octet : bytes.subspan(kHead, exponent_size))
    key.exponent = key.exponent << 8 | octet;
  key.modulus = ToBuffer(bytes.subspan(kHead + exponent_size));
  if (key.exponent < 3 || key.exponent % 2 == 0) RefusePublic("no such exponent is in use");
  if ((key.modulus.front() & 0x80) == 0) RefusePublic("the modulus is not as long as it says");
  return key;
}

// Magic, octets of a coordinate, x and y.
crypto::PublicKey ParseEccBlob(ByteView bytes) {
  constexpr size_t kHead = 8, kCoordinate = 32;
  if (bytes.size() != kHead + 2 * kCoordinate || LittleEndian(bytes.subspan(4)) != kCoordinate) {
    RefusePublic("its sizes do not add up");
  }
  return crypto::EccPublicKey{EccCurve::kNistP256, ToBuffer(bytes.subspan(kHead, kCoordinate)),
                              ToBuffer(bytes.subspan(kHead + kCoordinate))};
}

}  // namespace

crypto::PublicKey ParsePublicBlob(ByteView bytes) {
  if (bytes.size() < 8) RefusePublic("it ends inside its head");
  const uint32_t magic = LittleEndian(bytes);
  const bool rsa = magic == kRsaPublic;
  if (!rsa && magic != kEcdhPublic && magic != kEcdsaPublic) RefusePublic("it is of no known kind");
  crypto::PublicKey key = rsa ? ParseRsaBlob(bytes) : ParseEccBlob(bytes);
  try {
    crypto::DecodeSpki(crypto::EncodeSpki(key));
  } catch (const Error&) {
    RefusePublic(rsa ? "the modulus is none" : "the point is not on its curve");
  }
  return key;
}

bool IsKeyBlob(ByteView bytes) {
  return StartsWith(bytes, kMagicUser) || StartsWith(bytes, kMagicMachine);
}

Buffer Encode(const KeyBlob& blob) {
  Buffer out = ToBuffer(BytesOf(blob.machine ? kMagicMachine : kMagicUser));
  AppendField(out, BytesOf(blob.key_name));
  for (const Buffer* field :
       {&blob.public_area, &blob.creation_data, &blob.attest, &blob.signature}) {
    AppendField(out, *field);
  }
  return out;
}

KeyBlob Decode(ByteView bytes) {
  if (!IsKeyBlob(bytes)) Refuse("it does not begin with PCP1 or PCP2");
  KeyBlob blob;
  blob.machine = StartsWith(bytes, kMagicMachine);
  FieldReader reader(bytes.subspan(kMagicUser.size()));
  const ByteView name = reader.Next("the key name", kMaxKeyName);
  blob.key_name.assign(name.begin(), name.end());
  blob.public_area = ToBuffer(reader.Next("the public area", kMaxField));
  blob.creation_data = ToBuffer(reader.Next("the creation data", kMaxField));
  blob.attest = ToBuffer(reader.Next("the attestation", kMaxField));
  blob.signature = ToBuffer(reader.Next("the signature", kMaxField));
  if (const char* problem = NameProblem(blob.key_name, blob.machine)) {
    Refuse(std::string("the key name ") + problem);
  }
  if (const std::string problem = Problem(blob); !problem.empty()) Refuse(problem);
  return blob;
}

KeyBlob FromIdBinding(ByteView binding, bool machine, std::string key_name) {
  if (StartsWith(binding, std::string_view("\x01\x01\0\0", 4))) {
    throw Error(ErrorCode::kNotSupported, "Windows has made a TPM 1.2 identity key",
                "Only a TPM 2.0 is supported; a TPM 1.2 can often be switched in the firmware.");
  }
  KeyBlob blob;
  blob.machine = machine;
  blob.key_name = std::move(key_name);
  Reader reader(binding);
  for (Buffer* part : {&blob.public_area, &blob.creation_data, &blob.attest}) {
    *part = ToBuffer(reader.Raw(reader.Integer<uint16_t>()));
  }
  blob.signature = ToBuffer(reader.Raw(reader.remaining()));
  std::string problem = reader.ok() ? Problem(blob) : "it ends too early";
  if (!problem.empty()) {
    throw Error(ErrorCode::kIntegrity, "Windows' statement about the new key: " + problem,
                "Something between this program and the TPM may have altered it.");
  }
  return blob;
}

Public PublicAreaOf(const KeyBlob& blob) {
  return FromBytes<Public>(blob.public_area, "TPMT_PUBLIC");
}

std::string ChooseKeyName(const std::optional<std::string>& wanted, bool machine) {
  if (!wanted && machine) {
    throw Error(ErrorCode::kInvalidArgument,
                "keyName: expected a stable name, since scope is 'machine'",
                "Choose one with your product's prefix, such as 'my-app-device-ak'.");
  }
  if (wanted) {
    if (const char* problem = NameProblem(*wanted, machine)) {
      throw Error(ErrorCode::kInvalidArgument, std::string("keyName: it ") + problem);
    }
    return *wanted;
  }
  std::array<uint8_t, 32> random;
  crypto::Random(random);
  return std::string(kOwnPrefix) + HexOctets(random);
}

}  // namespace tpm2::pcp

namespace tpm2 {

op::ProviderBlobInfo Run(const op::ParseProviderBlob& request) {
  if (!request.blob.private_area.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "blob.private: a Platform Crypto Provider key's is empty");
  }
  const pcp::KeyBlob blob = pcp::Decode(request.blob.public_area);
  const Public area = pcp::PublicAreaOf(blob);
  op::ProviderBlobInfo info;
  info.type = AlgorithmName(area.type);
  info.sign = true;
  info.restricted = true;
  info.scheme = AlgorithmName(area.scheme().scheme);
  info.hash = AlgorithmName(area.scheme().hash());
  info.name = ToBuffer(crypto::NameOf(area).view());
  info.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(area));
  info.key_name = blob.key_name;
  info.machine = blob.machine;
  return info;
}

}  // namespace tpm2
