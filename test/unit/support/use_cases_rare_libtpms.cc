#include <gtest/gtest.h>

#include "client/templates.h"
#include "support/scripted_transport.h"
#include "support/use_case_steps.h"
#include "tpm2/commands/nv.h"

namespace tpm2::testing {
namespace {

// A hierarchy has an auth value while one of these lives; and `options` are as they were when it
// goes.
class HierarchyAuth {
 public:
  HierarchyAuth(TestTpm& tpm, uint32_t hierarchy, std::string_view auth)
      : tpm_(tpm), hierarchy_(hierarchy), auth_(BytesOfText(auth)), options_(tpm.options) {
    tpm_.SetHierarchyAuth(hierarchy_, auth_);
  }
  ~HierarchyAuth() {
    tpm_.options = options_;
    try {
      tpm_.SetHierarchyAuth(hierarchy_, {}, auth_);
    } catch (const Error& error) {
      ADD_FAILURE() << error.message;
    }
  }
  HierarchyAuth(const HierarchyAuth&) = delete;
  HierarchyAuth& operator=(const HierarchyAuth&) = delete;

 private:
  TestTpm& tpm_;
  uint32_t hierarchy_;
  Buffer auth_;
  CallOptions options_;
};

// An index that everybody may read, as manufacturers make them, while one of these lives.
class ManufacturersIndex {
 public:
  ManufacturersIndex(TestTpm& tpm, uint32_t handle, const Buffer& data)
      : tpm_(tpm), handle_(handle) {
    using N = NvAttributes;
    NvDefineSpace define;
    define.auth_handle = Entity::Of(rh::kPlatform);
    define.public_info->nv_index = handle;
    define.public_info->name_alg = AlgId::kSha256;
    define.public_info->attributes =
        N::kPpRead | N::kPpWrite | N::kOwnerRead | N::kAuthRead | N::kNoDa | N::kPlatformCreate;
    define.public_info->data_size = static_cast<uint16_t>(data.size());
    tpm_.direct().Run(define);
    NvWrite write;
    write.auth_handle = Entity::Of(rh::kPlatform);
    write.nv_index = Entity{handle, Name()};
    write.data = ByteView(data);
    tpm_.direct().Run(write);
  }
  ~ManufacturersIndex() {
    NvUndefineSpace command;
    command.auth_handle = Entity::Of(rh::kPlatform);
    command.nv_index = Entity{handle_, Name()};
    try {
      tpm_.direct().Run(command);
    } catch (const Error& error) {
      ADD_FAILURE() << error.message;
    }
  }
  ManufacturersIndex(const ManufacturersIndex&) = delete;
  ManufacturersIndex& operator=(const ManufacturersIndex&) = delete;

