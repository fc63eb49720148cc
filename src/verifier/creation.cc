// verifyCreation: TPM2_CertifyCreation's result (Part 3, 18.3), which Windows' Platform Crypto
// Provider keeps for its identity keys.
#include <array>

#include "pcp/blob.h"
#include "verifier/argument.h"
#include "verifier/records.h"
#include "verifier/statement.h"

namespace tpm2 {
namespace verifier {
namespace {

constexpr char kBinding[] = "binding";

// u32 little-endian length and as many octets, five times behind the four octets of the magic:
// key name, TPMT_PUBLIC, TPMS_CREATION_DATA, TPMS_ATTEST, TPMT_SIGNATURE.
op::CreationParts ReadKeyBlob(ByteView blob) {
  Reader reader(blob.subspan(4));
  std::array<Buffer, 5> fields;
  for (Buffer& field : fields) {
    const ByteView length = reader.Raw(4);
    uint32_t size = 0;
    for (size_t i = length.size(); i-- > 0;) size = size << 8 | length[i];
    field = ToBuffer(reader.Raw(size));
  }
  if (!reader.ok()) BadArgument(kBinding, "the key blob ends inside a field");
  op::CreationParts parts;
  parts.key_name = std::string(fields[0].begin(), fields[0].end());
  parts.scope = blob[3] == '1' ? "user" : "machine";
  parts.public_area = std::move(fields[1]);
  parts.creation_data = std::move(fields[2]);
  parts.message = std::move(fields[3]);
  parts.signature = std::move(fields[4]);
  return parts;
}

// TPM2B_PUBLIC, TPM2B_CREATION_DATA, TPM2B_ATTEST, TPMT_SIGNATURE.
op::CreationParts ReadIdBinding(ByteView binding) {
  Reader reader(binding);
  op::CreationParts parts;
  for (Buffer* part : {&parts.public_area, &parts.creation_data, &parts.message}) {
    *part = ToBuffer(reader.Raw(reader.Integer<uint16_t>()));
  }
  parts.signature = ToBuffer(reader.Raw(reader.remaining()));
  if (!reader.ok() || parts.signature.empty()) {
    BadArgument(kBinding, "it ends before the signature");
  }
  return parts;
}

bool StartsWith(ByteView bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

std::string NameComplaint(const Buffer& name, const CreationInfo* info) {
  if (info == nullptr) return kUnread;
  if (info->object_name.octets() != name) return "another object's creation was certified";
  return {};
}

std::string HashComplaint(const Public& object, ByteView creation_data, const CreationInfo& info) {
  if (crypto::DigestSize(object.name_alg) == 0) {
    return "the object's name algorithm is not supported";
  }
  if (crypto::Digest(object.name_alg, {creation_data}) != info.creation_hash.octets()) {
    return "the creation data are not those whose digest was signed";
  }
  return {};
}

std::optional<op::CreationRecord> ReadCreationData(ByteView bytes) {
  Reader reader(bytes);
  CreationData data;
  Unmarshal(reader, data);
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return ToRecord(data);
}

}  // namespace
}  // namespace verifier

op::CreationParts Run(const op::ParseCreation& request) {
  using namespace verifier;
  const ByteView binding = request.binding;
  if (pcp::IsKeyBlob(binding)) return ReadKeyBlob(binding);
  if (StartsWith(binding, std::string_view("\x01\x01\0\0", 4))) {
    throw Error(ErrorCode::kNotSupported, "binding: it was made by a TPM 1.2",
                "Only identity keys of a TPM 2.0 can be verified.");
  }
  return ReadIdBinding(binding);
}

op::CreationVerdict Run(const op::VerifyCreation& request) {
  using namespace verifier;
  op::CreationVerdict verdict;
  const Public object = ReadPublicArea("public", request.public_area);
  verdict.public_area = ReadArgument("public", [&] { return ToRecord(object); });
  const Signer signer = ReadSigner(request.signer, &object);
  const ByteView creation_data = WithoutSize(request.creation_data);
  verdict.creation = ReadCreationData(creation_data);

  Checks checks;
  Statement statement = CheckStatement(
      signer, StructureTag::kAttestCreation, WithoutSize(request.message), request.signature,
      request.qualifying_data ? &*request.qualifying_data : nullptr, checks);
  const CreationInfo* info =
      statement.attest ? statement.attest->attested.get_if<StructureTag::kAttestCreation>()
                       : nullptr;
  checks.Complaint("name", NameComplaint(verdict.public_area.name, info));
  if (!verdict.creation) {
    checks.Add("creationData", false, "not a TPMS_CREATION_DATA");
  } else {
    checks.Complaint("creationData",
                     info != nullptr ? HashComplaint(object, creation_data, *info) : kUnread);
  }
  CheckAttributes(signer, checks);
  verdict.ok = checks.passed();
  verdict.checks = checks.Take();
  verdict.attest = std::move(statement.record);
  return verdict;
}

}  // namespace tpm2
