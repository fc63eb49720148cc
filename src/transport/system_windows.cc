#include "transport/system_windows.h"

#include <array>
#include <memory>

namespace tpm2 {
namespace {

std::string Narrow(const wchar_t* ascii) {
  std::string text;
  for (; *ascii != L'\0'; ++ascii) text += static_cast<char>(*ascii);
  return text;
}

bool TokenSaysElevated() {
  HANDLE raw = nullptr;
  if (!::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &raw)) return false;
  const std::unique_ptr<void, decltype(&::CloseHandle)> token(raw, &::CloseHandle);
  TOKEN_ELEVATION elevation{};
  DWORD size = 0;
  if (::GetTokenInformation(raw, TokenElevation, &elevation, sizeof elevation, &size) &&
      elevation.TokenIsElevated != 0) {
    return true;
  }
  alignas(TOKEN_USER) std::array<BYTE, sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE> user{};
  if (!::GetTokenInformation(raw, TokenUser, user.data(), static_cast<DWORD>(user.size()), &size)) {
    return false;
  }
  return ::IsWellKnownSid(reinterpret_cast<const TOKEN_USER*>(user.data())->User.Sid,
                          WinLocalSystemSid) != FALSE;
}

}  // namespace

SystemLibrary::SystemLibrary(const wchar_t* name, const char* remedy)
    : module_(::LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)), name_(Narrow(name)) {
  if (module_ != nullptr) return;
  throw Error(
      ErrorCode::kTpmUnavailable,
      "This Windows has no usable " + name_ + " (error " + std::to_string(::GetLastError()) + ")",
      remedy);
}

void* SystemLibrary::Find(const char* name) const {
  return reinterpret_cast<void*>(::GetProcAddress(module_, name));
}

void SystemLibrary::ThrowMissing(const char* name) const {
  throw Error(ErrorCode::kNotSupported, "This Windows' " + name_ + " has no " + name,
              "A newer Windows is needed.");
}

bool IsElevated() {
#ifdef TPM2_TEST_SEAMS
  wchar_t value[8];
  const DWORD length = ::GetEnvironmentVariableW(L"NODE_TPM2_TEST_ELEVATED", value, 8);
  if (length == 1) return value[0] != L'0';
#endif
  return TokenSaysElevated();
}

std::wstring ToWide(std::string_view utf8, const char* what) {
  const int size = static_cast<int>(utf8.size());
  const int length =
      ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, nullptr, 0);
  if (length <= 0) {
    throw Error(ErrorCode::kInvalidArgument, std::string(what) + ": expected text in UTF-8");
  }
  std::wstring wide(static_cast<size_t>(length), L'\0');
  ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, wide.data(), length);
  return wide;
}

}  // namespace tpm2
