// The server's half: what needs no TPM. Operations of this file are pure: Run() takes nothing but
// the request and may be called from any thread.
#ifndef TPM2_OPERATIONS_VERIFY_H_
#define TPM2_OPERATIONS_VERIFY_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

using PcrIndices = std::map<std::string, std::vector<uint32_t>>;  // bank -> ascending PCRs

// --- TPMS_ATTEST as a record -------------------------------------------------------------------

struct ClockRecord {
  uint64_t clock = 0;  // milliseconds
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool safe = false;
  static constexpr auto Fields() {
    return Record(F<&ClockRecord::clock>("clock"), F<&ClockRecord::reset_count>("resetCount"),
                  F<&ClockRecord::restart_count>("restartCount"), F<&ClockRecord::safe>("safe"));
  }
};
struct QuotedPcrs {
  PcrIndices pcr_select;
  Buffer pcr_digest;
  static constexpr auto Fields() {
    return Record(F<&QuotedPcrs::pcr_select>("pcrSelect"), F<&QuotedPcrs::pcr_digest>("pcrDigest"));
  }
};
struct CertifiedObject {
  Buffer name;
  Buffer qualified_name;
  static constexpr auto Fields() {
    return Record(F<&CertifiedObject::name>("name"),
                  F<&CertifiedObject::qualified_name>("qualifiedName"));
  }
};
struct CertifiedCreation {
  Buffer object_name;
  Buffer creation_hash;
  static constexpr auto Fields() {
    return Record(F<&CertifiedCreation::object_name>("objectName"),
                  F<&CertifiedCreation::creation_hash>("creationHash"));
  }
};
struct CertifiedTime {
  uint64_t time = 0;  // milliseconds since the TPM's power-on
  ClockRecord clock_info;
  std::string firmware_version;
  static constexpr auto Fields() {
    return Record(F<&CertifiedTime::time>("time"), F<&CertifiedTime::clock_info>("clockInfo"),
                  F<&CertifiedTime::firmware_version>("firmwareVersion"));
  }
};
struct CertifiedNv {
  Buffer index_name;
  uint32_t offset = 0;
  Buffer contents;
  static constexpr auto Fields() {
    return Record(F<&CertifiedNv::index_name>("indexName"), F<&CertifiedNv::offset>("offset"),
                  F<&CertifiedNv::contents>("contents"));
  }
};
struct CertifiedNvDigest {
  Buffer index_name;
  Buffer nv_digest;
  static constexpr auto Fields() {
    return Record(F<&CertifiedNvDigest::index_name>("indexName"),
                  F<&CertifiedNvDigest::nv_digest>("nvDigest"));
  }
};
struct SessionAudit {
  bool exclusive = false;
  Buffer session_digest;
  static constexpr auto Fields() {
    return Record(F<&SessionAudit::exclusive>("exclusive"),
                  F<&SessionAudit::session_digest>("sessionDigest"));
  }
};
struct CommandAudit {
  std::string audit_counter;  // decimal
  std::string digest_alg;
  Buffer audit_digest;
  Buffer command_digest;
  static constexpr auto Fields() {
    return Record(F<&CommandAudit::audit_counter>("auditCounter"),
                  F<&CommandAudit::digest_alg>("digestAlg"),
                  F<&CommandAudit::audit_digest>("auditDigest"),
                  F<&CommandAudit::command_digest>("commandDigest"));
  }
};

