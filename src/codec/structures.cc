// The few structures whose form a list of fields cannot say.
#include "tpm2/structures/basic.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

size_t DigestSizeOf(AlgId hash) {
  switch (hash) {
    case AlgId::kSha1:
      return 20;
    case AlgId::kSha256:
    case AlgId::kSm3_256:
    case AlgId::kSha3_256:
      return 32;
    case AlgId::kSha384:
    case AlgId::kSha3_384:
      return 48;
    case AlgId::kSha512:
    case AlgId::kSha3_512:
      return 64;
    default:
      return 0;
  }
}

void HashValue::Marshal(Writer& writer) const {
  if (hash != AlgId::kNull && digest.size() != DigestSizeOf(hash)) {
    return writer.Fail(CodecFault::kBadValue);
  }
  tpm2::Marshal(writer, hash);
  if (hash != AlgId::kNull) writer.Raw(digest);
}

void HashValue::Unmarshal(Reader& reader) {
  tpm2::Unmarshal(reader, hash);
  digest.clear();
  if (hash == AlgId::kNull) return;
  size_t size = DigestSizeOf(hash);
  if (size == 0) return reader.Fail(CodecFault::kBadSelector);
  digest = ToBuffer(reader.Raw(size));
}

namespace {
bool IsBlockCipher(AlgId algorithm) {
  return algorithm == AlgId::kAes || algorithm == AlgId::kSm4 || algorithm == AlgId::kCamellia ||
         algorithm == AlgId::kTdes;
}
}  // namespace

void SymDef::Marshal(Writer& writer) const {
  tpm2::Marshal(writer, algorithm);
  if (algorithm == AlgId::kNull) return;
  if (algorithm != AlgId::kXor && !IsBlockCipher(algorithm)) {
    return writer.Fail(CodecFault::kBadSelector);
  }
  tpm2::Marshal(writer, key_bits);
  if (algorithm != AlgId::kXor) tpm2::Marshal(writer, mode);
}

void SymDef::Unmarshal(Reader& reader) {
  *this = SymDef();
  tpm2::Unmarshal(reader, algorithm);
  if (algorithm == AlgId::kNull || !reader.ok()) return;
  if (algorithm != AlgId::kXor && !IsBlockCipher(algorithm)) {
    return reader.Fail(CodecFault::kBadSelector);
  }
  tpm2::Unmarshal(reader, key_bits);
  if (algorithm != AlgId::kXor) tpm2::Unmarshal(reader, mode);
}

AlgId Scheme::hash() const {
  switch (scheme) {
    case AlgId::kRsaSsa:
      return details.get_if<AlgId::kRsaSsa>()->hash;
    case AlgId::kRsaPss:
      return details.get_if<AlgId::kRsaPss>()->hash;
    case AlgId::kEcdsa:
      return details.get_if<AlgId::kEcdsa>()->hash;
    case AlgId::kOaep:
      return details.get_if<AlgId::kOaep>()->hash;
    case AlgId::kEcdh:
      return details.get_if<AlgId::kEcdh>()->hash;
    default:
      return AlgId::kNull;
  }
}

}  // namespace tpm2