 private:
  TestTpm& tpm_;
  uint32_t handle_;
};

// DER in an index that is larger than it.
std::string ReadCertificate(TestTpm& tpm) {
  Buffer certificate = FromHex("308201f4");
  certificate.resize(504, 0x5c);
  Buffer data = certificate;
  data.resize(700, 0xff);
  const ManufacturersIndex index(tpm, 0x01c00002, data);
  return Unless(tpm.Do(op::EkCertificate()) == certificate, "not the certificate");
}

std::string MakeEk(TestTpm& tpm, const std::string& type) {
  return Unless(!tpm.Do(With<op::Ek>([&](auto& r) { r.type = type; })).name.empty(), "no name");
}

std::string Activate(TestTpm& tpm, const op::CreatedKey& ak, const op::Credential& credential,
                     std::optional<uint32_t> ek) {
  op::ActivateCredentialOp request;
  request.blob = ak.blob;
  request.credential_blob = credential.credential_blob;
  request.secret = credential.secret;
  request.ek_handle = ek;
  return Unless(tpm.Do(request) == SecretOf(planted::kCredential), "not the credential");
}

}  // namespace

std::vector<UseCase> RareUseCases(const Material& m) {
  using namespace planted;
  std::vector<UseCase> all;
  const auto add = [&all](UseCase use) { all.push_back(std::move(use)); };

  add({"lockoutStatus", {}, [](TestTpm& t) {
         return Unless(t.Do(op::GetLockoutStatus()).max_tries == 3, "not what libtpms starts with");
       }});
  add({"lockoutReset", {}, [](TestTpm& t) { return t.Do(op::LockoutReset()), std::string(); }});
  add({"lockoutConfigure", {}, [](TestTpm& t) {
         return t.Do(op::LockoutConfigure{3, 1000, 1000, {}}), std::string();
       }});
  add({"ekCertificate", {}, [](TestTpm& t) { return ReadCertificate(t); }});
  add({"nvWrite of more than one buffer",
       {},
       [&m](TestTpm& t) { return t.Do(WriteLarge(m.nv_large)), std::string(); },
       true,
       {kNvData}});
  add({"nvRead of more than one buffer",
       {},
       [&m](TestTpm& t) {
         return Unless(t.Do(Read(m.nv_large, "")) == LargeData(), "not what was written");
       },
       true,
       {kNvData}});

  // A TPM that somebody owns, and who that is.
  add({"keyCreate by the owner",
       {},
       [](TestTpm& t) {
         const HierarchyAuth owned(t, rh::kOwner, kOwnerAuth);
         t.options.owner_auth = SecretOf(kOwnerAuth);
         const op::CreatedKey key = t.Do(op::KeyCreate());
         t.faulty().ClearFaults();
         return SignAndVerify(t, key, "");
       },
       false,
       {kOwnerAuth}});
  add({"nvRead with auth on an owned TPM",
       {},
       [&m](TestTpm& t) {
         const HierarchyAuth owned(t, rh::kOwner, kOwnerAuth);
         return Unless(t.Do(Read(m.nv_with_auth, kNvAuth)) == SecretOf(kNvData),
                       "not what was written");
       },
       true,
       {kNvData, kNvAuth}});
  add({"activateCredential with an endorsement auth",
       {},
       [&m](TestTpm& t) {
         const HierarchyAuth owned(t, rh::kEndorsement, kEndorsementAuth);
         t.options.endorsement_auth = SecretOf(kEndorsementAuth);
         return Activate(t, m.ak, m.credential, std::nullopt);
       },
       true,
       {kCredential, kEndorsementAuth}});

  // Endorsement keys of other kinds.
  add({"activateCredential with RSA keys, one persistent",
       {},
       [&m](TestTpm& t) { return Activate(t, m.rsa_ak, m.rsa_credential, m.rsa_ek); },
       true,
       {kCredential}});
  add({"ek by a template in NV", {}, [](TestTpm& t) {
         Public area = templates::EndorsementKeyEcc();
         area.unique.get_if<AlgId::kEcc>()->x = EccParameter(Buffer(32, 5));
         const ManufacturersIndex index(t, 0x01c0000c, ToBytes(area, "TPMT_PUBLIC"));
         return MakeEk(t, "ecc");
       }});
  add({"ek by a nonce in NV", {}, [](TestTpm& t) {
         const ManufacturersIndex index(t, 0x01c0000b, Buffer(32, 6));
         return MakeEk(t, "ecc");
       }});
  add({"ek of RSA", {}, [](TestTpm& t) { return MakeEk(t, "rsa"); }, false, {}, true});
  add({"provisionAk of RSA",
       {},
       [](TestTpm& t) {
         const op::CreatedKey ak =
             t.Do(With<op::ProvisionAk>([](auto& r) { r.algorithm = "rsa"; }));
         t.faulty().ClearFaults();
         return QuoteAndVerify(t, ak, false);
       },
       false,
       {},
       true});
  add({"quote by an RSA key", {}, [&m](TestTpm& t) { return QuoteAndVerify(t, m.rsa_ak, true); }});
  return all;
}

}  // namespace tpm2::testing
