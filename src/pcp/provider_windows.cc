#include "pcp/ncrypt_windows.h"
#include "pcp/provider.h"
#include "pcp/security_descriptor.h"
#include "tpm2/constants.h"
#include "tpm2/error.h"
#include "transport/system_windows.h"
#include "transport/tbs_windows.h"
//
#include <wincrypt.h>

#include <array>
#include <functional>
#include <span>
#include <utility>

namespace tpm2::pcp {
namespace {

using Step = Situation::Step;

constexpr DWORD kIdentityKey = 8;  // NCRYPT_PCP_IDENTITY_KEY
constexpr DWORD kDaclInformation = 4;
constexpr const wchar_t* kIdBinding = L"PCP_TPM12_IDBINDING";
constexpr const wchar_t* kIdActivation = L"PCP_TPM12_IDACTIVATION";
constexpr const wchar_t* kPlatformHandle = L"PCP_PLATFORMHANDLE";

class OpenIdentityKey final : public IdentityKey {
 public:
  explicit OpenIdentityKey(const KeyBlob& blob)
      : key_(Key::Open(provider_, ToWide(blob.key_name, "keyName"), blob.machine)) {
    void* context = nullptr;
    const SECURITY_STATUS status = GetFixed(provider_.get(), kPlatformHandle, context);
    if (status != ERROR_SUCCESS) {
      ThrowStatus(status, {Step::kUseKey, blob.machine, true,
                           Described("NCryptGetProperty", kPlatformHandle)});
    }
    handle_ = key_.GetNumber(kPlatformHandle);
    transport_ = BorrowTbs(context);
  }

  Transport& transport() override { return *transport_; }
  uint32_t handle() const override { return handle_; }

  SecretBytes Activate(ByteView activation) override {
    key_.SetBytes(kIdActivation, activation, 0, Step::kActivate);
    return key_.GetSecret(kIdActivation, Step::kActivate);
  }

 private:
  Provider provider_;
  Key key_;  // ends before its provider
  uint32_t handle_ = 0;
  std::unique_ptr<Transport> transport_;  // ends before the context that it borrows
};

void RequireSecurityDescriptors(const Provider& provider) {
  constexpr const wchar_t* kProperty = L"Security Descr Support";
  DWORD supported = 0;
  const SECURITY_STATUS status = GetFixed(provider.get(), kProperty, supported);
  if (status == ERROR_SUCCESS && supported != 0) return;
  // Providers differ in how they say that they do not know a property.
  const auto code = static_cast<uint32_t>(status);
  const bool unknown =
      code == nte::kNotSupported || code == nte::kNotFound || code == nte::kInvalidParameter;
  if (status != ERROR_SUCCESS && !unknown) {
    ThrowStatus(status, {Step::kUseKey, true, true, Described("NCryptGetProperty", kProperty)});
  }
  throw Error(ErrorCode::kNotSupported,
              "This Windows' Platform Crypto Provider cannot give other users access to a key",
              "Use scope: 'user', or a newer Windows.");
}

void DeleteIfThere(const Provider& provider, const std::wstring& name, bool machine) {
  if (Key existing = Key::FindToDelete(provider, name, machine)) existing.Delete();
}

// Windows signs with SHA-1 by default. Since Windows 10 1803 the scheme can be chosen; an older one
// may know it, and not the hash. False when nothing was asked for.
bool AskForSha256(Key& key) {
  if (!key.TrySetNumber(L"PCP_RSA_SCHEME", static_cast<DWORD>(AlgId::kRsaSsa))) return false;
  key.TrySetNumber(L"PCP_RSA_SCHEME_HASH_ALG", static_cast<DWORD>(AlgId::kSha256));
  return true;
}

Key Begin(const Provider& provider, const KeyRequest& request, const std::wstring& name) {
  Key key = Key::Create(provider, request.rsa ? L"RSA" : L"ECDSA_P256", name, request.machine,
                        request.overwrite);
  if (request.rsa) key.SetNumber(L"Length", 2048);
  key.SetNumber(L"PCP_KEY_USAGE_POLICY", kIdentityKey);
  if (request.machine) key.SetBytes(L"Security Descr", kMachineKeyDescriptor, kDaclInformation);
  return key;
}

Key Make(const Provider& provider, const KeyRequest& request, const std::wstring& name,
         const std::function<void()>& checkpoint) {
  if (request.rsa) {
    Key key = Begin(provider, request, name);
    if (!AskForSha256(key)) {
      key.Finalize();
      return key;
    }
    if (key.TryFinalize()) return key;
    // It took the properties and refuses the key that they make: then with its own default. What is
    // not finalised is nowhere but in its handle.
    checkpoint();
  }
  Key key = Begin(provider, request, name);
  key.Finalize();
  return key;
}

// crypt32, for the certificate stores that the provider hands out.
struct CertApi {
  decltype(&::CertEnumCertificatesInStore) next;
  decltype(&::CertCloseStore) close;

