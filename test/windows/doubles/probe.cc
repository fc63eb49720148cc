// A Windows process that does as it is told: it connects to the test's port, and each request names
// a function of tbs.dll or ncrypt.dll with its arguments. So the test of the doubles is JavaScript
// on the host, and calls them as shipped code does (LoadLibraryEx from System32, GetProcAddress).
#include "rpc.h"
//
#include <wincrypt.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

using tpm2_double::Bytes;
using tpm2_double::Reply;
using tpm2_double::Request;

namespace {

using Handle = ULONG_PTR;
constexpr std::uint32_t kNullBuffer = 0xffffffff;

FARPROC Find(const char* library, const char* function) {
  HMODULE module = LoadLibraryExA(library, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
  return module == nullptr ? nullptr : GetProcAddress(module, function);
}

// Types are deduced from the arguments at the call, so each must have the API's own type.
template <typename... Args>
std::uint32_t Call(const char* library, const std::string& function, Args... args) {
  using Function = std::uint32_t(WINAPI*)(Args...);
  auto address =
      reinterpret_cast<Function>(reinterpret_cast<void*>(Find(library, function.c_str())));
  return address == nullptr ? 0xdead0001 : address(args...);
}
template <typename... Args>
std::uint32_t Tbs(const Request& request, Args... args) {
  return Call("tbs.dll", request.function, args...);
}
template <typename... Args>
std::uint32_t Ncrypt(const Request& request, Args... args) {
  return Call("ncrypt.dll", request.function, args...);
}

PVOID Pointer(std::uint64_t value) {
  return reinterpret_cast<PVOID>(static_cast<std::uintptr_t>(value));
}

// Runs `call` with a buffer of the wanted capacity; values: 0 what was written, 1 the size told.
Reply WithBuffer(std::uint32_t capacity, bool size_starts_as_capacity,
                 const std::function<std::uint32_t(BYTE*, UINT32, UINT32*)>& call) {
  const bool null = capacity == kNullBuffer;
  Bytes buffer(null ? 0 : capacity + 1, 0xA5);
  UINT32 size = size_starts_as_capacity && !null ? capacity : 0;
  Reply reply;
  reply.status = call(null ? nullptr : buffer.data(), null ? 0 : capacity, &size);
  const bool written = reply.status == 0 && !null && size <= capacity;
  return reply.AddBytes(buffer.data(), written ? size : 0).AddU32(size);
}

Reply ContextCreate(const Request& r) {
  struct {
    UINT32 version, flags;
  } params = {r.U32(0), r.U32(1)};
  PVOID context = nullptr;
  Reply reply;
  reply.status = Tbs(r, static_cast<const void*>(&params), &context);
  return reply.AddU64(reinterpret_cast<std::uintptr_t>(context));
}

Reply Submit(const Request& r) {
  Bytes command = r.Data(3);
  return WithBuffer(r.U32(4), true, [&](BYTE* out, UINT32, UINT32* size) {
    return Tbs(r, Pointer(r.U64(0)), r.U32(1), r.U32(2), static_cast<const BYTE*>(command.data()),
               static_cast<UINT32>(command.size()), out, size);
  });
}

Reply DeviceInfo(const Request& r) {
  UINT32 info[4] = {};
  Reply reply;
  reply.status = Tbs(r, r.U32(0), static_cast<PVOID>(info));
  return reply.AddBytes(info, sizeof info);
}

Reply GetProperty(const Request& r) {
  std::wstring name = r.Text(1);
  return WithBuffer(r.U32(2), false, [&](BYTE* out, UINT32 capacity, UINT32* size) {
    return Ncrypt(r, static_cast<Handle>(r.U64(0)), name.c_str(), out, static_cast<DWORD>(capacity),
                  reinterpret_cast<DWORD*>(size), static_cast<DWORD>(r.U32(3)));
  });
}

// Values: the certificates of a property that is a store; the last one is the error that ended the
// enumeration.
Reply CertificateStore(const Request& r) {
  std::wstring name = r.Text(1);
  HCERTSTORE store = nullptr;
  DWORD size = 0;
  Reply reply;
  reply.status = Call("ncrypt.dll", "NCryptGetProperty", static_cast<Handle>(r.U64(0)),
                      name.c_str(), reinterpret_cast<BYTE*>(&store),
                      static_cast<DWORD>(sizeof store), &size, static_cast<DWORD>(0));
  if (reply.status != 0) return reply;
  PCCERT_CONTEXT certificate = nullptr;
  while ((certificate = CertEnumCertificatesInStore(store, certificate)) != nullptr) {
    reply.AddBytes(certificate->pbCertEncoded, certificate->cbCertEncoded);
  }
  reply.AddU32(GetLastError());
  CertCloseStore(store, 0);
  return reply;
}

Reply SetProperty(const Request& r) {
  std::wstring name = r.Text(1);
  Bytes value = r.Data(2);
  value.reserve(1);  // an empty value is no NULL pointer
  Reply reply;
  reply.status = Ncrypt(r, static_cast<Handle>(r.U64(0)), name.c_str(), value.data(),
                        static_cast<DWORD>(value.size()), static_cast<DWORD>(r.U32(3)));
  return reply;
}

Reply OpenProvider(const Request& r) {
  std::wstring name = r.Text(0);
  Handle provider = 0;
  Reply reply;
  reply.status = Ncrypt(r, &provider, name.c_str(), static_cast<DWORD>(r.U32(1)));
  return reply.AddU64(provider);
}

Reply CreateKey(const Request& r) {
  std::wstring algorithm = r.Text(1), name = r.Text(2);
  Handle key = 0;
  Reply reply;
  reply.status = Ncrypt(r, static_cast<Handle>(r.U64(0)), &key, algorithm.c_str(), name.c_str(),
                        static_cast<DWORD>(0), static_cast<DWORD>(r.U32(3)));
  return reply.AddU64(key);
}

Reply OpenKey(const Request& r) {
  std::wstring name = r.Text(1);
  Handle key = 0;
  Reply reply;
  reply.status = Ncrypt(r, static_cast<Handle>(r.U64(0)), &key, name.c_str(), static_cast<DWORD>(0),
                        static_cast<DWORD>(r.U32(2)));
  return reply.AddU64(key);
}

Reply ExportKey(const Request& r) {
  std::wstring type = r.Text(1);
  return WithBuffer(r.U32(2), false, [&](BYTE* out, UINT32 capacity, UINT32* size) {
    return Ncrypt(r, static_cast<Handle>(r.U64(0)), static_cast<Handle>(0), type.c_str(),
                  static_cast<PVOID>(nullptr), out, static_cast<DWORD>(capacity),
                  reinterpret_cast<DWORD*>(size), static_cast<DWORD>(0));
  });
}

// Values: name and algorithm of every key; the status is the one that ended the enumeration.
Reply EnumKeys(const Request& r) {
  struct KeyName {
    LPWSTR name, algorithm;
    DWORD legacy_key_spec, flags;
  };
  PVOID state = nullptr;
  Reply reply;
  for (;;) {
    KeyName* key = nullptr;
    reply.status = Ncrypt(r, static_cast<Handle>(r.U64(0)), static_cast<LPCWSTR>(nullptr), &key,
                          &state, static_cast<DWORD>(r.U32(1)));
    if (reply.status != 0) break;
    reply.AddBytes(key->name, std::wcslen(key->name) * sizeof(wchar_t));
    reply.AddBytes(key->algorithm, std::wcslen(key->algorithm) * sizeof(wchar_t));
    Call("ncrypt.dll", "NCryptFreeBuffer", static_cast<PVOID>(key));
  }
  if (state != nullptr) Call("ncrypt.dll", "NCryptFreeBuffer", state);
  return reply;
}

Reply Marker(const Request& r) {
  Bytes library = r.Data(0);
  std::string name(library.begin(), library.end());
  using Function = const char*(WINAPI*)();
  auto function =
      reinterpret_cast<Function>(reinterpret_cast<void*>(Find(name.c_str(), "NodeTpm2TestDouble")));
  Reply reply;
  if (function == nullptr) {
    reply.status = 1;
    return reply;
  }
  std::string text = function();
  return reply.AddBytes(text.data(), text.size());
}

void Serve(SOCKET socket);

DWORD WINAPI ServeOnThread(void* port) {
  Serve(tpm2_double::Connect(static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(port))));
  return 0;
}

Reply Remaining(const Request& r) {
  Reply reply;
  Handle handle = static_cast<Handle>(r.U64(0));
  if (r.function == "Tbsip_Context_Close" || r.function == "Tbsip_Cancel_Commands") {
    reply.status = Tbs(r, Pointer(r.U64(0)));
  } else if (r.function == "Tbsi_Revoke_Attestation") {
    reply.status = Tbs(r);
  } else if (r.function == "Tbsi_Get_TCG_Log") {
    return WithBuffer(r.U32(1), true, [&](BYTE* out, UINT32, UINT32* size) {
      return Tbs(r, Pointer(r.U64(0)), out, size);
    });
  } else if (r.function == "Tbsi_Get_TCG_Log_Ex") {
    return WithBuffer(r.U32(1), true,
                      [&](BYTE* out, UINT32, UINT32* size) { return Tbs(r, r.U32(0), out, size); });
  } else if (r.function == "Tbsi_Get_OwnerAuth") {
    return WithBuffer(r.U32(2), true, [&](BYTE* out, UINT32, UINT32* size) {
      return Tbs(r, Pointer(r.U64(0)), r.U32(1), out, size);
    });
  } else if (r.function == "NCryptFinalizeKey" || r.function == "NCryptDeleteKey") {
    reply.status = Ncrypt(r, handle, static_cast<DWORD>(r.U32(1)));
  } else if (r.function == "NCryptFreeObject") {
    reply.status = Ncrypt(r, handle);
  } else if (r.function == "NCryptFreeBuffer") {
    reply.status = Ncrypt(r, Pointer(r.U64(0)));
  } else if (r.function == "NCryptIsAlgSupported") {
    std::wstring algorithm = r.Text(1);
    reply.status = Ncrypt(r, handle, algorithm.c_str(), static_cast<DWORD>(0));
  } else if (r.function == "setenv") {
    Bytes name = r.Data(0), value = r.Data(1);
    SetEnvironmentVariableA(std::string(name.begin(), name.end()).c_str(),
                            std::string(value.begin(), value.end()).c_str());
  } else if (r.function == "thread") {
    // The host then accepts one more connection, served by a thread of its own.
    HANDLE thread = CreateThread(nullptr, 0, ServeOnThread, Pointer(r.U32(0)), 0, nullptr);
    reply.status = thread == nullptr;
    CloseHandle(thread);
  } else {
    reply.status = 0xdead0002;
  }
  return reply;
}

Reply Dispatch(const Request& r) {
  static const std::map<std::string, Reply (*)(const Request&)> kFunctions = {
      {"Tbsi_Context_Create", ContextCreate},
      {"Tbsip_Submit_Command", Submit},
      {"Tbsi_GetDeviceInfo", DeviceInfo},
      {"NCryptGetProperty", GetProperty},
      {"CertificateStore", CertificateStore},
      {"NCryptSetProperty", SetProperty},
      {"NCryptOpenStorageProvider", OpenProvider},
      {"NCryptCreatePersistedKey", CreateKey},
      {"NCryptOpenKey", OpenKey},
      {"NCryptExportKey", ExportKey},
      {"NCryptEnumKeys", EnumKeys},
      {"marker", Marker},
  };
  auto found = kFunctions.find(r.function);
  return found == kFunctions.end() ? Remaining(r) : found->second(r);
}

void Serve(SOCKET socket) {
  Request request;
  while (socket != INVALID_SOCKET && tpm2_double::Read(socket, &request)) {
    if (!tpm2_double::Write(socket, Dispatch(request))) return;
    request = Request();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: probe PORT\n", stderr);
    return 2;
  }
  Serve(tpm2_double::Connect(static_cast<std::uint16_t>(std::atoi(argv[1]))));
  return 0;
}
