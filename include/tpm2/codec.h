// The TPM wire format, derived from declarations.
//
// A structure is an aggregate with `static constexpr auto Fields()` that names every member once:
//
//   struct ClockInfo {  // TPMS_CLOCK_INFO, Part 2 10.11.1
//     uint64_t clock = 0; ...
//     static constexpr auto Fields() {
//       return Declare<ClockInfo>(F<&ClockInfo::clock>("clock"), ...);
//     }
//   };
//
// From that follow Marshal, Unmarshal, the path in an error message and the text in a trace. For
// everything that Unmarshal accepts, Marshal gives the same bytes again, so a Name may be computed
// over what was re-marshalled (the fuzzers hold the codec to this).
#ifndef TPM2_CODEC_H_
#define TPM2_CODEC_H_

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tpm2/bytes.h"
#include "tpm2/error.h"

namespace tpm2 {

enum class CodecFault : uint8_t {
  kNone,
  kTruncated,    // the bytes end inside a field
  kTooLong,      // a size or a count over the field's limit
  kTrailing,     // bytes left inside a sized structure, or behind the whole
  kBadSelector,  // no arm of the union belongs to the selector
  kBadValue,     // a value that the type does not have
  kOverflow,     // Writer: the output buffer is full
};
std::string_view FaultText(CodecFault fault);

// The names of the fields that are being read or written, innermost last.
class FieldPath {
 public:
  void Push(const char* name) {
    if (depth_ < kMaxDepth) names_[depth_] = name;
    ++depth_;
  }
  void Pop() { --depth_; }
  std::string ToString() const;

 private:
  static constexpr size_t kMaxDepth = 16;
  std::array<const char*, kMaxDepth> names_{};
  size_t depth_ = 0;
};

// Sticky error shared by Reader and Writer: the first fault is kept with the path at that moment.
class CodecStatus {
 public:
  bool ok() const { return fault_ == CodecFault::kNone; }
  CodecFault fault() const { return fault_; }
  void Fail(CodecFault fault) {
    if (!ok()) return;
    fault_ = fault;
    failed_at_ = path_;
  }
  void Enter(const char* name) { path_.Push(name); }
  void Leave() { path_.Pop(); }
  // "parameters.curveID: the bytes end inside this field"
  std::string FailureText() const;

 private:
  CodecFault fault_ = CodecFault::kNone;
  FieldPath path_;
  FieldPath failed_at_;
};

// Appends to a buffer of fixed size. One bounds check: Reserve().
class Writer : public CodecStatus {
 public:
  explicit Writer(MutableBytes out) : out_(out) {}

  template <std::unsigned_integral T>
  void Integer(T value) {
    uint8_t* at = Reserve(sizeof(T));
    if (at == nullptr) return;
    for (size_t i = sizeof(T); i-- > 0; value = static_cast<T>(Shift8(value))) {
      at[i] = static_cast<uint8_t>(value);
    }
  }
  void Raw(ByteView bytes) {
    uint8_t* at = Reserve(bytes.size());
    if (at != nullptr && !bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  }
  // Overwrites a u16 that was written at `position` with the count of bytes behind it.
  void PatchSize16(size_t position);
  // The same for a u32, and for the command's own size, which counts from the start.
  void PatchSize32(size_t position);
  void PatchTotalSize(size_t position);

  size_t size() const { return size_; }
  ByteView written() const { return out_.first(size_); }

 private:
  template <typename T>
  static constexpr uint64_t Shift8(T value) {
    return static_cast<uint64_t>(value) >> 8;
  }
  uint8_t* Reserve(size_t count);
  void Patch32(size_t position, size_t value);

  MutableBytes out_;
  size_t size_ = 0;
};

// Walks over bytes that it does not own. One bounds check: Take().
class Reader : public CodecStatus {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  template <std::unsigned_integral T>
  T Integer() {
    const uint8_t* at = Take(sizeof(T));
    T value = 0;
    if (at == nullptr) return value;
    for (size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>((static_cast<uint64_t>(value) << 8) | at[i]);
    }
    return value;
  }
  // Empty after a fault.
  ByteView Raw(size_t count) {
    const uint8_t* at = Take(count);
    return at == nullptr ? ByteView() : ByteView(at, count);
  }
  size_t remaining() const { return in_.size() - position_; }
  size_t position() const { return position_; }

  // Runs `body` with the next `count` bytes as the whole input; they must be consumed to the end.
  template <typename Body>
  void Within(size_t count, Body body) {
    if (ok() && count > remaining()) Fail(CodecFault::kTruncated);
    if (!ok()) return;
    ByteView outer = in_;
    in_ = in_.first(position_ + count);
    body();
    if (ok() && remaining() != 0) Fail(CodecFault::kTrailing);
    in_ = outer;
  }
  void ExpectEnd() {
    if (remaining() != 0) Fail(CodecFault::kTrailing);
  }

 private:
  const uint8_t* Take(size_t count) {
    if (!ok()) return nullptr;
    if (count > remaining()) {
      Fail(CodecFault::kTruncated);
      return nullptr;
    }
    const uint8_t* at = in_.data() + position_;
    position_ += count;
    return at;
  }