  CertApi() {
    const SystemLibrary library(L"crypt32.dll", "Windows' crypt32.dll is needed.");
    library.Bind(next, "CertEnumCertificatesInStore");
    library.Bind(close, "CertCloseStore");
  }
};

void AppendCertificates(const CertApi& api, HCERTSTORE store, std::vector<Buffer>& out) {
  struct Closing {
    const CertApi& api;
    HCERTSTORE store;
    ~Closing() { api.close(store, 0); }
  } closing{api, store};
  // Each call frees the certificate that it is given; the one that ends the list is null.
  for (PCCERT_CONTEXT certificate = nullptr;
       (certificate = api.next(store, certificate)) != nullptr;) {
    const ByteView der(certificate->pbCertEncoded, certificate->cbCertEncoded);
    out.push_back(ToBuffer(der));
  }
}

}  // namespace

bool Serves(const TransportTraits& traits) { return traits.description == "tbs:"; }

KeyBlob Provision(const KeyRequest& request, const std::function<void()>& checkpoint) {
  const std::wstring name = ToWide(request.key_name, "keyName");
  const Provider provider;
  if (request.machine) RequireSecurityDescriptors(provider);
  // Both: whether the provider heeds the flag is not known for every Windows.
  if (request.overwrite) DeleteIfThere(provider, name, request.machine);
  Key key = Make(provider, request, name, checkpoint);
  try {
    checkpoint();
    // Only this handle has it; it is not persisted.
    return FromIdBinding(key.GetBytes(kIdBinding, Step::kCreateKey), request.machine,
                         request.key_name);
  } catch (const Error&) {
    // A key that nobody gets, or without the statement about it, is of no use to anybody. Why is
    // what counts.
    try {
      key.Delete();
    } catch (const Error&) {
    }
    throw;
  }
}

std::unique_ptr<IdentityKey> Open(const KeyBlob& blob) {
  return std::make_unique<OpenIdentityKey>(blob);
}

std::vector<Buffer> EndorsementCertificates(bool rsa) {
  constexpr std::array kRsa = {L"PCP_RSA_EKCERT", L"PCP_EKCERT", L"PCP_RSA_EKNVCERT",
                               L"PCP_EKNVCERT"};
  constexpr std::array kEcc = {L"PCP_ECC_EKCERT", L"PCP_ECC_EKNVCERT"};
  const auto names = rsa ? std::span<const wchar_t* const>(kRsa) : kEcc;
  std::vector<Buffer> found;
  try {
    const Provider provider;
    const CertApi api;
    for (const wchar_t* property : names) {
      HCERTSTORE store = nullptr;
      if (GetFixed(provider.get(), property, store) != ERROR_SUCCESS || store == nullptr) continue;
      AppendCertificates(api, store, found);
      if (!found.empty()) break;
    }
  } catch (const Error&) {
    // No provider, or not for this user: the TPM's NV memory is asked next.
  }
  return found;
}

std::optional<crypto::PublicKey> EndorsementKey(bool rsa) {
  constexpr std::array kRsa = {L"PCP_RSA_EKPUB", L"PCP_EKPUB"};  // the latter before Windows 10
  constexpr std::array kEcc = {L"PCP_ECC_EKPUB"};
  const auto names = rsa ? std::span<const wchar_t* const>(kRsa) : kEcc;
  try {
    const Provider provider;
    for (const wchar_t* property : names) {
      Buffer blob;
      if (GetBytes(provider.get(), property, blob) != ERROR_SUCCESS) continue;
      crypto::PublicKey key = ParsePublicBlob(blob);
      if (std::holds_alternative<crypto::RsaPublicKey>(key) == rsa) return key;
    }
  } catch (const Error&) {
    // No provider, not for this user, or no key: the TPM itself is asked.
  }
  return std::nullopt;
}

}  // namespace tpm2::pcp
