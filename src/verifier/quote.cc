// verifyQuote: TPM2_Quote's result (Part 3, 18.4).
#include <map>
#include <optional>
#include <utility>

#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "verifier/argument.h"
#include "verifier/records.h"
#include "verifier/statement.h"

namespace tpm2 {
namespace verifier {
namespace {

// PCRs by bank and index.
using PcrKey = std::pair<AlgId, uint32_t>;
using PcrValues = std::map<PcrKey, Buffer>;

std::string PcrText(const PcrKey& key) {
  return AlgorithmText(key.first) + ":" + std::to_string(key.second);
}

Buffer DigestFromHex(const std::string& argument, std::string_view text, size_t size) {
  std::optional<Buffer> digest = OctetsFromHex(text);
  if (!digest || digest->size() != size) {
    BadArgument(argument, "expected " + std::to_string(2 * size) + " hexadecimal digits");
  }
  return *std::move(digest);
}

PcrValues ReadPcrs(const std::vector<PcrValue>& given) {
  PcrValues values;
  for (const PcrValue& item : given) {
    const AlgId bank = HashFromName(item.bank);
    if (DigestSizeOf(bank) == 0) BadArgument("pcrs", "there is no bank '" + item.bank + "'");
    const std::string argument = "pcrs." + item.bank + "[" + std::to_string(item.index) + "]";
    Buffer value = DigestFromHex(argument, item.digest, DigestSizeOf(bank));
    if (!values.emplace(PcrKey(bank, item.index), std::move(value)).second) {
      BadArgument(argument, "given twice");
    }
  }
  return values;
}

// Empty when the values are those that were signed. The digest is over the values in the order of
// the selection, with the hash of the signature (Part 3, 18.4.1).
std::string PcrComplaint(const QuoteInfo& info, const PcrValues& given, AlgId hash) {
  if (hash == AlgId::kNull) return "the hash of the digest is not known";
  PcrValues left = given;
  Buffer joined;
  for (const PcrSelection& selection : info.pcr_select.items) {
    for (uint32_t pcr = 0; pcr < selection.select.octets().size() * 8; ++pcr) {
      if (!selection.Contains(pcr)) continue;
      const PcrKey key(selection.hash, pcr);
      const auto found = given.find(key);
      if (found == given.end()) return PcrText(key) + " was quoted but not given";
      joined.insert(joined.end(), found->second.begin(), found->second.end());
      left.erase(key);
    }
  }
  if (!left.empty()) return PcrText(left.begin()->first) + " was given but not quoted";
  if (crypto::Digest(hash, {joined}) != info.pcr_digest.octets()) {
    return "the values are not those whose digest was signed";
  }
  return {};
}

// Empty when the TPM's counters went on from `before`. For keys outside of the endorsement and
// platform hierarchies the counters carry a constant offset and the firmware version is masked
// (Part 2, 10.12.12), so the counters are compared by their difference and the firmware as changed
// or not.
std::string RollbackComplaint(const Attest& now, const op::PreviousQuote& before) {
  constexpr uint32_t kBackward = 1u << 31;
  if (now.qualified_signer.octets() != before.qualified_signer) {
    return "the previous quote is by another key";
  }
  if (FirmwareText(now.firmware_version) != before.firmware_version) {
    return "the firmware version has changed";
  }
  const ClockInfo& clock = now.clock_info;
  const uint32_t resets = clock.reset_count - before.clock_info.reset_count;
  if (resets >= kBackward) return "resetCount went back";
  // restartCount starts anew at each reset.
  if (resets == 0 && clock.restart_count - before.clock_info.restart_count >= kBackward) {
    return "restartCount went back";
  }
  // After a loss of power the clock may resume at an older value, and then says that it is not
  // safe (Part 1, 36).
  if (clock.clock < before.clock_info.clock && (resets == 0 || clock.safe)) {
    return "the clock went back";
  }
  return {};
}

}  // namespace
}  // namespace verifier

op::QuoteVerdict Run(const op::VerifyQuote& request) {
  using namespace verifier;
  const Signer signer = ReadSigner(request.signer);
  std::optional<PcrValues> pcrs;
  if (request.pcrs) pcrs = ReadPcrs(*request.pcrs);

  Checks checks;
  Statement statement = CheckStatement(signer, StructureTag::kAttestQuote, request.message,
                                       request.signature, &request.qualifying_data, checks);
  const std::optional<Attest>& attest = statement.attest;
  if (pcrs) {
    checks.Complaint(
        "pcrs", attest ? PcrComplaint(*attest->attested.get_if<StructureTag::kAttestQuote>(), *pcrs,
                                      statement.hash)
                       : kUnread);
  } else {
    checks.NotChecked("pcrs");
  }
  CheckAttributes(signer, checks);
  if (request.previous) {
    checks.Complaint("rollback", attest ? RollbackComplaint(*attest, *request.previous) : kUnread);
  } else {
    checks.NotChecked("rollback");
  }
  return {checks.passed(), checks.Take(), std::move(statement.record)};
}

}  // namespace tpm2
