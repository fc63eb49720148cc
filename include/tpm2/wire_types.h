// Building blocks of declarations: sized byte strings, sized structures, lists and unions.
#ifndef TPM2_WIRE_TYPES_H_
#define TPM2_WIRE_TYPES_H_

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <variant>
#include <vector>

#include "tpm2/codec.h"

namespace tpm2 {

// TPM2B_*: a u16 size and at most kMax octets. With SecretBytes as storage it is wiped when it
// dies and shown as its length only.
template <size_t kMax, typename Storage>
class SizedOctets {
 public:
  static constexpr bool kIsTpm2b = true;
  static constexpr bool kIsSecret = std::same_as<Storage, SecretBytes>;
  static constexpr size_t kMaxSize = kMax;

  SizedOctets() = default;
  SizedOctets(ByteView bytes)  // NOLINT(google-explicit-constructor): a field takes any bytes
      : octets_(bytes.begin(), bytes.end()) {}
  SizedOctets(const Buffer& bytes)  // NOLINT(google-explicit-constructor)
      : octets_(bytes.begin(), bytes.end()) {}
  SizedOctets(std::initializer_list<uint8_t> bytes) : octets_(bytes) {}
  SizedOctets(Storage&& bytes)  // NOLINT(google-explicit-constructor)
      : octets_(std::move(bytes)) {}

  operator ByteView() const& { return octets_; }  // NOLINT(google-explicit-constructor)
  ByteView view() const& { return octets_; }
  // A view into a response that is gone already would show what the heap holds by then.
  operator ByteView() const&& = delete;
  ByteView view() const&& = delete;
  const Storage& octets() const { return octets_; }
  Storage& octets() { return octets_; }
  Storage Take() { return std::move(octets_); }
  size_t size() const { return octets_.size(); }
  bool empty() const { return octets_.empty(); }
  bool operator==(const SizedOctets&) const = default;

  void Marshal(Writer& writer) const {
    if (octets_.size() > kMax) return writer.Fail(CodecFault::kTooLong);
    writer.Integer(static_cast<uint16_t>(octets_.size()));
    writer.Raw(octets_);
  }
  void Unmarshal(Reader& reader) {
    uint16_t size = reader.Integer<uint16_t>();
    if (size > kMax) return reader.Fail(CodecFault::kTooLong);
    ByteView bytes = reader.Raw(size);
    octets_.assign(bytes.begin(), bytes.end());
  }

 private:
  Storage octets_;
};
template <size_t kMax>
using Bytes = SizedOctets<kMax, Buffer>;
template <size_t kMax>
using Secret = SizedOctets<kMax, SecretBytes>;

// TPMS_PCR_SELECT's form: a u8 size and at most kMax octets.
template <size_t kMax>
class ShortOctets {
 public:
  ShortOctets() = default;
  ShortOctets(std::initializer_list<uint8_t> bytes) : octets_(bytes) {}
  const Buffer& octets() const { return octets_; }
  Buffer& octets() { return octets_; }
  bool operator==(const ShortOctets&) const = default;

  void Marshal(Writer& writer) const {
    if (octets_.size() > kMax) return writer.Fail(CodecFault::kTooLong);
    writer.Integer(static_cast<uint8_t>(octets_.size()));
    writer.Raw(octets_);
  }
  void Unmarshal(Reader& reader) {
    uint8_t size = reader.Integer<uint8_t>();
    if (size > kMax) return reader.Fail(CodecFault::kTooLong);
    octets_ = ToBuffer(reader.Raw(size));
  }

 private:
  Buffer octets_;
};

// TPM2B_X around a structure TPMx_X. The structure fills the size exactly.
template <typename T>
struct Sized {
  static constexpr bool kIsTpm2b = true;
  T value{};

  T* operator->() { return &value; }
  const T* operator->() const { return &value; }
  T& operator*() { return value; }
  const T& operator*() const { return value; }

  void Marshal(Writer& writer) const {
    size_t at = writer.size();
    writer.Integer<uint16_t>(0);
    tpm2::Marshal(writer, value);
    writer.PatchSize16(at);
  }
  void Unmarshal(Reader& reader) {
    uint16_t size = reader.Integer<uint16_t>();
    reader.Within(size, Body{reader, value});
  }

 private:
  struct Body {
    Reader& reader;
    T& value;
    void operator()() { tpm2::Unmarshal(reader, value); }
  };
};

// TPML_*: a u32 count and at most kMax items. The count is checked before anything is allocated.
template <typename T, size_t kMax>
struct List {
  std::vector<T> items;