// The one member that `type` names is set.
struct AttestRecord {
  std::string type;
  Buffer qualified_signer;
  Buffer extra_data;
  ClockRecord clock_info;
  std::string firmware_version;  // 0x and 16 hexadecimal digits
  std::optional<QuotedPcrs> quote;
  std::optional<CertifiedObject> certify;
  std::optional<CertifiedCreation> creation;
  std::optional<CertifiedTime> time;
  std::optional<CertifiedNv> nv;
  std::optional<CertifiedNvDigest> nv_digest;
  std::optional<SessionAudit> session_audit;
  std::optional<CommandAudit> command_audit;
  static constexpr auto Fields() {
    return Record(
        F<&AttestRecord::type>("type"), F<&AttestRecord::qualified_signer>("qualifiedSigner"),
        F<&AttestRecord::extra_data>("extraData"), F<&AttestRecord::clock_info>("clockInfo"),
        F<&AttestRecord::firmware_version>("firmwareVersion"), F<&AttestRecord::quote>("quote"),
        F<&AttestRecord::certify>("certify"), F<&AttestRecord::creation>("creation"),
        F<&AttestRecord::time>("time"), F<&AttestRecord::nv>("nv"),
        F<&AttestRecord::nv_digest>("nvDigest"), F<&AttestRecord::session_audit>("sessionAudit"),
        F<&AttestRecord::command_audit>("commandAudit"));
  }
};
struct ParseAttest {
  static constexpr const char* kName = "parseAttest";
  using Result = AttestRecord;
  Buffer attest;  // TPMS_ATTEST or TPM2B_ATTEST
  static constexpr auto Fields() { return Record(F<&ParseAttest::attest>("attest")); }
};

// --- TPMT_PUBLIC as a record -------------------------------------------------------------------

struct SymmetricRecord {
  std::string algorithm;
  uint32_t bits = 0;
  std::string mode;
  static constexpr auto Fields() {
    return Record(F<&SymmetricRecord::algorithm>("algorithm"), F<&SymmetricRecord::bits>("bits"),
                  F<&SymmetricRecord::mode>("mode"));
  }
};
struct PublicRecord {
  std::string type;
  std::string name_alg;
  std::map<std::string, bool> attributes;  // every attribute of TPMA_OBJECT
  uint32_t attributes_raw = 0;
  Buffer auth_policy;
  std::optional<std::string> scheme;  // absent: chosen at use
  std::optional<std::string> hash;    // the scheme's
  std::optional<SymmetricRecord> symmetric;
  std::optional<uint32_t> bits;      // RSA
  std::optional<uint32_t> exponent;  // RSA
  std::optional<std::string> curve;  // ECC
  Buffer name;
  // SubjectPublicKeyInfo; absent for what is no RSA or ECC key, and for a template.
  std::optional<Buffer> public_key_der;
  Buffer public_area;  // TPM2B_PUBLIC
  static constexpr auto Fields() {
    return Record(F<&PublicRecord::type>("type"), F<&PublicRecord::name_alg>("nameAlg"),
                  F<&PublicRecord::attributes>("attributes"),
                  F<&PublicRecord::attributes_raw>("attributesRaw"),
                  F<&PublicRecord::auth_policy>("authPolicy"), F<&PublicRecord::scheme>("scheme"),
                  F<&PublicRecord::hash>("hash"), F<&PublicRecord::symmetric>("symmetric"),
                  F<&PublicRecord::bits>("bits"), F<&PublicRecord::exponent>("exponent"),
                  F<&PublicRecord::curve>("curve"), F<&PublicRecord::name>("name"),
                  F<&PublicRecord::public_key_der>("publicKeyDer"),
                  F<&PublicRecord::public_area>("publicArea"));
  }
};
struct ParsePublic {
  static constexpr const char* kName = "parsePublic";
  using Result = PublicRecord;
  Buffer public_area;  // TPM2B_PUBLIC or TPMT_PUBLIC
  static constexpr auto Fields() { return Record(F<&ParsePublic::public_area>("public")); }
};

// --- Credentials -------------------------------------------------------------------------------

