// Random but valid values of any declared type.
#ifndef TPM2_TEST_UNIT_SUPPORT_SAMPLE_H_
#define TPM2_TEST_UNIT_SUPPORT_SAMPLE_H_

#include <algorithm>
#include <random>
#include <vector>

#include "support/wire_type_lists.h"
#include "tpm2/describe.h"

namespace tpm2::testing {

class Sampler {
 public:
  explicit Sampler(uint32_t seed) : engine_(seed) {}

  // 0 .. limit-1
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }

  template <typename T>
  void Fill(T& value) {
    if constexpr (std::same_as<T, bool>) {
      value = Below(2) == 1;
    } else if constexpr (std::integral<T>) {
      value = static_cast<T>(engine_());
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(engine_());
    } else if constexpr (std::same_as<T, HashValue>) {
      static constexpr AlgId kHashes[] = {AlgId::kNull, AlgId::kSha1, AlgId::kSha256,
                                          AlgId::kSha512};
      value.hash = kHashes[Below(4)];
      value.digest.resize(DigestSizeOf(value.hash));
      Scribble(value.digest);
    } else if constexpr (std::same_as<T, SymDef>) {
      static constexpr AlgId kAlgorithms[] = {AlgId::kNull, AlgId::kAes, AlgId::kXor};
      value = SymDef();
      value.algorithm = kAlgorithms[Below(3)];
      if (value.algorithm != AlgId::kNull) Fill(value.key_bits);
      if (value.algorithm == AlgId::kAes) Fill(value.mode);
    } else if constexpr (std::same_as<T, IdObject>) {
      Fill(value.integrity_hmac);
      value.enc_identity.resize(Below(40));
      Scribble(value.enc_identity);
    } else if constexpr (internal::SizedStructure<T>) {
      Fill(value.value);
    } else if constexpr (internal::HasOctets<T>) {
      auto& octets = value.octets();
      octets.resize(Below(std::min<uint32_t>(40, LimitOf<T>()) + 1));
      Scribble(octets);
    } else if constexpr (internal::HasItems<T>) {
      value.items.resize(Below(4));
      for (auto& item : value.items) Fill(item);
    } else {
      FieldFiller<T> visitor{*this, value};
      ForEachField<T>(visitor);
    }
  }

 private:
  template <typename T>
  static constexpr uint32_t LimitOf() {
    if constexpr (requires { T::kMaxSize; }) {
      return static_cast<uint32_t>(T::kMaxSize);
    } else {
      return 32;
    }
  }
  template <typename Octets>
  void Scribble(Octets& octets) {
    for (auto& octet : octets) octet = static_cast<uint8_t>(engine_());
  }

  struct ArmFiller {
    Sampler& sampler;
    template <typename T>
    void operator()(const T& arm) {
      sampler.Fill(const_cast<T&>(arm));  // Visit() is const; the union itself is not
    }
  };
  template <typename T>
  struct FieldFiller {
    Sampler& sampler;
    T& value;
    template <typename Descriptor>
    void operator()(const Descriptor&) {
      using Type = internal::FieldType<Descriptor>;
      if constexpr (Descriptor::kHasSelector) {
        auto& selector = value.*Descriptor::kSelector;
        auto& arms = value.*Descriptor::kMember;
        while (!Choose(arms, static_cast<uint32_t>(selector))) {
          selector = static_cast<std::remove_reference_t<decltype(selector)>>(Candidate());
        }
        ArmFiller filler{sampler};
        arms.Visit(filler);
      } else if constexpr (!kIsCommandHandle<Type> && !std::same_as<Type, NewHandle>) {
        sampler.Fill(value.*Descriptor::kMember);
      }
    }
    // Algorithms and capabilities are below 0x50, attestation tags are 0x8014 to 0x801c.
    uint32_t Candidate() {
      return sampler.Below(2) == 0 ? sampler.Below(0x50) : 0x8014 + sampler.Below(9);
    }
    template <typename Arms>
    static bool Choose(Arms& arms, uint32_t selector) {
      Reader nothing{ByteView()};
      arms.UnmarshalArm(nothing, selector);
      return nothing.fault() != CodecFault::kBadSelector;
    }
  };

  std::mt19937 engine_;
};

template <typename T>
T Sample(uint32_t seed) {
  T value{};
  Sampler(seed).Fill(value);
  return value;
}

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_SAMPLE_H_
