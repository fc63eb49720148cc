#include "pcp/ncrypt_windows.h"

#include <array>
#include <utility>

#include "tpm2/error.h"
#include "transport/system_windows.h"

namespace tpm2::pcp {
namespace {

using Step = Situation::Step;

constexpr wchar_t kProviderName[] = L"Microsoft Platform Crypto Provider";
constexpr DWORD kSilent = 0x40;  // never a dialogue: this may be a service
constexpr DWORD kMachine = 0x20;
constexpr DWORD kOverwrite = 0x80;
constexpr DWORD kLongestValue = 64 * 1024;

DWORD Scope(bool machine) { return kSilent | (machine ? kMachine : 0); }

uint32_t Plain(SECURITY_STATUS status) { return static_cast<uint32_t>(status); }

}  // namespace

NcryptApi::NcryptApi() {
  const SystemLibrary library(L"ncrypt.dll",
                              "Windows with the Microsoft Platform Crypto Provider is needed.");
  library.Bind(open_provider, "NCryptOpenStorageProvider");
  library.Bind(create_key, "NCryptCreatePersistedKey");
  library.Bind(open_key, "NCryptOpenKey");
  library.Bind(set_property, "NCryptSetProperty");
  library.Bind(get_property, "NCryptGetProperty");
  library.Bind(finalize_key, "NCryptFinalizeKey");
  library.Bind(delete_key, "NCryptDeleteKey");
  library.Bind(free_object, "NCryptFreeObject");
}

const NcryptApi& NcryptApi::Get() {
  static const NcryptApi* api = new NcryptApi();
  return *api;
}

void ThrowStatus(SECURITY_STATUS status, Situation situation) {
  situation.elevated = IsElevated();
  throw Failure(Plain(status), situation);
}

std::string Described(const char* function, const wchar_t* property) {
  std::string text = function;
  if (property != nullptr) text += ' ';
  for (; property != nullptr && *property != L'\0'; ++property) {
    text += static_cast<char>(*property);
  }
  return text;
}

void ThrowOddSize(const wchar_t* property, DWORD size) {
  throw Error(ErrorCode::kTransportError,
              "Platform Crypto Provider, " + Described("NCryptGetProperty", property) +
                  ": the answer has an unexpected size, " + std::to_string(size),
              "This Windows is not as documented: please report it.");
}

Provider::Provider() {
  NCRYPT_PROV_HANDLE provider = 0;
  const SECURITY_STATUS status = NcryptApi::Get().open_provider(&provider, kProviderName, 0);
  if (status != ERROR_SUCCESS) {
    ThrowStatus(status, {Step::kOpenProvider, false, true, "NCryptOpenStorageProvider"});
  }
  handle_ = Handle(provider);
}

Key Key::FindToDelete(const Provider& provider, const std::wstring& name, bool machine) {
  NCRYPT_KEY_HANDLE key = 0;
  const SECURITY_STATUS status =
      NcryptApi::Get().open_key(provider.get(), &key, name.c_str(), 0, Scope(machine));
  if (IsKeyMissing(Plain(status))) return Key(0, machine);
  if (status != ERROR_SUCCESS) {
    ThrowStatus(status, {Step::kDeleteKey, machine, true, "NCryptOpenKey"});
  }
  return Key(key, machine);
}

Key Key::Open(const Provider& provider, const std::wstring& name, bool machine) {
  NCRYPT_KEY_HANDLE key = 0;
  const SECURITY_STATUS status =
      NcryptApi::Get().open_key(provider.get(), &key, name.c_str(), 0, Scope(machine));
  if (status != ERROR_SUCCESS) {
    ThrowStatus(status, {Step::kOpenKey, machine, true, "NCryptOpenKey"});
  }
  return Key(key, machine);
}

Key Key::Create(const Provider& provider, const wchar_t* algorithm, const std::wstring& name,
                bool machine, bool overwrite) {
  NCRYPT_KEY_HANDLE key = 0;
  const DWORD flags = Scope(machine) | (overwrite ? kOverwrite : 0);
  const SECURITY_STATUS status =
      NcryptApi::Get().create_key(provider.get(), &key, algorithm, name.c_str(), 0, flags);
  if (status != ERROR_SUCCESS) {
    ThrowStatus(status, {Step::kCreateKey, machine, true, "NCryptCreatePersistedKey"});
  }
  return Key(key, machine);
}

bool Key::TryFinalize() {
  const SECURITY_STATUS status = NcryptApi::Get().finalize_key(handle_.get(), kSilent);
  if (status == ERROR_SUCCESS) return true;
  if (Plain(status) == nte::kNotSupported || Plain(status) == nte::kInvalidParameter) return false;
  ThrowStatus(status, During(Step::kCreateKey, "NCryptFinalizeKey"));
}

void Key::Finalize() {
  const SECURITY_STATUS status = NcryptApi::Get().finalize_key(handle_.get(), kSilent);
  if (status != ERROR_SUCCESS) ThrowStatus(status, During(Step::kCreateKey, "NCryptFinalizeKey"));
}

void Key::Delete() {
  const SECURITY_STATUS status = NcryptApi::Get().delete_key(handle_.get(), kSilent);
  if (status == ERROR_SUCCESS) {
    handle_.Release();
    return;
  }
  ThrowStatus(status, During(Step::kDeleteKey, "NCryptDeleteKey"));
}

void Key::SetNumber(const wchar_t* property, DWORD value) {
  SetBytes(property, {reinterpret_cast<const uint8_t*>(&value), sizeof value}, 0);
}

bool Key::TrySetNumber(const wchar_t* property, DWORD value) {
  return NcryptApi::Get().set_property(handle_.get(), property, reinterpret_cast<PBYTE>(&value),
                                       sizeof value, 0) == ERROR_SUCCESS;
}

void Key::SetBytes(const wchar_t* property, ByteView value, DWORD flags, Step step) {
  const SECURITY_STATUS status =
      NcryptApi::Get().set_property(handle_.get(), property, const_cast<PBYTE>(value.data()),
                                    static_cast<DWORD>(value.size()), flags);
  if (status != ERROR_SUCCESS) ThrowStatus(status, During(step, "NCryptSetProperty", property));
}

SECURITY_STATUS GetBytes(NCRYPT_HANDLE object, const wchar_t* property, Buffer& value) {
  value.resize(2048);
  for (bool again = true;; again = false) {
    DWORD size = 0;
    const SECURITY_STATUS status = NcryptApi::Get().get_property(
        object, property, value.data(), static_cast<DWORD>(value.size()), &size, 0);
    if (status == ERROR_SUCCESS) {
      if (size > value.size()) ThrowOddSize(property, size);
      value.resize(size);
      return status;
    }
    if (Plain(status) != nte::kBufferTooSmall || !again || size > kLongestValue) return status;
    value.resize(size);
  }
}

Buffer Key::GetBytes(const wchar_t* property, Step step) const {
  Buffer value;
  const SECURITY_STATUS status = pcp::GetBytes(handle_.get(), property, value);
  if (status != ERROR_SUCCESS) ThrowStatus(status, During(step, "NCryptGetProperty", property));
  return value;
}

DWORD Key::GetNumber(const wchar_t* property) const {
  DWORD value = 0;
  const SECURITY_STATUS status = GetFixed(handle_.get(), property, value);
  if (status != ERROR_SUCCESS) {
    ThrowStatus(status, During(Step::kUseKey, "NCryptGetProperty", property));
  }
  return value;
}

SecretBytes Key::GetSecret(const wchar_t* property, Step step) const {
  SecretBytes value(256);
  DWORD size = 0;
  const SECURITY_STATUS status = NcryptApi::Get().get_property(
      handle_.get(), property, value.data(), static_cast<DWORD>(value.size()), &size, 0);
  if (status != ERROR_SUCCESS) ThrowStatus(status, During(step, "NCryptGetProperty", property));
  if (size > value.size()) ThrowOddSize(property, size);
  value.resize(size);
  return value;
}

Situation Key::During(Step step, const char* function, const wchar_t* property) const {
  return {step, machine_, true, Described(function, property)};
}

}  // namespace tpm2::pcp