// Bare: TPMS_ID_OBJECT and the octets of the encrypted seed, as activateCredential takes them.
struct Credential {
  Buffer credential_blob;
  Buffer secret;
  static constexpr auto Fields() {
    return Record(F<&Credential::credential_blob>("credentialBlob"),
                  F<&Credential::secret>("secret"));
  }
};
struct MakeCredential {
  static constexpr const char* kName = "makeCredential";
  using Result = Credential;
  Buffer ek_public;  // SubjectPublicKeyInfo or certificate (DER, PEM), TPM2B_PUBLIC, TPMT_PUBLIC
  Buffer ak_name;    // bare or as TPM2B_NAME
  SecretBytes secret;
  static constexpr auto Fields() {
    return Record(F<&MakeCredential::ek_public>("ekPublic"), F<&MakeCredential::ak_name>("akName"),
                  F<&MakeCredential::secret>("secret"));
  }
};
struct ParseCredential {
  static constexpr const char* kName = "parseCredential";
  using Result = Credential;
  Buffer credential;  // tpm2_makecredential's file, or TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET
  static constexpr auto Fields() { return Record(F<&ParseCredential::credential>("credential")); }
};

// --- Signed statements -------------------------------------------------------------------------

struct CheckRecord {
  std::string name;
  std::optional<bool> ok;  // absent: not checked
  std::optional<std::string> reason;
  static constexpr auto Fields() {
    return Record(F<&CheckRecord::name>("name"), F<&CheckRecord::ok>("ok"),
                  F<&CheckRecord::reason>("reason"));
  }
};

// Who must have signed, and how. Any of the three that say how wins over a default; those that are
// there have to agree: the caller's wish, the scheme in the key's public area, the TPMT_SIGNATURE.
struct SignerRecord {
  std::optional<Buffer> ak_public_key;  // SubjectPublicKeyInfo or certificate, DER or PEM
  std::optional<Buffer> ak_public;      // TPM2B_PUBLIC or TPMT_PUBLIC
  std::optional<std::string> scheme;    // "rsassa", "rsapss", "ecdsa"
  std::optional<std::string> hash;
  static constexpr auto Fields() {
    return Record(F<&SignerRecord::ak_public_key>("akPublicKey"),
                  F<&SignerRecord::ak_public>("akPublic"), F<&SignerRecord::scheme>("scheme"),
                  F<&SignerRecord::hash>("hash"));
  }
};

// What an earlier quote by the same key said.
struct PreviousQuote {
  Buffer qualified_signer;
  ClockRecord clock_info;
  std::string firmware_version;
  static constexpr auto Fields() {
    return Record(F<&PreviousQuote::qualified_signer>("qualifiedSigner"),
                  F<&PreviousQuote::clock_info>("clockInfo"),
                  F<&PreviousQuote::firmware_version>("firmwareVersion"));
  }
};

struct QuoteVerdict {
  bool ok = false;
  std::vector<CheckRecord> checks;
  std::optional<AttestRecord> attest;  // absent when the message does not parse
  static constexpr auto Fields() {
    return Record(F<&QuoteVerdict::ok>("ok"), F<&QuoteVerdict::checks>("checks"),
                  F<&QuoteVerdict::attest>("attest"));
  }
};
// INVALID_ARGUMENT for a key, a name of an algorithm or a PCR value that makes no sense; whatever
// the message and the signature are is a verdict.
struct VerifyQuote {
  static constexpr const char* kName = "verifyQuote";
  using Result = QuoteVerdict;
  Buffer message;    // TPMS_ATTEST, as it was signed
  Buffer signature;  // TPMT_SIGNATURE, RSA octets, r‖s, or DER
  SignerRecord signer;
  Buffer qualifying_data;
  std::optional<std::vector<PcrValue>> pcrs;
  std::optional<PreviousQuote> previous;
  static constexpr auto Fields() {
    return Record(F<&VerifyQuote::message>("message"), F<&VerifyQuote::signature>("signature"),
                  F<&VerifyQuote::signer>("signer"),
                  F<&VerifyQuote::qualifying_data>("qualifyingData"), F<&VerifyQuote::pcrs>("pcrs"),
                  F<&VerifyQuote::previous>("previous"));
  }
};

