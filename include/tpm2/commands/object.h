// TPM 2.0 Part 3, 12 to 15, 20, 24: objects and what keys do.
#ifndef TPM2_COMMANDS_OBJECT_H_
#define TPM2_COMMANDS_OBJECT_H_

#include "tpm2/command.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

struct CreatePrimaryResponse {
  NewHandle object_handle;
  Sized<Public> out_public;
  Sized<CreationData> creation_data;
  Digest creation_hash;
  Ticket creation_ticket;
  NameBytes name;
  static constexpr auto Fields() {
    return Declare<CreatePrimaryResponse>(
        F<&CreatePrimaryResponse::object_handle>("objectHandle"),
        F<&CreatePrimaryResponse::out_public>("outPublic"),
        F<&CreatePrimaryResponse::creation_data>("creationData"),
        F<&CreatePrimaryResponse::creation_hash>("creationHash"),
        F<&CreatePrimaryResponse::creation_ticket>("creationTicket"),
        F<&CreatePrimaryResponse::name>("name"));
  }
};

// Part 3 24.1.
struct CreatePrimary {
  static constexpr CommandCode kCode = CommandCode::kCreatePrimary;
  using Response = CreatePrimaryResponse;
  UserHandle primary_handle;
  Sized<SensitiveCreate> in_sensitive;
  Sized<Public> in_public;
  Data outside_info;
  PcrSelectionList creation_pcr;
  static constexpr auto Fields() {
    return Declare<CreatePrimary>(F<&CreatePrimary::primary_handle>("primaryHandle"),
                                  F<&CreatePrimary::in_sensitive>("inSensitive"),
                                  F<&CreatePrimary::in_public>("inPublic"),
                                  F<&CreatePrimary::outside_info>("outsideInfo"),
                                  F<&CreatePrimary::creation_pcr>("creationPCR"));
  }
};

struct CreateResponse {
  Private out_private;
  Sized<Public> out_public;
  Sized<CreationData> creation_data;
  Digest creation_hash;
  Ticket creation_ticket;
  static constexpr auto Fields() {
    return Declare<CreateResponse>(F<&CreateResponse::out_private>("outPrivate"),
                                   F<&CreateResponse::out_public>("outPublic"),
                                   F<&CreateResponse::creation_data>("creationData"),
                                   F<&CreateResponse::creation_hash>("creationHash"),
                                   F<&CreateResponse::creation_ticket>("creationTicket"));
  }
};

// Part 3 12.1.
struct Create {
  static constexpr CommandCode kCode = CommandCode::kCreate;
  using Response = CreateResponse;
  UserHandle parent_handle;
  Sized<SensitiveCreate> in_sensitive;
  Sized<Public> in_public;
  Data outside_info;
  PcrSelectionList creation_pcr;
  static constexpr auto Fields() {
    return Declare<Create>(
        F<&Create::parent_handle>("parentHandle"), F<&Create::in_sensitive>("inSensitive"),
        F<&Create::in_public>("inPublic"), F<&Create::outside_info>("outsideInfo"),
        F<&Create::creation_pcr>("creationPCR"));
  }
};

struct LoadResponse {
  NewHandle object_handle;
  NameBytes name;
  static constexpr auto Fields() {
    return Declare<LoadResponse>(F<&LoadResponse::object_handle>("objectHandle"),
                                 F<&LoadResponse::name>("name"));
  }
};

// Part 3 12.2.
struct Load {
  static constexpr CommandCode kCode = CommandCode::kLoad;
  using Response = LoadResponse;
  UserHandle parent_handle;
  Private in_private;
  Sized<Public> in_public;
  static constexpr auto Fields() {
    return Declare<Load>(F<&Load::parent_handle>("parentHandle"), F<&Load::in_private>("inPrivate"),
                         F<&Load::in_public>("inPublic"));
  }
};

struct ReadPublicResponse {
  Sized<Public> out_public;
  NameBytes name;
  NameBytes qualified_name;
  static constexpr auto Fields() {
    return Declare<ReadPublicResponse>(F<&ReadPublicResponse::out_public>("outPublic"),
                                       F<&ReadPublicResponse::name>("name"),
                                       F<&ReadPublicResponse::qualified_name>("qualifiedName"));
  }
};

// Part 3 12.4.
struct ReadPublic {
  static constexpr CommandCode kCode = CommandCode::kReadPublic;
  using Response = ReadPublicResponse;
  PlainHandle object_handle;
  static constexpr auto Fields() {
    return Declare<ReadPublic>(F<&ReadPublic::object_handle>("objectHandle"));
  }
};

struct ActivateCredentialResponse {
  SecretDigest cert_info;
  static constexpr auto Fields() {
    return Declare<ActivateCredentialResponse>(
        F<&ActivateCredentialResponse::cert_info>("certInfo"));
  }
};

// Part 3 12.5.
struct ActivateCredential {
  static constexpr CommandCode kCode = CommandCode::kActivateCredential;
  using Response = ActivateCredentialResponse;
  AdminHandle activate_handle;
  UserHandle key_handle;
  Sized<IdObject> credential_blob;
  EncryptedSecret secret;
  static constexpr auto Fields() {
    return Declare<ActivateCredential>(F<&ActivateCredential::activate_handle>("activateHandle"),
                                       F<&ActivateCredential::key_handle>("keyHandle"),
                                       F<&ActivateCredential::credential_blob>("credentialBlob"),
                                       F<&ActivateCredential::secret>("secret"));
  }
};

struct UnsealResponse {
  SensitiveData out_data;
  static constexpr auto Fields() {
    return Declare<UnsealResponse>(F<&UnsealResponse::out_data>("outData"));
  }
};

// Part 3 12.7.
struct Unseal {
  static constexpr CommandCode kCode = CommandCode::kUnseal;
  using Response = UnsealResponse;
  UserHandle item_handle;
  static constexpr auto Fields() { return Declare<Unseal>(F<&Unseal::item_handle>("itemHandle")); }
};

struct RsaDecryptResponse {
  RsaPlain message;
  static constexpr auto Fields() {
    return Declare<RsaDecryptResponse>(F<&RsaDecryptResponse::message>("message"));
  }
};

// Part 3 14.3.
struct RsaDecrypt {
  static constexpr CommandCode kCode = CommandCode::kRsaDecrypt;
  using Response = RsaDecryptResponse;
  UserHandle key_handle;
  RsaModulus cipher_text;
  Scheme in_scheme;
  Data label;
  static constexpr auto Fields() {
    return Declare<RsaDecrypt>(
        F<&RsaDecrypt::key_handle>("keyHandle"), F<&RsaDecrypt::cipher_text>("cipherText"),
        F<&RsaDecrypt::in_scheme>("inScheme"), F<&RsaDecrypt::label>("label"));
  }
};

struct SignResponse {
  Signature signature;
  static constexpr auto Fields() {
    return Declare<SignResponse>(F<&SignResponse::signature>("signature"));
  }
};

// Part 3 20.2.
struct Sign {
  static constexpr CommandCode kCode = CommandCode::kSign;
  using Response = SignResponse;
  UserHandle key_handle;
  Digest digest;
  Scheme in_scheme;
  Ticket validation;
  static constexpr auto Fields() {
    return Declare<Sign>(F<&Sign::key_handle>("keyHandle"), F<&Sign::digest>("digest"),
                         F<&Sign::in_scheme>("inScheme"), F<&Sign::validation>("validation"));
  }
};

}  // namespace tpm2

#endif  // TPM2_COMMANDS_OBJECT_H_
