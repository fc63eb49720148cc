// NCrypt (CNG's key storage), loaded at run time, and its handles as objects that end once.
#ifndef TPM2_PCP_NCRYPT_WINDOWS_H_
#define TPM2_PCP_NCRYPT_WINDOWS_H_

#include <windows.h>
//
#include <ncrypt.h>

#include <memory>
#include <string>

#include "pcp/status.h"
#include "tpm2/bytes.h"

namespace tpm2::pcp {

// Never freed: the process may end while another thread is in a call.
struct NcryptApi {
  decltype(&::NCryptOpenStorageProvider) open_provider;
  decltype(&::NCryptCreatePersistedKey) create_key;
  decltype(&::NCryptOpenKey) open_key;
  decltype(&::NCryptSetProperty) set_property;
  decltype(&::NCryptGetProperty) get_property;
  decltype(&::NCryptFinalizeKey) finalize_key;
  decltype(&::NCryptDeleteKey) delete_key;
  decltype(&::NCryptFreeObject) free_object;

  static const NcryptApi& Get();

 private:
  NcryptApi();
};

// The situation of a call, completed with the token's elevation when it has failed.
[[noreturn]] void ThrowStatus(SECURITY_STATUS status, Situation situation);
[[noreturn]] void ThrowOddSize(const wchar_t* property, DWORD size);
// "NCryptGetProperty PCP_PLATFORMHANDLE"
std::string Described(const char* function, const wchar_t* property);

class Handle {
 public:
  explicit Handle(NCRYPT_HANDLE handle = 0) : handle_(handle) {}
  ~Handle() {
    if (handle_ != 0) NcryptApi::Get().free_object(handle_);
  }
  Handle(Handle&& other) noexcept : handle_(other.Release()) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  NCRYPT_HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != 0; }
  // Somebody else ends it: NCryptDeleteKey frees what it deletes.
  NCRYPT_HANDLE Release() {
    const NCRYPT_HANDLE handle = handle_;
    handle_ = 0;
    return handle;
  }

 private:
  NCRYPT_HANDLE handle_;
};

class Provider {
 public:
  // TPM_UNAVAILABLE when there is none or its TPM is not ready.
  Provider();
  NCRYPT_HANDLE get() const { return handle_.get(); }

 private:
  Handle handle_;
};

// A key of the provider, persisted or being made.
class Key {
 public:
  // Throws KEY_NOT_FOUND, ACCESS_DENIED.
  static Key Open(const Provider& provider, const std::wstring& name, bool machine);
  // A key that is to be deleted. Empty when there is none of that name.
  static Key FindToDelete(const Provider& provider, const std::wstring& name, bool machine);
  static Key Create(const Provider& provider, const wchar_t* algorithm, const std::wstring& name,
                    bool machine, bool overwrite);
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // False when the key is refused as it was asked for (NOT_SUPPORTED, INVALID_PARAMETER).
  [[nodiscard]] bool TryFinalize();
  void Finalize();
  // Ends the key for good, and this handle with it.
  void Delete();

  void SetNumber(const wchar_t* property, DWORD value);
  // False when this Windows does not know the property or refuses the value.
  bool TrySetNumber(const wchar_t* property, DWORD value);
  void SetBytes(const wchar_t* property, ByteView value, DWORD flags,
                Situation::Step step = Situation::Step::kCreateKey);
  Buffer GetBytes(const wchar_t* property, Situation::Step step) const;
  DWORD GetNumber(const wchar_t* property) const;
  // One call with a buffer that is large enough: asking for the size first would do it twice.
  SecretBytes GetSecret(const wchar_t* property, Situation::Step step) const;

 private:
  Key(NCRYPT_HANDLE handle, bool machine) : handle_(handle), machine_(machine) {}
  Situation During(Situation::Step step, const char* function,
                   const wchar_t* property = nullptr) const;

  Handle handle_;
  bool machine_;
};

// A property of fixed size. Returns NCryptGetProperty's own status; `value` is of use on success
// only. A value of another size is TRANSPORT_ERROR.
template <typename T>
[[nodiscard]] SECURITY_STATUS GetFixed(NCRYPT_HANDLE object, const wchar_t* property, T& value) {
  DWORD size = 0;
  const SECURITY_STATUS status = NcryptApi::Get().get_property(
      object, property, reinterpret_cast<PBYTE>(&value), sizeof value, &size, 0);
  if (status == ERROR_SUCCESS && size != sizeof value) ThrowOddSize(property, size);
  return status;
}

// A property of any size up to 64 KiB; `value` is of use on success only.
[[nodiscard]] SECURITY_STATUS GetBytes(NCRYPT_HANDLE object, const wchar_t* property,
                                       Buffer& value);

}  // namespace tpm2::pcp

#endif  // TPM2_PCP_NCRYPT_WINDOWS_H_