// TPMS_CREATION_DATA, Part 2 15.1.
struct CreationRecord {
  PcrIndices pcr_select;
  Buffer pcr_digest;
  uint32_t locality = 0;
  std::string parent_name_alg;
  Buffer parent_name;
  Buffer parent_qualified_name;
  Buffer outside_info;
  static constexpr auto Fields() {
    return Record(F<&CreationRecord::pcr_select>("pcrSelect"),
                  F<&CreationRecord::pcr_digest>("pcrDigest"),
                  F<&CreationRecord::locality>("locality"),
                  F<&CreationRecord::parent_name_alg>("parentNameAlg"),
                  F<&CreationRecord::parent_name>("parentName"),
                  F<&CreationRecord::parent_qualified_name>("parentQualifiedName"),
                  F<&CreationRecord::outside_info>("outsideInfo"));
  }
};

// The four parts of a creation attestation, each without its size.
struct CreationParts {
  Buffer public_area;
  Buffer creation_data;
  Buffer message;
  Buffer signature;
  std::optional<std::string> key_name;  // from a PCP blob
  std::optional<std::string> scope;     // from a PCP blob: "user", "machine"
  static constexpr auto Fields() {
    return Record(F<&CreationParts::public_area>("public"),
                  F<&CreationParts::creation_data>("creationData"),
                  F<&CreationParts::message>("message"), F<&CreationParts::signature>("signature"),
                  F<&CreationParts::key_name>("keyName"), F<&CreationParts::scope>("scope"));
  }
};
// PCP_TPM12_IDBINDING of Windows' Platform Crypto Provider, or the public part of a PCP1 or PCP2
// attestation key blob. NOT_SUPPORTED for an IDBINDING of a TPM 1.2.
struct ParseCreation {
  static constexpr const char* kName = "parseCreation";
  using Result = CreationParts;
  Buffer binding;
  static constexpr auto Fields() { return Record(F<&ParseCreation::binding>("binding")); }
};

struct CreationVerdict {
  bool ok = false;
  std::vector<CheckRecord> checks;
  std::optional<AttestRecord> attest;
  std::optional<CreationRecord> creation;  // absent when the creation data do not parse
  PublicRecord public_area;
  static constexpr auto Fields() {
    return Record(F<&CreationVerdict::ok>("ok"), F<&CreationVerdict::checks>("checks"),
                  F<&CreationVerdict::attest>("attest"), F<&CreationVerdict::creation>("creation"),
                  F<&CreationVerdict::public_area>("public"));
  }
};
// TPM2_CertifyCreation's result (Part 3 18.3). Without a signer the object itself has signed.
struct VerifyCreation {
  static constexpr const char* kName = "verifyCreation";
  using Result = CreationVerdict;
  Buffer public_area;    // TPM2B_PUBLIC or TPMT_PUBLIC
  Buffer creation_data;  // TPMS_CREATION_DATA, or sized
  Buffer message;
  Buffer signature;
  SignerRecord signer;
  std::optional<Buffer> qualifying_data;
  static constexpr auto Fields() {
    return Record(F<&VerifyCreation::public_area>("public"),
                  F<&VerifyCreation::creation_data>("creationData"),
                  F<&VerifyCreation::message>("message"),
                  F<&VerifyCreation::signature>("signature"), F<&VerifyCreation::signer>("signer"),
                  F<&VerifyCreation::qualifying_data>("qualifyingData"));
  }
};

}  // namespace tpm2::op

namespace tpm2 {
op::AttestRecord Run(const op::ParseAttest&);
op::PublicRecord Run(const op::ParsePublic&);
op::Credential Run(const op::MakeCredential&);
op::Credential Run(const op::ParseCredential&);
op::QuoteVerdict Run(const op::VerifyQuote&);
op::CreationParts Run(const op::ParseCreation&);
op::CreationVerdict Run(const op::VerifyCreation&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_VERIFY_H_
