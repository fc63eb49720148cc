// TPM 2.0 Part 2, 11 and 12: keys, schemes, signatures, objects.
#ifndef TPM2_STRUCTURES_PUBLIC_H_
#define TPM2_STRUCTURES_PUBLIC_H_

#include "tpm2/structures/basic.h"

namespace tpm2 {

// TPMS_SCHEME_HASH, Part 2 11.1.17 and its aliases.
struct SchemeHash {
  AlgId hash{};
  static constexpr auto Fields() { return Declare<SchemeHash>(F<&SchemeHash::hash>("hashAlg")); }
};

// TPMS_SCHEME_ECDAA, Part 2 11.1.18.
struct SchemeEcdaa {
  AlgId hash{};
  uint16_t count = 0;
  static constexpr auto Fields() {
    return Declare<SchemeEcdaa>(F<&SchemeEcdaa::hash>("hashAlg"), F<&SchemeEcdaa::count>("count"));
  }
};

// TPMS_SCHEME_XOR, Part 2 11.1.21.
struct SchemeXor {
  AlgId hash{};
  AlgId kdf{};
  static constexpr auto Fields() {
    return Declare<SchemeXor>(F<&SchemeXor::hash>("hashAlg"), F<&SchemeXor::kdf>("kdf"));
  }
};

// TPMU_ASYM_SCHEME, Part 2 11.2.3.5; TPMT_SIG_SCHEME's details are a subset of it.
using SchemeDetails = Union<Case<AlgId::kNull, Empty>, Case<AlgId::kRsaSsa, SchemeHash>,
                            Case<AlgId::kRsaPss, SchemeHash>, Case<AlgId::kEcdsa, SchemeHash>,
                            Case<AlgId::kOaep, SchemeHash>, Case<AlgId::kRsaEs, Empty>,
                            Case<AlgId::kEcdaa, SchemeEcdaa>, Case<AlgId::kSm2, SchemeHash>,
                            Case<AlgId::kEcSchnorr, SchemeHash>, Case<AlgId::kEcdh, SchemeHash>,
                            Case<AlgId::kEcMqv, SchemeHash>, Case<AlgId::kHmac, SchemeHash>>;

// TPMT_SIG_SCHEME 11.2.1.5, TPMT_RSA_SCHEME 11.2.4.2, TPMT_RSA_DECRYPT 11.2.4.4, TPMT_ECC_SCHEME.
struct Scheme {
  AlgId scheme = AlgId::kNull;
  SchemeDetails details;
  static constexpr auto Fields() {
    return Declare<Scheme>(F<&Scheme::scheme>("scheme"),
                           F<&Scheme::details, &Scheme::scheme>("details"));
  }

  static Scheme Null() { return {}; }
  static Scheme RsaSsa(AlgId hash) { return With<AlgId::kRsaSsa>(hash); }
  static Scheme RsaPss(AlgId hash) { return With<AlgId::kRsaPss>(hash); }
  static Scheme Ecdsa(AlgId hash) { return With<AlgId::kEcdsa>(hash); }
  static Scheme Oaep(AlgId hash) { return With<AlgId::kOaep>(hash); }
  // The hash that the scheme names; kNull when it names none.
  AlgId hash() const;

