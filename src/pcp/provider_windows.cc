#include "pcp/ncrypt_windows.h"
#include "pcp/provider.h"
#include "pcp/security_descriptor.h"
#include "tpm2/constants.h"
#include "tpm2/error.h"
#include "transport/system_windows.h"
#include "transport/tbs_windows.h"
//
#include <wincrypt.h>

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
    if (!GetFixed(provider_.get(), kPlatformHandle, context) || context == nullptr) {
      ThrowStatus(static_cast<SECURITY_STATUS>(nte::kNotSupported),
                  {Step::kUseKey, blob.machine, true, "NCryptGetProperty PCP_PLATFORMHANDLE"});
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
  DWORD supported = 0;
  if (GetFixed(provider.get(), L"Security Descr Support", supported) && supported == 1) return;
  throw Error(ErrorCode::kNotSupported,
              "This Windows' Platform Crypto Provider cannot give other users access to a key",
              "Use scope: 'user', or a newer Windows.");
}

void DeleteIfThere(const Provider& provider, const std::wstring& name, bool machine) {
  if (Key existing = Key::Find(provider, name, machine)) existing.Delete();
}

// Windows signs with SHA-1 by default. Since Windows 10 1803 the scheme can be chosen; the hash
// property alone says whether it was.
void AskForSha256(Key& key) {
  if (key.TrySetNumber(L"PCP_RSA_SCHEME", static_cast<DWORD>(AlgId::kRsaSsa))) {
    key.TrySetNumber(L"PCP_RSA_SCHEME_HASH_ALG", static_cast<DWORD>(AlgId::kSha256));
  }
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

KeyBlob Provision(const KeyRequest& request) {
  const std::wstring name = ToWide(request.key_name, "keyName");
  const Provider provider;
  if (request.machine) RequireSecurityDescriptors(provider);
  // Both: whether the provider heeds the flag is not known for every Windows.
  if (request.overwrite) DeleteIfThere(provider, name, request.machine);
  Key key = Key::Create(provider, request.rsa ? L"RSA" : L"ECDSA_P256", name, request.machine,
                        request.overwrite);
  if (request.rsa) key.SetNumber(L"Length", 2048);
  key.SetNumber(L"PCP_KEY_USAGE_POLICY", kIdentityKey);
  if (request.rsa) AskForSha256(key);
  if (request.machine) key.SetBytes(L"Security Descr", kMachineKeyDescriptor, kDaclInformation);
  key.Finalize();
  try {
    // Only this handle has it; it is not persisted.
    return FromIdBinding(key.GetBytes(kIdBinding), request.machine, request.key_name);
  } catch (const Error&) {
    // A key without the statement about it is of no use to anybody. Why that failed is what counts.
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

std::vector<Buffer> EndorsementCertificates() {
  std::vector<Buffer> found;
  try {
    const Provider provider;
    const CertApi api;
    for (const wchar_t* property : {L"PCP_RSA_EKCERT", L"PCP_EKCERT", L"PCP_RSA_EKNVCERT",
                                    L"PCP_EKNVCERT", L"PCP_ECC_EKCERT", L"PCP_ECC_EKNVCERT"}) {
      HCERTSTORE store = nullptr;
      if (!GetFixed(provider.get(), property, store) || store == nullptr) continue;
      AppendCertificates(api, store, found);
      if (!found.empty()) break;
    }
  } catch (const Error&) {
    // No provider, or not for this user: the TPM's NV memory is asked next.
  }
  return found;
}

}  // namespace tpm2::pcp
