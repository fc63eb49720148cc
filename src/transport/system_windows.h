// What this library needs of Windows itself.
#ifndef TPM2_TRANSPORT_SYSTEM_WINDOWS_H_
#define TPM2_TRANSPORT_SYSTEM_WINDOWS_H_

#include <windows.h>

#include <string>
#include <string_view>

#include "tpm2/error.h"

namespace tpm2 {

// A DLL of system32, and of nowhere else: one that lies in the program's folder or on the PATH is
// not taken. It stays loaded.
class SystemLibrary {
 public:
  // TPM_UNAVAILABLE, with `remedy`, when it is not there.
  SystemLibrary(const wchar_t* name, const char* remedy);

  // NOT_SUPPORTED when the library has no such function.
  template <typename Function>
  void Bind(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(Find(name));
    if (function == nullptr) ThrowMissing(name);
  }
  // Null when the library has no such function.
  template <typename Function>
  void BindOptional(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(Find(name));
  }

 private:
  void* Find(const char* name) const;
  [[noreturn]] void ThrowMissing(const char* name) const;

  HMODULE module_;
  std::string name_;
};

// Whether this process has an elevated administrator's token or is LocalSystem. Test builds
// (TPM2_TEST_SEAMS) believe the environment variable NODE_TPM2_TEST_ELEVATED ('0': no).
bool IsElevated();

// INVALID_ARGUMENT, naming `what`, for text that is not UTF-8.
std::wstring ToWide(std::string_view utf8, const char* what);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_SYSTEM_WINDOWS_H_