  void Marshal(Writer& writer) const {
    if (items.size() > kMax) return writer.Fail(CodecFault::kTooLong);
    writer.Integer(static_cast<uint32_t>(items.size()));
    for (const T& item : items) tpm2::Marshal(writer, item);
  }
  void Unmarshal(Reader& reader) {
    uint32_t count = reader.Integer<uint32_t>();
    if (count > kMax) return reader.Fail(CodecFault::kTooLong);
    if (reader.ok() && count > reader.remaining()) return reader.Fail(CodecFault::kTruncated);
    items.clear();
    items.reserve(reader.ok() ? count : 0);
    for (uint32_t i = 0; i < count && reader.ok(); ++i) {
      tpm2::Unmarshal(reader, items.emplace_back());
    }
  }
};

struct Empty {
  static constexpr auto Fields() { return Declare<Empty>(); }
  bool operator==(const Empty&) const = default;
};

// One arm of a union: the selector's value and the arm's type.
template <auto kSelectorValue, typename T>
struct Case {
  static constexpr auto kSelector = kSelectorValue;
  using Type = T;
};

// TPMU_*: which arm is on the wire is said by a selector elsewhere. Arms may share a type, so they
// are kept by position.
template <typename... Cases>
class Union {
 public:
  template <auto kSelector>
  auto& emplace() {
    return arms_.template emplace<IndexOf<kSelector>() + 1>();
  }
  // The arm must be the one that was emplaced or read; null otherwise.
  template <auto kSelector>
  auto* get_if() {
    return std::get_if<IndexOf<kSelector>() + 1>(&arms_);
  }
  template <auto kSelector>
  const auto* get_if() const {
    return std::get_if<IndexOf<kSelector>() + 1>(&arms_);
  }

  void MarshalArm(Writer& writer, uint32_t selector) const { MarshalAt<0>(writer, selector); }
  void UnmarshalArm(Reader& reader, uint32_t selector) { UnmarshalAt<0>(reader, selector); }
  // Calls visitor(arm) for the arm that is held, if any.
  template <typename Visitor>
  void Visit(Visitor& visitor) const {
    VisitAt<0>(visitor);
  }

 private:
  template <size_t kIndex>
  using CaseAt = std::tuple_element_t<kIndex, std::tuple<Cases...>>;

  template <auto kSelector, size_t kIndex = 0>
  static constexpr size_t IndexOf() {
    static_assert(kIndex < sizeof...(Cases), "no arm for this selector");
    if constexpr (static_cast<uint32_t>(CaseAt<kIndex>::kSelector) ==
                  static_cast<uint32_t>(kSelector)) {
      return kIndex;
    } else {
      return IndexOf<kSelector, kIndex + 1>();
    }
  }
  template <size_t kIndex>
  void MarshalAt(Writer& writer, uint32_t selector) const {
    if constexpr (kIndex == sizeof...(Cases)) {
      writer.Fail(CodecFault::kBadSelector);
    } else {
      if (static_cast<uint32_t>(CaseAt<kIndex>::kSelector) != selector) {
        return MarshalAt<kIndex + 1>(writer, selector);
      }
      using Type = typename CaseAt<kIndex>::Type;
      if (const auto* arm = std::get_if<kIndex + 1>(&arms_)) {
        tpm2::Marshal(writer, *arm);
      } else if (!std::same_as<Type, Empty>) {
        writer.Fail(CodecFault::kBadSelector);
      }
    }
  }
  template <size_t kIndex>
  void UnmarshalAt(Reader& reader, uint32_t selector) {
    if constexpr (kIndex == sizeof...(Cases)) {
      reader.Fail(CodecFault::kBadSelector);
    } else if (static_cast<uint32_t>(CaseAt<kIndex>::kSelector) == selector) {
      tpm2::Unmarshal(reader, arms_.template emplace<kIndex + 1>());
    } else {
      UnmarshalAt<kIndex + 1>(reader, selector);
    }
  }
  template <size_t kIndex, typename Visitor>
  void VisitAt(Visitor& visitor) const {
    if constexpr (kIndex < sizeof...(Cases)) {
      if (const auto* arm = std::get_if<kIndex + 1>(&arms_)) {
        visitor(*arm);
      } else {
        VisitAt<kIndex + 1>(visitor);
      }
    }
  }

  std::variant<std::monostate, typename Cases::Type...> arms_;
};

template <typename T>
concept Tpm2b = requires {
  requires T::kIsTpm2b;
};

}  // namespace tpm2

#endif  // TPM2_WIRE_TYPES_H_
