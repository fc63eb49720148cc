#include "verifier/records.h"

#include <algorithm>

#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "verifier/argument.h"

namespace tpm2::verifier {
namespace {

// Puts the arm of the union into its member of the record.
struct AttestedWriter {
  op::AttestRecord& record;

  void operator()(const QuoteInfo& info) {
    record.type = "quote";
    record.quote = {ToRecord(info.pcr_select), info.pcr_digest.octets()};
  }
  void operator()(const CertifyInfo& info) {
    record.type = "certify";
    record.certify = {info.name.octets(), info.qualified_name.octets()};
  }
  void operator()(const CreationInfo& info) {
    record.type = "creation";
    record.creation = {info.object_name.octets(), info.creation_hash.octets()};
  }
  void operator()(const TimeAttestInfo& info) {
    record.type = "time";
    record.time = {info.time.time, ToRecord(info.time.clock_info),
                   FirmwareText(info.firmware_version)};
  }
  void operator()(const NvCertifyInfo& info) {
    record.type = "nv";
    record.nv = {info.index_name.octets(), info.offset, info.contents.octets()};
  }
  void operator()(const NvDigestCertifyInfo& info) {
    record.type = "nvDigest";
    record.nv_digest = {info.index_name.octets(), info.nv_digest.octets()};
  }
  void operator()(const SessionAuditInfo& info) {
    record.type = "sessionAudit";
    record.session_audit = {info.exclusive_session, info.session_digest.octets()};
  }
  void operator()(const CommandAuditInfo& info) {
    record.type = "commandAudit";
    record.command_audit = {std::to_string(info.audit_counter), AlgorithmText(info.digest_alg),
                            info.audit_digest.octets(), info.command_digest.octets()};
  }
};

// TPMA_OBJECT, Part 2 8.3.
constexpr std::pair<ObjectAttributes, const char*> kAttributes[] = {
    {ObjectAttributes::kFixedTpm, "fixedTPM"},
    {ObjectAttributes::kStClear, "stClear"},
    {ObjectAttributes::kFixedParent, "fixedParent"},
    {ObjectAttributes::kSensitiveDataOrigin, "sensitiveDataOrigin"},
    {ObjectAttributes::kUserWithAuth, "userWithAuth"},
    {ObjectAttributes::kAdminWithPolicy, "adminWithPolicy"},
    {ObjectAttributes::kNoDa, "noDA"},
    {ObjectAttributes::kEncryptedDuplication, "encryptedDuplication"},
    {ObjectAttributes::kRestricted, "restricted"},
    {ObjectAttributes::kDecrypt, "decrypt"},
    {ObjectAttributes::kSign, "sign"},
    {ObjectAttributes::kX509Sign, "x509sign"},
};

void SetScheme(op::PublicRecord& record, AlgId scheme, AlgId hash) {
  if (scheme == AlgId::kNull) return;
  record.scheme = AlgorithmText(scheme);
  if (hash != AlgId::kNull) record.hash = AlgorithmText(hash);
}

void SetSymmetric(op::PublicRecord& record, const SymDef& symmetric) {
  if (symmetric.algorithm == AlgId::kNull) return;
  record.symmetric = {AlgorithmText(symmetric.algorithm), symmetric.key_bits,
                      AlgorithmText(symmetric.mode)};
}

struct ParametersWriter {
  op::PublicRecord& record;

