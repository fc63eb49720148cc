// Test double of the part of Windows' ncrypt.dll that the Platform Crypto Provider shows. It checks
// pointers, makes real crypt32 certificate stores, and carries calls to the broker, which knows the
// rest (../broker/pcp.mjs). Never shipped.
#include "rpc.h"
//
#include <wincrypt.h>

#include <cstring>
#include <new>
#include <set>

using tpm2_double::CallBroker;
using tpm2_double::Reply;
using tpm2_double::Request;

namespace {

using Status = SECURITY_STATUS;
using Handle = ULONG_PTR;

constexpr Status Code(std::uint32_t value) { return static_cast<Status>(value); }
constexpr Status kInvalidParameter = Code(0x80090027);
constexpr Status kBufferTooSmall = Code(0x80090028);
constexpr Status kNoMoreItems = Code(0x8009002A);
constexpr Status kDeviceNotFound = Code(0x80090035);

struct EnumState {
  DWORD next;
};

SRWLOCK buffers_lock = SRWLOCK_INIT;
std::set<void*>& Buffers() {
  static auto* buffers = new std::set<void*>;
  return *buffers;
}

void* NewBuffer(std::size_t size) {
  void* buffer = ::operator new(size);
  AcquireSRWLockExclusive(&buffers_lock);
  Buffers().insert(buffer);
  ReleaseSRWLockExclusive(&buffers_lock);
  return buffer;
}

Reply Call(const Request& request) {
  auto reply = CallBroker("ncrypt", request);
  if (reply) return *reply;
  Reply none;
  none.status = static_cast<std::uint32_t>(kDeviceNotFound);
  return none;
}

Status CallForHandle(const Request& request, Handle* handle) {
  if (handle == nullptr) return kInvalidParameter;
  *handle = 0;
  Reply reply = Call(request);
  if (reply.status == 0) *handle = static_cast<Handle>(reply.U64(0));
  return Code(reply.status);
}

// A capacity of 0xffffffff stands for the call that asks only for the size.
std::uint32_t Capacity(const BYTE* out, DWORD size) { return out == nullptr ? 0xffffffff : size; }

// Reply values: 0 the bytes (NULL unless they fit), 1 their size.
Status CopyOut(const Reply& reply, BYTE* out, DWORD capacity, DWORD* size) {
  if (reply.values.size() < 2) return Code(reply.status);
  *size = reply.U32(1);
  if (reply.status == 0 && out != nullptr && reply.Data(0).size() <= capacity) {
    std::memcpy(out, reply.Data(0).data(), reply.Data(0).size());
  }
  return Code(reply.status);
}

// Bytes come as two values; a certificate store as three empty ones, then its certificates in DER.
constexpr std::size_t kStoreHeader = 2;

Status OpenStore(const Reply& reply, BYTE* out, DWORD capacity, DWORD* size) {
  *size = sizeof(HCERTSTORE);
  if (out == nullptr) return 0;
  if (capacity < sizeof(HCERTSTORE)) return kBufferTooSmall;
  HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, nullptr);
  if (store == nullptr) return Code(GetLastError());
  for (std::size_t i = kStoreHeader + 1; i < reply.values.size(); ++i) {
    const auto& der = reply.Data(i);
    if (!CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der.data(),
                                          static_cast<DWORD>(der.size()), CERT_STORE_ADD_ALWAYS,
                                          nullptr)) {
      Status failed = Code(GetLastError());
      CertCloseStore(store, 0);
      return failed;
    }
  }
  std::memcpy(out, &store, sizeof store);
  return 0;
}

bool IsStore(const Reply& reply) { return reply.status == 0 && reply.values.size() > kStoreHeader; }

}  // namespace

