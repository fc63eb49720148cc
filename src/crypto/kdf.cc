// The key derivation functions of TPM 2.0 Part 1, 11.4.10, over the HMACs and digests of this room.
#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/crypto.h"
#include "tpm2/error.h"

namespace tpm2::crypto {
namespace {

constexpr uint8_t kZero[1] = {0};  // ends a label

std::array<uint8_t, 4> BigEndian(uint32_t value) {
  return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16),
          static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

ByteView Octets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

size_t OctetsFor(uint32_t bits) { return size_t{bits} / 8 + (bits % 8 != 0); }

struct WipedBlock {
  WipedBlock() = default;
  WipedBlock(const WipedBlock&) = delete;
  WipedBlock& operator=(const WipedBlock&) = delete;
  ~WipedBlock() { SecureWipe(octets.data(), octets.size()); }
  std::array<uint8_t, kMaxDigest> octets;
};

// Calls block(counter, buffer) -> size for the counters from 1 on, until `out` is full.
template <typename Block>
void Fill(MutableBytes out, uint32_t bits, const Block& block) {
  WipedBlock last;
  uint32_t counter = 0;
  for (MutableBytes rest = out; !rest.empty();) {
    const size_t size = block(BigEndian(++counter), last.octets);
    const size_t take = std::min(size, rest.size());
    std::memcpy(rest.data(), last.octets.data(), take);
    rest = rest.subspan(take);
  }
  if (bits % 8 != 0) out[0] &= static_cast<uint8_t>((1u << (bits % 8)) - 1);
}

}  // namespace

void KdfAInto(const HmacKey& key, std::string_view label, ByteView context_u, ByteView context_v,
              uint32_t bits, MutableBytes out) {
  if (out.size() != OctetsFor(bits)) {
    throw Error(ErrorCode::kInvalidArgument, "the buffer's length does not match the bits wanted");
  }
  const auto length = BigEndian(bits);
  Fill(out, bits, [&](ByteView counter, MutableBytes block) {
    return key.Into({counter, Octets(label), kZero, context_u, context_v, length}, block);
  });
}

SecretBytes KdfA(AlgId hash, ByteView key, std::string_view label, ByteView context_u,
                 ByteView context_v, uint32_t bits) {
  SecretBytes out(OctetsFor(bits));
  KdfAInto(HmacKey(hash, key), label, context_u, context_v, bits, out);
  return out;
}

SecretBytes KdfE(AlgId hash, ByteView z, std::string_view label, ByteView party_u, ByteView party_v,
                 uint32_t bits) {
  SecretBytes out(OctetsFor(bits));
  Fill(out, bits, [&](ByteView counter, MutableBytes block) {
    return DigestInto(hash, {counter, z, Octets(label), kZero, party_u, party_v}, block);
  });
  return out;
}

}  // namespace tpm2::crypto
