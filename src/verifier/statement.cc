#include "verifier/statement.h"

#include "verifier/records.h"

namespace tpm2::verifier {
namespace {

// No TPMS_ATTEST is as long (Part 2, 10.12.12): the longest holds an NV buffer of 2048 octets.
constexpr size_t kTooLong = 4096;

std::string TypeComplaint(const Reader& reader, const Attest& attest, StructureTag type,
                          const std::optional<op::AttestRecord>& record) {
  if (!reader.ok()) return "not a TPMS_ATTEST: " + reader.FailureText();
  if (attest.type != type) return "it attests something else: " + record->type;
  return {};
}

}  // namespace

Statement CheckStatement(const Signer& signer, StructureTag type, ByteView message,
                         ByteView signature, const Buffer* nonce, Checks& checks) {
  Statement statement;
  Reader reader(message);
  Attest attest;
  Unmarshal(reader, attest);
  if (reader.ok()) reader.ExpectEnd();
  if (reader.ok()) statement.record = ToRecord(attest);

  // The magic is the first field, so it is there when it has that value.
  const bool generated = attest.magic == kTpmGenerated;
  checks.Add("magic", generated, generated ? "" : "it does not begin with TPM_GENERATED");
  std::string complaint = TypeComplaint(reader, attest, type, statement.record);
  if (complaint.empty()) statement.attest = attest;
  checks.Complaint("type", std::move(complaint));

  SignatureFinding finding{false, "the message is too long for a TPMS_ATTEST, and was not hashed"};
  if (message.size() < kTooLong) finding = VerifySignature(signer, message, signature);
  statement.hash = finding.hash;
  checks.Add("signature", finding.ok, std::move(finding.reason));

  if (nonce == nullptr) {
    checks.NotChecked("nonce");
  } else if (!reader.ok()) {
    checks.Add("nonce", false, kUnread);
  } else {
    const bool equal = crypto::ConstantTimeEqual(attest.extra_data, *nonce);
    checks.Add("nonce", equal, equal ? "" : "the qualifying data are not those that were signed");
  }
  return statement;
}

}  // namespace tpm2::verifier