extern "C" {

__declspec(dllexport) const char* WINAPI NodeTpm2TestDouble() {
  return "node-tpm2 ncrypt test double";
}

__declspec(dllexport) Status WINAPI
    NCryptOpenStorageProvider(Handle* provider, LPCWSTR name, DWORD flags) {
  Request request{"NCryptOpenStorageProvider", {}};
  return CallForHandle(request.AddText(name).AddU32(flags), provider);
}

__declspec(dllexport) Status WINAPI
    NCryptCreatePersistedKey(Handle provider, Handle* key, LPCWSTR algorithm, LPCWSTR name,
                             DWORD legacy_key_spec, DWORD flags) {
  if (algorithm == nullptr) return kInvalidParameter;
  Request request{"NCryptCreatePersistedKey", {}};
  request.AddU64(provider).AddText(algorithm).AddText(name).AddU32(legacy_key_spec).AddU32(flags);
  return CallForHandle(request, key);
}

__declspec(dllexport) Status WINAPI
    NCryptOpenKey(Handle provider, Handle* key, LPCWSTR name, DWORD legacy_key_spec, DWORD flags) {
  if (name == nullptr) return kInvalidParameter;
  Request request{"NCryptOpenKey", {}};
  request.AddU64(provider).AddText(name).AddU32(legacy_key_spec).AddU32(flags);
  return CallForHandle(request, key);
}

__declspec(dllexport) Status WINAPI
    NCryptSetProperty(Handle object, LPCWSTR property, BYTE* value, DWORD size, DWORD flags) {
  if (property == nullptr || value == nullptr) return kInvalidParameter;
  Request request{"NCryptSetProperty", {}};
  request.AddU64(object).AddText(property).AddBytes(value, size).AddU32(flags);
  return Code(Call(request).status);
}

__declspec(dllexport) Status WINAPI NCryptGetProperty(Handle object, LPCWSTR property, BYTE* out,
                                                      DWORD capacity, DWORD* size, DWORD flags) {
  if (property == nullptr || size == nullptr) return kInvalidParameter;
  Request request{"NCryptGetProperty", {}};
  request.AddU64(object).AddText(property).AddU32(flags).AddU32(Capacity(out, capacity));
  Reply reply = Call(request);
  return IsStore(reply) ? OpenStore(reply, out, capacity, size)
                        : CopyOut(reply, out, capacity, size);
}

__declspec(dllexport) Status WINAPI NCryptFinalizeKey(Handle key, DWORD flags) {
  Request request{"NCryptFinalizeKey", {}};
  return Code(Call(request.AddU64(key).AddU32(flags)).status);
}

__declspec(dllexport) Status WINAPI NCryptDeleteKey(Handle key, DWORD flags) {
  Request request{"NCryptDeleteKey", {}};
  return Code(Call(request.AddU64(key).AddU32(flags)).status);
}

__declspec(dllexport) Status WINAPI NCryptFreeObject(Handle object) {
  Request request{"NCryptFreeObject", {}};
  return Code(Call(request.AddU64(object)).status);
}

__declspec(dllexport) Status WINAPI NCryptFreeBuffer(PVOID buffer) {
  AcquireSRWLockExclusive(&buffers_lock);
  bool known = Buffers().erase(buffer) == 1;
  ReleaseSRWLockExclusive(&buffers_lock);
  if (known) {
    ::operator delete(buffer);
    return 0;
  }
  Call(Request{"NCryptFreeBuffer", {}});  // the broker notes it
  return kInvalidParameter;
}

__declspec(dllexport) Status WINAPI
    NCryptExportKey(Handle key, Handle /*export_key*/, LPCWSTR blob_type,
                    NCryptBufferDesc* /*parameters*/, BYTE* out, DWORD capacity, DWORD* size,
                    DWORD flags) {
  if (blob_type == nullptr || size == nullptr) return kInvalidParameter;
  Request request{"NCryptExportKey", {}};
  request.AddU64(key).AddText(blob_type).AddU32(flags).AddU32(Capacity(out, capacity));
  return CopyOut(Call(request), out, capacity, size);
}

__declspec(dllexport) Status WINAPI
    NCryptEnumKeys(Handle provider, LPCWSTR scope, NCryptKeyName** key, PVOID* state, DWORD flags) {
  if (key == nullptr || state == nullptr || scope != nullptr) return kInvalidParameter;
  auto* at = static_cast<EnumState*>(*state);
  if (at == nullptr) *state = at = new (NewBuffer(sizeof(EnumState))) EnumState{0};
  Request request{"NCryptEnumKeys", {}};
  Reply reply = Call(request.AddU64(provider).AddU32(at->next).AddU32(flags));
  if (reply.status != 0) return Code(reply.status);
  if (reply.values.empty()) return kNoMoreItems;
  ++at->next;
  const auto& name = reply.Data(0);
  const auto& algorithm = reply.Data(1);
  const std::size_t name_bytes = name.size() + sizeof(wchar_t);
  auto* bytes = static_cast<std::uint8_t*>(
      NewBuffer(sizeof(NCryptKeyName) + name_bytes + algorithm.size() + sizeof(wchar_t)));
  auto* name_text = reinterpret_cast<LPWSTR>(bytes + sizeof(NCryptKeyName));
  auto* algorithm_text = reinterpret_cast<LPWSTR>(bytes + sizeof(NCryptKeyName) + name_bytes);
  std::memcpy(name_text, name.data(), name.size());
  name_text[name.size() / sizeof(wchar_t)] = L'\0';
  std::memcpy(algorithm_text, algorithm.data(), algorithm.size());
  algorithm_text[algorithm.size() / sizeof(wchar_t)] = L'\0';
  *key = new (bytes) NCryptKeyName{name_text, algorithm_text, 0, flags};
  return 0;
}

__declspec(dllexport) Status WINAPI
    NCryptIsAlgSupported(Handle provider, LPCWSTR algorithm, DWORD flags) {
  if (algorithm == nullptr) return kInvalidParameter;
  Request request{"NCryptIsAlgSupported", {}};
  return Code(Call(request.AddU64(provider).AddText(algorithm).AddU32(flags)).status);
}

}  // extern "C"
