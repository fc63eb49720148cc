// TPM 2.0 Part 2, 10.12: what a TPM attests to.
#ifndef TPM2_STRUCTURES_ATTEST_H_
#define TPM2_STRUCTURES_ATTEST_H_

#include "tpm2/structures/basic.h"

namespace tpm2 {

// TPMS_CERTIFY_INFO, Part 2 10.12.3.
struct CertifyInfo {
  NameBytes name;
  NameBytes qualified_name;
  static constexpr auto Fields() {
    return Declare<CertifyInfo>(F<&CertifyInfo::name>("name"),
                                F<&CertifyInfo::qualified_name>("qualifiedName"));
  }
};

// TPMS_QUOTE_INFO, Part 2 10.12.4.
struct QuoteInfo {
  PcrSelectionList pcr_select;
  Digest pcr_digest;
  static constexpr auto Fields() {
    return Declare<QuoteInfo>(F<&QuoteInfo::pcr_select>("pcrSelect"),
                              F<&QuoteInfo::pcr_digest>("pcrDigest"));
  }
};

// TPMS_COMMAND_AUDIT_INFO, Part 2 10.12.5.
struct CommandAuditInfo {
  uint64_t audit_counter = 0;
  AlgId digest_alg{};
  Digest audit_digest;
  Digest command_digest;
  static constexpr auto Fields() {
    return Declare<CommandAuditInfo>(F<&CommandAuditInfo::audit_counter>("auditCounter"),
                                     F<&CommandAuditInfo::digest_alg>("digestAlg"),
                                     F<&CommandAuditInfo::audit_digest>("auditDigest"),
                                     F<&CommandAuditInfo::command_digest>("commandDigest"));
  }
};

// TPMS_SESSION_AUDIT_INFO, Part 2 10.12.6.
struct SessionAuditInfo {
  bool exclusive_session = false;
  Digest session_digest;
  static constexpr auto Fields() {
    return Declare<SessionAuditInfo>(F<&SessionAuditInfo::exclusive_session>("exclusiveSession"),
                                     F<&SessionAuditInfo::session_digest>("sessionDigest"));
  }
};

// TPMS_CREATION_INFO, Part 2 10.12.7.
struct CreationInfo {
  NameBytes object_name;
  Digest creation_hash;
  static constexpr auto Fields() {
    return Declare<CreationInfo>(F<&CreationInfo::object_name>("objectName"),
                                 F<&CreationInfo::creation_hash>("creationHash"));
  }
};

// TPMS_NV_CERTIFY_INFO, Part 2 10.12.8.
struct NvCertifyInfo {
  NameBytes index_name;
  uint16_t offset = 0;
  Bytes<4096> contents;
  static constexpr auto Fields() {
    return Declare<NvCertifyInfo>(F<&NvCertifyInfo::index_name>("indexName"),
                                  F<&NvCertifyInfo::offset>("offset"),
                                  F<&NvCertifyInfo::contents>("nvContents"));
  }
};

// TPMS_NV_DIGEST_CERTIFY_INFO, Part 2 10.12.9.
struct NvDigestCertifyInfo {
  NameBytes index_name;
  Digest nv_digest;
  static constexpr auto Fields() {
    return Declare<NvDigestCertifyInfo>(F<&NvDigestCertifyInfo::index_name>("indexName"),
                                        F<&NvDigestCertifyInfo::nv_digest>("nvDigest"));
  }
};

// TPMS_TIME_ATTEST_INFO, Part 2 10.12.2.
struct TimeAttestInfo {
  TimeInfo time;
  uint64_t firmware_version = 0;
  static constexpr auto Fields() {
    return Declare<TimeAttestInfo>(F<&TimeAttestInfo::time>("time"),
                                   F<&TimeAttestInfo::firmware_version>("firmwareVersion"));
  }
};

// TPMS_ATTEST, Part 2 10.12.12.
struct Attest {
  uint32_t magic = 0;
  StructureTag type{};
  NameBytes qualified_signer;
  Data extra_data;
  ClockInfo clock_info;
  uint64_t firmware_version = 0;
  Union<Case<StructureTag::kAttestCertify, CertifyInfo>,
        Case<StructureTag::kAttestCreation, CreationInfo>,
        Case<StructureTag::kAttestQuote, QuoteInfo>,
        Case<StructureTag::kAttestCommandAudit, CommandAuditInfo>,
        Case<StructureTag::kAttestSessionAudit, SessionAuditInfo>,
        Case<StructureTag::kAttestTime, TimeAttestInfo>,
        Case<StructureTag::kAttestNv, NvCertifyInfo>,
        Case<StructureTag::kAttestNvDigest, NvDigestCertifyInfo>>
      attested;
  static constexpr auto Fields() {
    return Declare<Attest>(F<&Attest::magic>("magic"), F<&Attest::type>("type"),
                           F<&Attest::qualified_signer>("qualifiedSigner"),
                           F<&Attest::extra_data>("extraData"), F<&Attest::clock_info>("clockInfo"),
                           F<&Attest::firmware_version>("firmwareVersion"),
                           F<&Attest::attested, &Attest::type>("attested"));
  }
};

// TPM2B_ATTEST, Part 2 10.12.13: kept as the bytes that were signed.
using AttestBytes = Bytes<4096>;

}  // namespace tpm2

#endif  // TPM2_STRUCTURES_ATTEST_H_
