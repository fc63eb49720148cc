// Declared structures as one line of text, for traces. Secrets show their length only.
#ifndef TPM2_DESCRIBE_H_
#define TPM2_DESCRIBE_H_

#include <string>
#include <string_view>

#include "tpm2/command.h"

namespace tpm2 {

// Builds "name=value, name={...}"; the low-level pieces are in src/codec/describe.cc.
class Describer {
 public:
  template <typename T>
  void Value(const T& value);
  std::string Take() { return std::move(text_); }

  void Number(uint64_t value);
  void Hexadecimal(uint64_t value, int digits);
  void Octets(ByteView bytes);
  void SecretOctets(size_t count);
  void Algorithm(AlgId algorithm);
  void Text(std::string_view text) { text_ += text; }
  void Separator() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_ += ", ";
  }

 private:
  std::string text_;
};

namespace internal {
template <typename T>
struct FieldDescriber {
  Describer& out;
  const T& structure;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    out.Separator();
    out.Text(field.name);
    out.Text("=");
    out.Value(structure.*Descriptor::kMember);
  }
};
struct ArmDescriber {
  Describer& out;
  template <typename T>
  void operator()(const T& arm) {
    out.Value(arm);
  }
};
template <typename T>
concept SizedStructure = requires(const T& value) {
  requires T::kIsTpm2b;
  value.value;
};
template <typename T>
concept HasItems = requires(const T& value) {
  value.items.size();
};
template <typename T>
concept HasOctets = requires(const T& value) {
  value.octets().size();
};
template <typename T>
concept HasArms = requires(const T& value, ArmDescriber& visitor) {
  value.Visit(visitor);
};
}  // namespace internal

template <typename T>
void Describer::Value(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    Text(value ? "yes" : "no");
  } else if constexpr (std::same_as<T, AlgId>) {
    Algorithm(value);
  } else if constexpr (std::is_enum_v<T>) {
    Hexadecimal(static_cast<uint64_t>(value), sizeof(T) * 2);
  } else if constexpr (std::same_as<T, uint32_t>) {
    Hexadecimal(value, 8);
  } else if constexpr (std::integral<T>) {
    Number(static_cast<uint64_t>(value));
  } else if constexpr (kIsCommandHandle<T>) {
    Hexadecimal(value.entity.handle, 8);
  } else if constexpr (std::same_as<T, NewHandle>) {
    Hexadecimal(value.value, 8);
  } else if constexpr (internal::SizedStructure<T>) {
    Value(value.value);
  } else if constexpr (internal::HasOctets<T>) {
    if constexpr (requires { requires T::kIsSecret; }) {
      SecretOctets(value.size());
    } else {
      Octets(value.octets());
    }
  } else if constexpr (internal::HasItems<T>) {
    Text("[");
    for (const auto& item : value.items) {
      Separator();
      Value(item);
    }
    Text("]");
  } else if constexpr (internal::HasArms<T>) {
    internal::ArmDescriber visitor{*this};
    value.Visit(visitor);
  } else if constexpr (std::same_as<T, HashValue>) {
    Algorithm(value.hash);
    Text(":");
    Octets(value.digest);
  } else if constexpr (std::same_as<T, SymDef>) {
    Algorithm(value.algorithm);
    if (value.algorithm != AlgId::kNull) {
      Text("-");
      Number(value.key_bits);
    }
  } else if constexpr (std::same_as<T, Buffer>) {
    Octets(value);
  } else if constexpr (Declared<T>) {
    Text("{");
    internal::FieldDescriber<T> visitor{*this, value};
    ForEachField<T>(visitor);
    Text("}");
  } else {
    Text("(opaque)");
  }
}

template <typename T>
std::string Describe(const T& value) {
  Describer out;
  out.Value(value);
  return out.Take();
}

}  // namespace tpm2

#endif  // TPM2_DESCRIBE_H_