 private:
  template <AlgId kScheme>
  static Scheme With(AlgId hash) {
    Scheme scheme;
    scheme.scheme = kScheme;
    scheme.details.emplace<kScheme>().hash = hash;
    return scheme;
  }
};

// TPMT_KDF_SCHEME, Part 2 11.2.3.3.
struct KdfScheme {
  AlgId scheme = AlgId::kNull;
  Union<Case<AlgId::kNull, Empty>, Case<AlgId::kMgf1, SchemeHash>,
        Case<AlgId::kKdf1Sp800_56a, SchemeHash>, Case<AlgId::kKdf2, SchemeHash>,
        Case<AlgId::kKdf1Sp800_108, SchemeHash>>
      details;
  static constexpr auto Fields() {
    return Declare<KdfScheme>(F<&KdfScheme::scheme>("scheme"),
                              F<&KdfScheme::details, &KdfScheme::scheme>("details"));
  }
};

// TPMT_KEYEDHASH_SCHEME, Part 2 11.1.23.
struct KeyedHashScheme {
  AlgId scheme = AlgId::kNull;
  Union<Case<AlgId::kNull, Empty>, Case<AlgId::kHmac, SchemeHash>, Case<AlgId::kXor, SchemeXor>>
      details;
  static constexpr auto Fields() {
    return Declare<KeyedHashScheme>(
        F<&KeyedHashScheme::scheme>("scheme"),
        F<&KeyedHashScheme::details, &KeyedHashScheme::scheme>("details"));
  }
};

using RsaModulus = Bytes<512>;    // TPM2B_PUBLIC_KEY_RSA, Part 2 11.2.4.5
using EccParameter = Bytes<128>;  // TPM2B_ECC_PARAMETER, Part 2 11.2.5.1
using RsaPlain = Secret<512>;     // a TPM2B_PUBLIC_KEY_RSA that carries a plaintext

// TPMS_ECC_POINT, Part 2 11.2.5.2.
struct EccPoint {
  EccParameter x;
  EccParameter y;
  static constexpr auto Fields() {
    return Declare<EccPoint>(F<&EccPoint::x>("x"), F<&EccPoint::y>("y"));
  }
};

// TPMS_RSA_PARMS, Part 2 12.2.3.5. Exponent 0 means 65537.
struct RsaParms {
  SymDef symmetric;
  Scheme scheme;
  uint16_t key_bits = 0;
  uint32_t exponent = 0;
  static constexpr auto Fields() {
    return Declare<RsaParms>(F<&RsaParms::symmetric>("symmetric"), F<&RsaParms::scheme>("scheme"),
                             F<&RsaParms::key_bits>("keyBits"), F<&RsaParms::exponent>("exponent"));
  }
};

// TPMS_ECC_PARMS, Part 2 12.2.3.6.
struct EccParms {
  SymDef symmetric;
  Scheme scheme;
  EccCurve curve{};
  KdfScheme kdf;
  static constexpr auto Fields() {
    return Declare<EccParms>(F<&EccParms::symmetric>("symmetric"), F<&EccParms::scheme>("scheme"),
                             F<&EccParms::curve>("curveID"), F<&EccParms::kdf>("kdf"));
  }
};

// TPMS_KEYEDHASH_PARMS, Part 2 12.2.3.3.
struct KeyedHashParms {
  KeyedHashScheme scheme;
  static constexpr auto Fields() {
    return Declare<KeyedHashParms>(F<&KeyedHashParms::scheme>("scheme"));
  }
};

// TPMS_SYMCIPHER_PARMS, Part 2 11.1.9.
struct SymCipherParms {
  SymDef symmetric;
  static constexpr auto Fields() {
    return Declare<SymCipherParms>(F<&SymCipherParms::symmetric>("sym"));
  }
};

// TPMT_PUBLIC, Part 2 12.2.4.
struct Public {
  AlgId type{};
  AlgId name_alg{};
  ObjectAttributes attributes{};
  Digest auth_policy;
  Union<Case<AlgId::kRsa, RsaParms>, Case<AlgId::kEcc, EccParms>,
        Case<AlgId::kKeyedHash, KeyedHashParms>, Case<AlgId::kSymCipher, SymCipherParms>>
      parameters;
  Union<Case<AlgId::kRsa, RsaModulus>, Case<AlgId::kEcc, EccPoint>, Case<AlgId::kKeyedHash, Digest>,
        Case<AlgId::kSymCipher, Digest>>
      unique;
  static constexpr auto Fields() {
    return Declare<Public>(F<&Public::type>("type"), F<&Public::name_alg>("nameAlg"),
                           F<&Public::attributes>("objectAttributes"),
                           F<&Public::auth_policy>("authPolicy"),
                           F<&Public::parameters, &Public::type>("parameters"),
                           F<&Public::unique, &Public::type>("unique"));
  }