  ByteView in_;
  size_t position_ = 0;
};

// --- Declarations ------------------------------------------------------------------------------

template <auto kMemberPointer, auto kSelectorPointer>
struct FieldDescriptor {
  static constexpr auto kMember = kMemberPointer;
  static constexpr auto kSelector = kSelectorPointer;
  static constexpr bool kHasSelector = !std::is_same_v<decltype(kSelectorPointer), std::nullptr_t>;
  const char* name;
};

// A member; for a union, the member that selects its arm comes second.
template <auto kMember, auto kSelector = nullptr>
constexpr auto F(const char* name) {
  return FieldDescriptor<kMember, kSelector>{name};
}

namespace internal {
struct Anything {
  template <typename T>
  operator T() const noexcept;  // NOLINT(google-explicit-constructor): counts members
};
template <typename T, typename... Args>
concept BraceConstructible = requires {
  T{std::declval<Args>()...};
};
template <typename T, typename... Args>
constexpr size_t MemberCount() {
  if constexpr (BraceConstructible<T, Args..., Anything>) {
    return MemberCount<T, Args..., Anything>();
  } else {
    return sizeof...(Args);
  }
}
}  // namespace internal

// The list of a structure's fields; does not compile when a member was left out.
template <typename T, typename... Descriptors>
constexpr auto Declare(Descriptors... descriptors) {
  static_assert(internal::MemberCount<T>() == sizeof...(Descriptors),
                "every member needs exactly one field");
  return std::tuple<Descriptors...>(descriptors...);
}

template <typename T>
concept Declared = requires {
  T::Fields();
};

template <typename T>
concept SelfCoded = requires(const T& value, T& target, Writer& writer, Reader& reader) {
  value.Marshal(writer);
  target.Unmarshal(reader);
};

namespace internal {
template <typename T>
concept WireInteger = std::integral<T> && !std::same_as<T, bool>;
template <typename T>
concept WireEnum = std::is_enum_v<T>;

template <typename Tuple, typename Visitor, size_t... kIndex>
constexpr void VisitFields(const Tuple& fields, Visitor& visitor, std::index_sequence<kIndex...>) {
  (visitor(std::get<kIndex>(fields)), ...);
}
}  // namespace internal

// Calls visitor(descriptor) for each field in order.
template <typename T, typename Visitor>
constexpr void ForEachField(Visitor& visitor) {
  constexpr auto kFields = T::Fields();
  internal::VisitFields(kFields, visitor,
                        std::make_index_sequence<std::tuple_size_v<decltype(kFields)>>());
}

template <typename T>
void Marshal(Writer& writer, const T& value);
template <typename T>
void Unmarshal(Reader& reader, T& value);

namespace internal {
template <typename T>
struct FieldWriter {
  Writer& writer;
  const T& structure;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    writer.Enter(field.name);
    if constexpr (Descriptor::kHasSelector) {
      (structure.*Descriptor::kMember)
          .MarshalArm(writer, static_cast<uint32_t>(structure.*Descriptor::kSelector));
    } else {
      tpm2::Marshal(writer, structure.*Descriptor::kMember);
    }
    writer.Leave();
  }
};
template <typename T>
struct FieldReader {
  Reader& reader;
  T& structure;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    if (!reader.ok()) return;
    reader.Enter(field.name);
    if constexpr (Descriptor::kHasSelector) {
      (structure.*Descriptor::kMember)
          .UnmarshalArm(reader, static_cast<uint32_t>(structure.*Descriptor::kSelector));
    } else {
      tpm2::Unmarshal(reader, structure.*Descriptor::kMember);
    }
    reader.Leave();
  }
};
}  // namespace internal

template <typename T>
void Marshal(Writer& writer, const T& value) {
  if constexpr (std::same_as<T, bool>) {  // TPMI_YES_NO
    writer.Integer<uint8_t>(value ? 1 : 0);
  } else if constexpr (internal::WireInteger<T>) {
    writer.Integer(static_cast<std::make_unsigned_t<T>>(value));
  } else if constexpr (internal::WireEnum<T>) {
    writer.Integer(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (SelfCoded<T>) {
    value.Marshal(writer);
  } else {
    static_assert(Declared<T>, "a wire type is an integer, an enumeration or declares Fields()");
    internal::FieldWriter<T> visitor{writer, value};
    ForEachField<T>(visitor);
  }
}

template <typename T>
void Unmarshal(Reader& reader, T& value) {
  if constexpr (std::same_as<T, bool>) {
    uint8_t octet = reader.Integer<uint8_t>();
    if (octet > 1) reader.Fail(CodecFault::kBadValue);
    value = octet == 1;
  } else if constexpr (internal::WireInteger<T>) {
    value = static_cast<T>(reader.Integer<std::make_unsigned_t<T>>());
  } else if constexpr (internal::WireEnum<T>) {
    value = static_cast<T>(reader.Integer<std::underlying_type_t<T>>());
  } else if constexpr (SelfCoded<T>) {
    value.Unmarshal(reader);
  } else {
    static_assert(Declared<T>, "a wire type is an integer, an enumeration or declares Fields()");
    internal::FieldReader<T> visitor{reader, value};
    ForEachField<T>(visitor);
  }
}

// --- Whole structures --------------------------------------------------------------------------

// Throws MARSHALLING_ERROR that names the structure and the field.
[[noreturn]] void ThrowCodecError(std::string_view what, const CodecStatus& status);

// The bytes of one structure. `what` names it in the error.
template <typename T>
Buffer ToBytes(const T& value, std::string_view what = "structure") {
  std::array<uint8_t, 4096> buffer;
  Writer writer(buffer);
  Marshal(writer, value);
  if (!writer.ok()) ThrowCodecError(what, writer);
  return ToBuffer(writer.written());
}

// One structure that fills `bytes` to the end.
template <typename T>
T FromBytes(ByteView bytes, std::string_view what = "structure") {
  Reader reader(bytes);
  T value{};
  Unmarshal(reader, value);
  if (reader.ok()) reader.ExpectEnd();
  if (!reader.ok()) ThrowCodecError(what, reader);
  return value;
}

}  // namespace tpm2

#endif  // TPM2_CODEC_H_
