#include "client/templates.h"
#include "crypto/key_convert.h"
#include "support/scripted_transport.h"
#include "support/use_case_steps.h"
#include "tpm2/commands/nv.h"
#include "tpm2/commands/system.h"
#include "tpm2/operations/verify.h"

namespace tpm2::testing {
namespace {

op::NvDefineOp Define(uint32_t handle, std::string_view auth) {
  op::NvDefineOp request;
  request.handle = handle;
  request.size = static_cast<uint32_t>(planted::kNvData.size());
  request.auth = SecretOf(auth);
  return request;
}
op::NvWriteOp Write(uint32_t handle, std::string_view auth) {
  op::NvWriteOp request;
  request.handle = handle;
  request.data = SecretOf(planted::kNvData);
  if (!auth.empty()) request.auth = SecretOf(auth);
  return request;
}
op::Seal Seal(std::string_view auth, std::vector<BankSelection> selection) {
  op::Seal request;
  request.data = SecretOf(planted::kSealed);
  request.auth = SecretOf(auth);
  request.selection = std::move(selection);
  return request;
}

// Past the client, so that a fault planned for it does not hit here.
void Undefine(TestTpm& tpm, uint32_t handle) {
  NvUndefineSpace command;
  command.auth_handle = Entity::Of(rh::kOwner);
  command.nv_index = Entity{handle, Name()};
  try {
    tpm.direct().Run(command);
  } catch (const Error&) {
    // It was not there.
  }
}
void DefinePlain(TestTpm& tpm, uint32_t handle) {
  NvDefineSpace command;
  command.auth_handle = Entity::Of(rh::kOwner);
  command.public_info->nv_index = handle;
  command.public_info->name_alg = AlgId::kSha256;
  command.public_info->attributes =
      NvAttributes::kOwnerRead | NvAttributes::kOwnerWrite | NvAttributes::kNoDa;
  command.public_info->data_size = 24;
  tpm.direct().Run(command);
}
std::string UnsealAndCompare(TestTpm& tpm, const Buffer& blob, std::string_view auth) {
  op::UnsealOp request;
  request.blob = blob;
  request.auth = SecretOf(auth);
  return Unless(tpm.Do(request) == SecretOf(planted::kSealed), "not the data that were sealed");
}

std::string SealAndCompare(TestTpm& tpm, std::string_view auth,
                           std::vector<BankSelection> selection) {
  const Buffer blob = tpm.Do(Seal(auth, std::move(selection)));
  tpm.faulty().ClearFaults();
  return UnsealAndCompare(tpm, blob, auth);
}

}  // namespace

std::string SignAndVerify(TestTpm& tpm, const op::CreatedKey& key, std::string_view auth) {
  op::KeySign request;
  request.blob = key.blob;
  request.digest = Buffer(32, 0x11);
  request.auth = SecretOf(auth);
  const Buffer signature = tpm.Do(request);
  return Unless(crypto::VerifyDigest(crypto::DecodeSpki(key.public_key_der), AlgId::kEcdsa,
                                     AlgId::kSha256, request.digest, signature),
                "the signature does not verify");
}

std::string QuoteAndVerify(TestTpm& tpm, const op::CreatedKey& ak, bool with_pcrs) {
  op::QuoteOp request;
  request.blob = ak.blob;
  request.selection = SomePcrs();
  request.qualifying_data = BytesOfText("nonce");
  request.include_pcrs = with_pcrs;
  const op::QuoteResult quote = tpm.Do(request);
  op::VerifyQuote verify;
  verify.message = quote.message;
  verify.signature = quote.signature;
  verify.signer.ak_public = ak.blob.public_area;
  verify.qualifying_data = request.qualifying_data;
  verify.pcrs = quote.pcrs;
  return Unless(Run(verify).ok && quote.pcrs.has_value() == with_pcrs, "the quote is not right");
}

SecretBytes LargeData() {
  SecretBytes data;
  while (data.size() < 1500) {
    data.insert(data.end(), planted::kNvData.begin(), planted::kNvData.end());
  }
  return data;
}

op::NvWriteOp WriteLarge(uint32_t handle) {
  op::NvWriteOp request;
  request.handle = handle;
  request.data = LargeData();
  return request;
}

op::Credential CredentialFor(const Buffer& ek_public, const op::CreatedKey& ak) {
  op::MakeCredential request;
  request.ek_public = ek_public;
  request.ak_name = ak.name;
  request.secret = SecretOf(planted::kCredential);
  return Run(request);
}

Material MakeMaterial(TestTpm& tpm) {
  Material m;
  m.key = tpm.Do(op::KeyCreate());
  m.key_with_auth =
      tpm.Do(With<op::KeyCreate>([](auto& r) { r.auth = SecretOf(planted::kKeyAuth); }));
  m.ak = tpm.Do(op::ProvisionAk());
  m.rsa = tpm.Do(With<op::KeyCreate>([](auto& r) {
    r.type = "rsa";
    r.sign = false;
    r.decrypt = true;
  }));
  const auto modulus = std::get<crypto::RsaPublicKey>(crypto::DecodeSpki(m.rsa.public_key_der));
  m.rsa_cipher = crypto::RsaOaepEncrypt(modulus, AlgId::kSha256, {}, BytesOfText(planted::kPlain));
  m.sealed = tpm.Do(Seal("", {}));
  m.sealed_with_auth = tpm.Do(Seal(planted::kSealAuth, {}));
  m.sealed_to_pcrs = tpm.Do(Seal("", SomePcrs()));
  m.sealed_to_pcrs_with_auth = tpm.Do(Seal(planted::kSealAuth, SomePcrs()));
  tpm.Do(Define(m.nv_index, ""));
  tpm.Do(Define(m.nv_with_auth, planted::kNvAuth));
  tpm.Do(Write(m.nv_index, ""));
  tpm.Do(Write(m.nv_with_auth, planted::kNvAuth));

  m.rsa_ak = tpm.Do(With<op::ProvisionAk>([](auto& r) { r.algorithm = "rsa"; }));
  tpm.Do(With<op::NvDefineOp>([&m](auto& r) {
    r.handle = m.nv_large;
    r.size = static_cast<uint32_t>(LargeData().size());
  }));
  tpm.Do(WriteLarge(m.nv_large));
  m.credential =
      CredentialFor(tpm.Do(With<op::Ek>([](auto& r) { r.type = "ecc"; })).public_area, m.ak);
  tpm.FlushAll();
  tpm.NewClient();
  tpm.Persist(tpm.MakePrimary(templates::EndorsementKeyRsa(), rh::kEndorsement), m.rsa_ek);
  m.rsa_credential = CredentialFor(tpm.Do(op::ReadPublicOp{m.rsa_ek}).public_area, m.rsa_ak);
  return m;
}

std::vector<UseCase> AllUseCases(const Material& m) {
  using namespace planted;
  std::vector<UseCase> all;
  const auto add = [&all](UseCase use) { all.push_back(std::move(use)); };

  add({"probe", {}, [](TestTpm& t) { return t.Do(op::Probe()), std::string(); }});
  add({"info", {}, [](TestTpm& t) {
         return Unless(t.Do(op::Info()).spec == "2.0", "not a TPM 2.0");
       }});
  add({"capabilities", {}, [](TestTpm& t) {
         return Unless(t.Do(op::Capabilities()).commands.size() > 90, "few commands");
       }});
  add({"selfTest", {}, [](TestTpm& t) { return t.Do(op::SelfTestOp()), std::string(); }});
  add({"clock", {}, [](TestTpm& t) { return t.Do(op::Clock()), std::string(); }});
  add({"randomBytes", {}, [](TestTpm& t) {
         return Unless(t.Do(op::RandomBytes{100}).size() == 100, "not 100 octets");
       }});
  add({"stirRandom", {}, [](TestTpm& t) {
         op::StirRandomOp request;
         request.data.resize(200);
         return t.Do(request), std::string();
       }});
  add({"pcrRead", {}, [](TestTpm& t) {
         op::PcrReadOp request;
         request.selection = {{"sha256", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}};
         return Unless(t.Do(request).size() == 11, "not eleven values");
       }});
  add({"pcrExtend", {}, [](TestTpm& t) {
         return t.Do(op::PcrExtendOp{23, "sha256", Buffer(32, 1)}), std::string();
       }});
  add({"pcrEvent", {}, [](TestTpm& t) {
         return Unless(t.Do(op::PcrEventOp{23, Buffer(100)}).contains("sha256"), "no digest");
       }});
  add({"pcrReset", {}, [](TestTpm& t) { return t.Do(op::PcrResetOp{23}), std::string(); }});
  add({"pcrBanks", {}, [](TestTpm& t) {
         return Unless(t.Do(op::PcrBanks()).contains("sha256"), "no sha256 bank");
       }});
  add({"readPublic", {}, [](TestTpm& t) {
         return Unless(t.Do(op::ReadPublicOp{0x81000005}).type == "ecc", "not that key");
       }});
  add({"nvReadPublic", {}, [&m](TestTpm& t) {
         return Unless(t.Do(op::NvReadPublicOp{m.nv_index}).handle == m.nv_index, "another index");
       }});
  add({"nvRead",
       {},
       [&m](TestTpm& t) {
         return Unless(t.Do(Read(m.nv_index, "")) == SecretOf(kNvData), "not what was written");
       },
       true,
       {kNvData}});
  add({"nvRead with auth",
       {},
       [&m](TestTpm& t) {
         return Unless(t.Do(Read(m.nv_with_auth, kNvAuth)) == SecretOf(kNvData),
                       "not what was written");
       },
       true,
       {kNvData, kNvAuth}});
  add({"nvWrite",
       {},
       [&m](TestTpm& t) { return t.Do(Write(m.nv_index, "")), std::string(); },
       true,
       {kNvData}});
  add({"nvWrite with auth",
       {},
       [&m](TestTpm& t) { return t.Do(Write(m.nv_with_auth, kNvAuth)), std::string(); },
       true,
       {kNvData, kNvAuth}});
  const uint32_t scratch = m.nv_scratch;
  add({"nvDefine",
       [scratch](TestTpm& t) { Undefine(t, scratch); },
       [scratch](TestTpm& t) { return t.Do(Define(scratch, kNvAuth)), std::string(); },
       true,
       {kNvAuth}});
  add({"nvUndefine",
       [scratch](TestTpm& t) {
         Undefine(t, scratch);
         DefinePlain(t, scratch);
       },
       [scratch](TestTpm& t) {
         op::NvUndefineOp request;
         request.handle = scratch;
         return t.Do(request), std::string();
       }});
  add({"ekCertificate where there is none", {}, [](TestTpm& t) {
         return Unless(!t.Do(op::EkCertificate()).has_value(), "there is none");
       }});
  add({"keyCreate", {}, [](TestTpm& t) {
         const op::CreatedKey key = t.Do(op::KeyCreate());
         t.faulty().ClearFaults();
         return SignAndVerify(t, key, "");
       }});
  add({"keyCreate with auth",
       {},
       [](TestTpm& t) {
         const op::CreatedKey key =
             t.Do(With<op::KeyCreate>([](auto& r) { r.auth = SecretOf(kKeyAuth); }));
         t.faulty().ClearFaults();
         return SignAndVerify(t, key, kKeyAuth);
       },
       true,
       {kKeyAuth}});
  add({"keySign", {}, [&m](TestTpm& t) { return SignAndVerify(t, m.key, ""); }});
  add({"keySign with auth",
       {},
       [&m](TestTpm& t) { return SignAndVerify(t, m.key_with_auth, kKeyAuth); },
       true,
       {kKeyAuth}});
  add({"keyDecrypt",
       {},
       [&m](TestTpm& t) {
         op::KeyDecrypt request;
         request.blob = m.rsa.blob;
         request.cipher = m.rsa_cipher;
         return Unless(t.Do(request) == SecretOf(kPlain), "not the plaintext");
       },
       true,
       {kPlain}});
  add({"keyRelease", {}, [&m](TestTpm& t) {
         op::KeyRelease request;
         request.blob = m.key.blob;
         const std::string result = SignAndVerify(t, m.key, "");
         t.Do(request);
         return result;
       }});
  add({"seal", {}, [](TestTpm& t) { return SealAndCompare(t, "", {}); }, true, {kSealed}});
  add({"seal with auth",
       {},
       [](TestTpm& t) { return SealAndCompare(t, kSealAuth, {}); },
       true,
       {kSealed, kSealAuth}});
  add({"seal to PCRs",
       {},
       [](TestTpm& t) { return SealAndCompare(t, "", SomePcrs()); },
       false,
       {kSealed}});
  add({"unseal",
       {},
       [&m](TestTpm& t) { return UnsealAndCompare(t, m.sealed, ""); },
       true,
       {kSealed}});
  add({"unseal with auth",
       {},
       [&m](TestTpm& t) { return UnsealAndCompare(t, m.sealed_with_auth, kSealAuth); },
       true,
       {kSealed, kSealAuth}});
  add({"unseal by PCRs",
       {},
       [&m](TestTpm& t) { return UnsealAndCompare(t, m.sealed_to_pcrs, ""); },
       true,
       {kSealed}});
  add({"unseal by PCRs and auth",
       {},
       [&m](TestTpm& t) { return UnsealAndCompare(t, m.sealed_to_pcrs_with_auth, kSealAuth); },
       true,
       {kSealed, kSealAuth}});
  add({"provisionAk", {}, [](TestTpm& t) {
         const op::CreatedKey ak = t.Do(op::ProvisionAk());
         t.faulty().ClearFaults();
         return QuoteAndVerify(t, ak, false);
       }});
  add({"quote", {}, [&m](TestTpm& t) { return QuoteAndVerify(t, m.ak, false); }});
  add({"quote with PCRs", {}, [&m](TestTpm& t) { return QuoteAndVerify(t, m.ak, true); }});
  add({"activateCredential",
       {},
       [&m](TestTpm& t) {
         op::ActivateCredentialOp request;
         request.blob = m.ak.blob;
         request.credential_blob = m.credential.credential_blob;
         request.secret = m.credential.secret;
         return Unless(t.Do(request) == SecretOf(kCredential), "not the credential");
       },
       true,
       {kCredential}});
  add({"ek", {}, [](TestTpm& t) {
         return Unless(!t.Do(With<op::Ek>([](auto& r) { r.type = "ecc"; })).name.empty(),
                       "no name");
       }});
  for (UseCase& use : RareUseCases(m)) add(std::move(use));
  return all;
}

}  // namespace tpm2::testing