  const RsaParms* rsa() const { return parameters.get_if<AlgId::kRsa>(); }
  const EccParms* ecc() const { return parameters.get_if<AlgId::kEcc>(); }
  // The scheme that a key is bound to; a null one where that is left open, or there is none.
  const Scheme& scheme() const {
    static const Scheme kOpen;
    if (rsa() != nullptr) return rsa()->scheme;
    return ecc() != nullptr ? ecc()->scheme : kOpen;
  }
};

// TPMS_SENSITIVE_CREATE, Part 2 11.1.15.
struct SensitiveCreate {
  Auth user_auth;
  Secret<1024> data;
  static constexpr auto Fields() {
    return Declare<SensitiveCreate>(F<&SensitiveCreate::user_auth>("userAuth"),
                                    F<&SensitiveCreate::data>("data"));
  }
};

using Private = Bytes<2048>;         // TPM2B_PRIVATE, Part 2 12.3.7: encrypted by its parent
using SensitiveData = Secret<1024>;  // TPM2B_SENSITIVE_DATA, Part 2 11.1.14

// TPMS_CREATION_DATA, Part 2 15.1.
struct CreationData {
  PcrSelectionList pcr_select;
  Digest pcr_digest;
  uint8_t locality = 0;
  AlgId parent_name_alg{};
  NameBytes parent_name;
  NameBytes parent_qualified_name;
  Data outside_info;
  static constexpr auto Fields() {
    return Declare<CreationData>(
        F<&CreationData::pcr_select>("pcrSelect"), F<&CreationData::pcr_digest>("pcrDigest"),
        F<&CreationData::locality>("locality"), F<&CreationData::parent_name_alg>("parentNameAlg"),
        F<&CreationData::parent_name>("parentName"),
        F<&CreationData::parent_qualified_name>("parentQualifiedName"),
        F<&CreationData::outside_info>("outsideInfo"));
  }
};

// TPMS_SIGNATURE_RSA, Part 2 11.3.1.
struct SignatureRsa {
  AlgId hash{};
  RsaModulus signature;
  static constexpr auto Fields() {
    return Declare<SignatureRsa>(F<&SignatureRsa::hash>("hash"),
                                 F<&SignatureRsa::signature>("sig"));
  }
};

// TPMS_SIGNATURE_ECC, Part 2 11.3.2.
struct SignatureEcc {
  AlgId hash{};
  EccParameter r;
  EccParameter s;
  static constexpr auto Fields() {
    return Declare<SignatureEcc>(F<&SignatureEcc::hash>("hash"), F<&SignatureEcc::r>("signatureR"),
                                 F<&SignatureEcc::s>("signatureS"));
  }
};

// TPMT_SIGNATURE, Part 2 11.3.4.
struct Signature {
  AlgId scheme = AlgId::kNull;
  Union<Case<AlgId::kNull, Empty>, Case<AlgId::kRsaSsa, SignatureRsa>,
        Case<AlgId::kRsaPss, SignatureRsa>, Case<AlgId::kEcdsa, SignatureEcc>,
        Case<AlgId::kEcdaa, SignatureEcc>, Case<AlgId::kSm2, SignatureEcc>,
        Case<AlgId::kEcSchnorr, SignatureEcc>, Case<AlgId::kHmac, HashValue>>
      value;
  static constexpr auto Fields() {
    return Declare<Signature>(F<&Signature::scheme>("sigAlg"),
                              F<&Signature::value, &Signature::scheme>("signature"));
  }
};

// TPMS_ID_OBJECT, Part 2 12.4.2: the integrity HMAC and the encrypted credential.
struct IdObject {
  Digest integrity_hmac;
  // The encrypted TPM2B_DIGEST fills what is left of the structure.
  Buffer enc_identity;

  void Marshal(Writer& writer) const {
    integrity_hmac.Marshal(writer);
    writer.Raw(enc_identity);
  }
  void Unmarshal(Reader& reader) {
    integrity_hmac.Unmarshal(reader);
    enc_identity = ToBuffer(reader.Raw(reader.remaining()));
  }
};

}  // namespace tpm2

#endif  // TPM2_STRUCTURES_PUBLIC_H_