  void operator()(const RsaParms& parms) {
    SetScheme(record, parms.scheme.scheme, parms.scheme.hash());
    SetSymmetric(record, parms.symmetric);
    record.bits = parms.key_bits;
    record.exponent = parms.exponent == 0 ? 65537 : parms.exponent;
  }
  void operator()(const EccParms& parms) {
    SetScheme(record, parms.scheme.scheme, parms.scheme.hash());
    SetSymmetric(record, parms.symmetric);
    record.curve = CurveText(parms.curve);
  }
  void operator()(const KeyedHashParms& parms) {
    AlgId hash = AlgId::kNull;
    if (const auto* hmac = parms.scheme.details.get_if<AlgId::kHmac>()) hash = hmac->hash;
    if (const auto* mask = parms.scheme.details.get_if<AlgId::kXor>()) hash = mask->hash;
    SetScheme(record, parms.scheme.scheme, hash);
  }
  void operator()(const SymCipherParms& parms) { SetSymmetric(record, parms.symmetric); }
};

// Whether there is a key to show: a template's `unique` is empty.
bool HasKey(const Public& area) {
  if (const auto* modulus = area.unique.get_if<AlgId::kRsa>()) return !modulus->empty();
  if (const auto* point = area.unique.get_if<AlgId::kEcc>()) {
    return !point->x.empty() && !point->y.empty() && crypto::CurveSize(area.ecc()->curve) != 0;
  }
  return false;
}

std::optional<Buffer> PublicKeyDer(const Public& area) {
  if (!HasKey(area)) return std::nullopt;
  try {
    return crypto::EncodeSpki(crypto::PublicKeyOf(area));
  } catch (const Error& error) {
    if (error.code == ErrorCode::kNotSupported) return std::nullopt;
    throw;
  }
}

}  // namespace

std::string FirmwareText(uint64_t version) { return HexNumber(version, 16); }

op::PcrIndices ToRecord(const PcrSelectionList& selection) {
  op::PcrIndices banks;
  for (const PcrSelection& item : selection.items) {
    std::vector<uint32_t>& pcrs = banks[AlgorithmText(item.hash)];
    for (uint32_t pcr = 0; pcr < item.select.octets().size() * 8; ++pcr) {
      if (item.Contains(pcr)) pcrs.push_back(pcr);
    }
    // A list may name a bank twice.
    std::sort(pcrs.begin(), pcrs.end());
    pcrs.erase(std::unique(pcrs.begin(), pcrs.end()), pcrs.end());
  }
  return banks;
}

op::ClockRecord ToRecord(const ClockInfo& clock) {
  return {clock.clock, clock.reset_count, clock.restart_count, clock.safe};
}

op::AttestRecord ToRecord(const Attest& attest) {
  op::AttestRecord record;
  record.qualified_signer = attest.qualified_signer.octets();
  record.extra_data = attest.extra_data.octets();
  record.clock_info = ToRecord(attest.clock_info);
  record.firmware_version = FirmwareText(attest.firmware_version);
  AttestedWriter writer{record};
  attest.attested.Visit(writer);
  return record;
}

op::CreationRecord ToRecord(const CreationData& data) {
  return {ToRecord(data.pcr_select),
          data.pcr_digest.octets(),
          data.locality,
          AlgorithmText(data.parent_name_alg),
          data.parent_name.octets(),
          data.parent_qualified_name.octets(),
          data.outside_info.octets()};
}

op::PublicRecord ToRecord(const Public& area) {
  op::PublicRecord record;
  record.type = AlgorithmText(area.type);
  record.name_alg = AlgorithmText(area.name_alg);
  for (const auto& [bit, name] : kAttributes) record.attributes[name] = Has(area.attributes, bit);
  record.attributes_raw = static_cast<uint32_t>(area.attributes);
  record.auth_policy = area.auth_policy.octets();
  ParametersWriter writer{record};
  area.parameters.Visit(writer);
  record.name = ToBuffer(crypto::NameOf(area).view());
  record.public_key_der = PublicKeyDer(area);
  record.public_area = ToBytes(Sized<Public>{area}, "TPM2B_PUBLIC");
  return record;
}

Public ReadPublicArea(std::string_view argument, ByteView bytes) {
  return ReadArgument(argument,
                      [&] { return FromBytes<Public>(WithoutSize(bytes), "TPMT_PUBLIC"); });
}

}  // namespace tpm2::verifier

namespace tpm2 {

op::PublicRecord Run(const op::ParsePublic& request) {
  const Public area = verifier::ReadPublicArea("public", request.public_area);
  return verifier::ReadArgument("public", [&] { return verifier::ToRecord(area); });
}

op::AttestRecord Run(const op::ParseAttest& request) {
  const Attest attest = verifier::ReadArgument("attest", [&] {
    return FromBytes<Attest>(verifier::WithoutSize(request.attest), "TPMS_ATTEST");
  });
  if (attest.magic != kTpmGenerated) {
    verifier::BadArgument("attest", "it does not begin with TPM_GENERATED, so no TPM made it");
  }
  return verifier::ToRecord(attest);
}

}  // namespace tpm2
