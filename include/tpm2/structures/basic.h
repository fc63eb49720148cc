// TPM 2.0 Part 2: names, handles, PCR selections, tickets, symmetric definitions.
#ifndef TPM2_STRUCTURES_BASIC_H_
#define TPM2_STRUCTURES_BASIC_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "tpm2/constants.h"
#include "tpm2/wire_types.h"

namespace tpm2 {

inline constexpr size_t kMaxDigestSize = 64;                // SHA-512
inline constexpr size_t kMaxNameSize = 2 + kMaxDigestSize;  // Part 2 10.5.2

using Digest = Bytes<kMaxDigestSize>;         // TPM2B_DIGEST, Part 2 10.4.2
using SecretDigest = Secret<kMaxDigestSize>;  // a TPM2B_DIGEST that carries a secret
using Nonce = Bytes<kMaxDigestSize>;          // TPM2B_NONCE, Part 2 10.4.4
using Auth = Secret<kMaxDigestSize>;          // TPM2B_AUTH, Part 2 10.4.5
using Data = Bytes<kMaxNameSize>;             // TPM2B_DATA, Part 2 10.4.3
using NameBytes = Bytes<kMaxNameSize>;        // TPM2B_NAME, Part 2 10.5.3
using EncryptedSecret = Bytes<512>;           // TPM2B_ENCRYPTED_SECRET, Part 2 11.4.3
using Timeout = Bytes<8>;                     // TPM2B_TIMEOUT, Part 2 10.4.10

// The Name of an entity, Part 1 16: what cpHash binds a command to. Without allocation, since
// every handle of every command carries one.
class Name {
 public:
  Name() = default;
  explicit Name(ByteView bytes) : size_(std::min(bytes.size(), bytes_.size())) {
    std::copy_n(bytes.begin(), size_, bytes_.begin());
  }
  // PCRs, sessions and permanent handles are named by the handle itself.
  static Name OfHandle(uint32_t handle) {
    Name name;
    name.size_ = 4;
    for (size_t i = 0; i < 4; ++i) name.bytes_[i] = static_cast<uint8_t>(handle >> (24 - 8 * i));
    return name;
  }
  ByteView view() const { return ByteView(bytes_).first(size_); }
  bool empty() const { return size_ == 0; }
  bool operator==(const Name& other) const {
    return std::equal(view().begin(), view().end(), other.view().begin(), other.view().end());
  }

 private:
  std::array<uint8_t, kMaxNameSize> bytes_{};
  size_t size_ = 0;
};

// A handle together with the Name that belongs to it.
struct Entity {
  uint32_t handle = 0;
  Name name;

  // PCRs, sessions, hierarchies.
  static Entity Of(uint32_t handle) { return {handle, Name::OfHandle(handle)}; }
};

// TPMS_PCR_SELECTION, Part 2 10.6.2: PCR n is bit n%8 of octet n/8.
struct PcrSelection {
  AlgId hash{};
  ShortOctets<32> select;
  static constexpr auto Fields() {
    return Declare<PcrSelection>(F<&PcrSelection::hash>("hash"),
                                 F<&PcrSelection::select>("pcrSelect"));
  }
  bool operator==(const PcrSelection&) const = default;

  bool Contains(uint32_t pcr) const {
    return pcr / 8 < select.octets().size() && (select.octets()[pcr / 8] >> (pcr % 8) & 1) != 0;
  }
  // At least three octets long, as the PC Client profile wants it.
  void Add(uint32_t pcr) {
    if (select.octets().size() < std::max<size_t>(3, pcr / 8 + 1)) {
      select.octets().resize(std::max<size_t>(3, pcr / 8 + 1));
    }
    select.octets()[pcr / 8] |= static_cast<uint8_t>(1u << (pcr % 8));
  }
};
using PcrSelectionList = List<PcrSelection, 16>;  // TPML_PCR_SELECTION, Part 2 10.9.7
using DigestList = List<Digest, 8>;               // TPML_DIGEST, Part 2 10.9.6

// TPMT_HA, Part 2 10.3.2. The digest has no size on the wire: its algorithm says it.
struct HashValue {
  AlgId hash = AlgId::kNull;
  Buffer digest;

  void Marshal(Writer& writer) const;
  void Unmarshal(Reader& reader);
};
using DigestValueList = List<HashValue, 16>;  // TPML_DIGEST_VALUES, Part 2 10.9.8

// Octets of a digest; 0 for what is not a hash that this library knows.
size_t DigestSizeOf(AlgId hash);

// TPMT_TK_CREATION, TPMT_TK_VERIFIED, TPMT_TK_AUTH, TPMT_TK_HASHCHECK, Part 2 10.7.
struct Ticket {
  StructureTag tag{};
  uint32_t hierarchy = 0;
  Digest digest;
  static constexpr auto Fields() {
    return Declare<Ticket>(F<&Ticket::tag>("tag"), F<&Ticket::hierarchy>("hierarchy"),
                           F<&Ticket::digest>("digest"));
  }
};
// The ticket that stands for "no ticket": a digest that was made outside of the TPM.
inline Ticket NullHashCheck() { return {StructureTag::kHashCheck, rh::kNull, {}}; }

// TPMT_SYM_DEF, Part 2 11.1.6, for sessions; and TPMT_SYM_DEF_OBJECT, 11.1.7, for keys (kNull has
// nothing behind it; XOR names a hash and has no mode).
struct SymDef {
  AlgId algorithm = AlgId::kNull;
  uint16_t key_bits = 0;  // XOR: the hash
  AlgId mode = AlgId::kNull;

  void Marshal(Writer& writer) const;
  void Unmarshal(Reader& reader);
  bool operator==(const SymDef&) const = default;

  static SymDef AesCfb(uint16_t bits) { return {AlgId::kAes, bits, AlgId::kCfb}; }
};

// TPMS_CLOCK_INFO, Part 2 10.11.1. Milliseconds.
struct ClockInfo {
  uint64_t clock = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool safe = false;
  static constexpr auto Fields() {
    return Declare<ClockInfo>(
        F<&ClockInfo::clock>("clock"), F<&ClockInfo::reset_count>("resetCount"),
        F<&ClockInfo::restart_count>("restartCount"), F<&ClockInfo::safe>("safe"));
  }
};

// TPMS_TIME_INFO, Part 2 10.11.2. `time` is milliseconds since the TPM's power-on.
struct TimeInfo {
  uint64_t time = 0;
  ClockInfo clock_info;
  static constexpr auto Fields() {
    return Declare<TimeInfo>(F<&TimeInfo::time>("time"), F<&TimeInfo::clock_info>("clockInfo"));
  }
};

}  // namespace tpm2

#endif  // TPM2_STRUCTURES_BASIC_H_
