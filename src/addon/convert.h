// Between JavaScript values and declared records. Strict on the way in: api.js has checked the
// arguments already, so what does not fit here is refused, never guessed at.
#ifndef TPM2_SRC_ADDON_CONVERT_H_
#define TPM2_SRC_ADDON_CONVERT_H_

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "addon/napi_setup.h"
#include "tpm2/error.h"
#include "tpm2/operations/common.h"

namespace tpm2::addon {

[[noreturn]] inline void ThrowMismatch(const char* name, const char* expected) {
  throw Error(ErrorCode::kInvalidArgument, std::string(name) + ": expected " + expected);
}

template <typename T>
struct Converter;

// `name` is the property's, for the message.
template <typename T>
T FromJs(const Napi::Value& value, const char* name) {
  return Converter<T>::From(value, name);
}
template <typename T>
Napi::Value ToJs(Napi::Env env, const T& value) {
  return Converter<T>::To(env, value);
}

template <>
struct Converter<bool> {
  static bool From(const Napi::Value& value, const char* name) {
    if (!value.IsBoolean()) ThrowMismatch(name, "a boolean");
    return value.As<Napi::Boolean>().Value();
  }
  static Napi::Value To(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
};

template <typename T, uint64_t kLimit>
struct NumberConverter {
  static T From(const Napi::Value& value, const char* name) {
    double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= static_cast<double>(kLimit)) || number != std::floor(number)) {
      ThrowMismatch(name, "a non-negative integer");
    }
    return static_cast<T>(number);
  }
  static Napi::Value To(Napi::Env env, T value) {
    return Napi::Number::New(env, static_cast<double>(value));
  }
};
template <>
struct Converter<uint32_t> : NumberConverter<uint32_t, 4294967295> {};
// Exact up to 2^53: the TPM's clock counts milliseconds.
template <>
struct Converter<uint64_t> : NumberConverter<uint64_t, 9007199254740991> {};

template <>
struct Converter<std::string> {
  static std::string From(const Napi::Value& value, const char* name) {
    if (!value.IsString()) ThrowMismatch(name, "a string");
    return value.As<Napi::String>().Utf8Value();
  }
  static Napi::Value To(Napi::Env env, const std::string& value) {
    return Napi::String::New(env, value);
  }
};

template <typename Container>
struct OctetConverter {
  static Container From(const Napi::Value& value, const char* name) {
    if (!value.IsTypedArray() ||
        value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      ThrowMismatch(name, "a Buffer or Uint8Array");
    }
    auto array = value.As<Napi::Uint8Array>();
    return Container(array.Data(), array.Data() + array.ByteLength());
  }
  static Napi::Value To(Napi::Env env, const Container& value) {
    return Napi::Buffer<uint8_t>::Copy(env, value.data(), value.size());
  }
};
template <>
struct Converter<Buffer> : OctetConverter<Buffer> {};
template <>
struct Converter<SecretBytes> : OctetConverter<SecretBytes> {};

template <typename T>
struct Converter<std::optional<T>> {
  static std::optional<T> From(const Napi::Value& value, const char* name) {
    if (value.IsUndefined() || value.IsNull()) return std::nullopt;
    return FromJs<T>(value, name);
  }
  static Napi::Value To(Napi::Env env, const std::optional<T>& value) {
    return value ? ToJs(env, *value) : env.Null();
  }
};

template <typename T>
struct Converter<std::vector<T>> {
  static std::vector<T> From(const Napi::Value& value, const char* name) {
    if (!value.IsArray()) ThrowMismatch(name, "an array");
    auto array = value.As<Napi::Array>();
    std::vector<T> items;
    items.reserve(array.Length());
    for (uint32_t i = 0; i < array.Length(); ++i) {
      items.push_back(FromJs<T>(Napi::Value(array[i]), name));
    }
    return items;
  }
  static Napi::Value To(Napi::Env env, const std::vector<T>& value) {
    auto array = Napi::Array::New(env, value.size());
    for (uint32_t i = 0; i < value.size(); ++i) array[i] = ToJs(env, value[i]);
    return array;
  }
};

template <typename T>
struct Converter<std::map<std::string, T>> {
  static std::map<std::string, T> From(const Napi::Value& value, const char* name) {
    if (!value.IsObject()) ThrowMismatch(name, "an object");
    auto object = value.As<Napi::Object>();
    Napi::Array keys = object.GetPropertyNames();
    std::map<std::string, T> items;
    for (uint32_t i = 0; i < keys.Length(); ++i) {
      std::string key = Napi::Value(keys[i]).ToString().Utf8Value();
      items.emplace(key, FromJs<T>(object.Get(key), name));
    }
    return items;
  }
  static Napi::Value To(Napi::Env env, const std::map<std::string, T>& value) {
    auto object = Napi::Object::New(env);
    for (const auto& [key, item] : value) object.Set(key, ToJs(env, item));
    return object;
  }
};

namespace internal {
template <typename T>
struct RecordReader {
  const Napi::Object& object;
  T& record;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    auto& member = record.*Descriptor::kMember;
    member = FromJs<std::remove_cvref_t<decltype(member)>>(object.Get(field.name), field.name);
  }
};
template <typename T>
struct RecordWriter {
  Napi::Env env;
  Napi::Object& object;
  const T& record;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    object.Set(field.name, ToJs(env, record.*Descriptor::kMember));
  }
};
}  // namespace internal

// Declared records; one without fields is `undefined`.
template <typename T>
struct Converter {
  static_assert(Declared<T>, "a type that crosses into JavaScript declares its Fields()");
  static constexpr bool kEmpty = std::tuple_size_v<decltype(T::Fields())> == 0;

  static T From(const Napi::Value& value, const char* name) {
    T record{};
    if constexpr (!kEmpty) {
      if (!value.IsObject()) ThrowMismatch(name, "an object");
      Napi::Object object = value.As<Napi::Object>();
      internal::RecordReader<T> reader{object, record};
      ForEachField<T>(reader);
    }
    return record;
  }
  static Napi::Value To(Napi::Env env, const T& record) {
    if constexpr (kEmpty) {
      return env.Undefined();
    } else {
      Napi::Object object = Napi::Object::New(env);
      internal::RecordWriter<T> writer{env, object, record};
      ForEachField<T>(writer);
      return object;
    }
  }
};

// A native error with the fields that api.js makes a TpmError of.
inline Napi::Error ToJsError(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.message);
  Napi::Object value = js.Value();
  value.Set("code", std::string(ErrorCodeName(error.code)));
  const std::string_view remedy =
      error.suggestion.empty() ? DefaultSuggestion(error.code) : error.suggestion;
  if (!remedy.empty()) value.Set("suggestion", std::string(remedy));
  if (error.tpm_rc) value.Set("tpmRc", Napi::Number::New(env, *error.tpm_rc));
  if (error.hresult) value.Set("hresult", Napi::Number::New(env, *error.hresult));
  if (!error.command.empty()) value.Set("command", error.command);
  if (!error.rc_name.empty()) value.Set("rcName", error.rc_name);
  if (!error.rc_subject.empty()) value.Set("rcSubject", error.rc_subject);
  return js;
}

}  // namespace tpm2::addon

#endif  // TPM2_SRC_ADDON_CONVERT_H_
