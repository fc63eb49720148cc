// Every use case, with every kind of fault at every one of its commands: it ends with an error that
// is documented or with the right result, the client works again afterwards, and nothing of ours
// stays in the TPM.
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "addon/operation_table.h"
#include "support/scripted_transport.h"
#include "support/use_cases.h"
#include "tpm2/commands/system.h"

namespace tpm2::testing {
namespace {

using FK = Fault::Kind;

struct Planned {
  const char* name;
  Fault fault;
};

std::vector<Planned> AllFaults() {
  return {
      {"thrown before sending", {FK::kThrowBeforeSend}},
      {"thrown after sending", {FK::kThrowAfterSend}},
      {"closed before sending", {FK::kClose}},
      {"closed after sending", {FK::kCloseAfterSend}},
      {"empty", {FK::kEmpty}},
      {"cut in the header", {FK::kTruncate, 7}},
      {"cut behind the header", {FK::kTruncate, 10}},
      {"cut behind the handle", {FK::kTruncate, 15}},
      {"cut late", {FK::kTruncate, 40}},
      {"replayed", {FK::kReplay}},
      {"bit of the tag", {.kind = FK::kFlipBit, .offset = 1, .bit = 1}},
      {"bit of the size", {.kind = FK::kFlipBit, .offset = 5, .bit = 0}},
      {"bit of the code", {.kind = FK::kFlipBit, .offset = 9, .bit = 3}},
      {"bit of the first parameter's size", {.kind = FK::kFlipBit, .offset = 15, .bit = 2}},
      {"bit of the parameters", {.kind = FK::kFlipBit, .offset = 18, .bit = 5}},
      {"bit far behind", {.kind = FK::kFlipBit, .offset = 60, .bit = 0}},
      {"RETRY", {.kind = FK::kRcInstead, .rc = 0x922}},
      {"LOCKOUT", {.kind = FK::kRcInstead, .rc = 0x921}},
      {"FAILURE", {.kind = FK::kRcInstead, .rc = 0x101}},
      {"CANCELED", {.kind = FK::kRcInstead, .rc = 0x909}},
      {"OBJECT_MEMORY", {.kind = FK::kRcInstead, .rc = 0x902}},
      {"SESSION_MEMORY", {.kind = FK::kRcInstead, .rc = 0x903}},
      {"REFERENCE_H0", {.kind = FK::kRcInstead, .rc = 0x910}},
      {"REFERENCE_S0", {.kind = FK::kRcInstead, .rc = 0x918}},
      {"AUTH_FAIL of session 1", {.kind = FK::kRcInstead, .rc = 0x98e}},
      {"INTEGRITY of parameter 1", {.kind = FK::kRcInstead, .rc = 0x1df}},
      {"FAILURE after it ran", {.kind = FK::kRcAfterSend, .rc = 0x101}},
  };
}

std::vector<Planned> OneOfEachKind() {
  std::vector<Planned> some;
  std::set<FK> kinds;
  for (const Planned& planned : AllFaults()) {
    if (kinds.insert(planned.fault.kind).second) some.push_back(planned);
  }
  return some;
}

bool Closes(FK kind) { return kind == FK::kClose || kind == FK::kCloseAfterSend; }

// The answer that told the handle is gone, so that nobody could flush the object: on real ways to
// a TPM the connection closes then, and a resource manager flushes.
bool LosesHandle(const Fault& fault, uint32_t code) {
  static const std::set<uint32_t> kMakers = {0x131, 0x157, 0x176};  // CreatePrimary, Load, Start...
  if (!kMakers.contains(code)) return false;
  switch (fault.kind) {
    case FK::kThrowAfterSend:
    case FK::kReplay:
    case FK::kRcAfterSend:
    case FK::kEmpty:
      return true;
    case FK::kTruncate:
      return true;  // the size in the header is wrong then, and nothing behind it is looked at
    case FK::kFlipBit:
      return fault.offset < 14;
    default:
      return false;
  }
}

// What a use case may fail with under this fault.
bool IsDocumented(const Fault& fault, const Error& error) {
  using enum ErrorCode;
  switch (fault.kind) {
    case FK::kThrowBeforeSend:
    case FK::kThrowAfterSend:
    case FK::kClose:
    case FK::kCloseAfterSend:
      return error.code == kTransportError;
    case FK::kRcInstead:
    case FK::kRcAfterSend: {
      const DecodedRc decoded = DecodeResponseCode(fault.rc);
      return error.code == decoded.code && error.tpm_rc == fault.rc;
    }
    case FK::kEmpty:
    case FK::kTruncate:
      return error.code == kMarshallingError || error.code == kIntegrity;
    case FK::kReplay:
      // Another command's answer, or our own earlier one.
      return error.code == kMarshallingError || error.code == kIntegrity ||
             error.code == kInvalidArgument || error.tpm_rc.has_value();
    default:
      // A flipped bit may make any response code of success, or any size.
      return error.code == kMarshallingError || error.code == kIntegrity ||
             error.code == kInvalidArgument || error.code == kTpmUnavailable ||
             error.code == kNotSupported || error.tpm_rc.has_value();
  }
}

class FaultsTest : public ::testing::Test {
 protected:
  FaultsTest() : material(MakeMaterial(tpm)) { tpm.PersistStorageParent(0x81000005); }

  // Commands of a cold run, and which they are.
  std::vector<uint32_t> CodesOf(const UseCase& use) {
    Prepare(use);
    EXPECT_EQ(use.run(tpm), "");
    return tpm.recording().codes();
  }

  // TPM2_DictionaryAttackLockReset: a TPM that loses its power counts that as a failed try.
  void ResetLockout() {
    EXPECT_EQ(CodeOf(tpm.chip().Transceive(FromHex("8002 0000001b 00000139 4000000a 00000009"
                                                   "40000009 0000 00 0000"))),
              0u);
  }

  void Prepare(const UseCase& use) {
    tpm.NewClient();
    tpm.on_open = nullptr;
    ResetLockout();
    if (use.prepare) use.prepare(tpm);
  }

  void RunWith(const UseCase& use, size_t number, uint32_t code, const Planned& planned) {
    SCOPED_TRACE(use.name + ", command " + std::to_string(number) + ", " + planned.name);
    Prepare(use);
    tpm.on_open = [&](FaultyTransport& faulty) {
      if (tpm.opened() == first_opening_) faulty.At(number, planned.fault);
    };
    first_opening_ = tpm.opened() + 1;
    try {
      const std::string wrong = use.run(tpm);
      // Without a session nobody can tell that an answer was altered.
      const bool altered = planned.fault.kind == FK::kFlipBit || planned.fault.kind == FK::kReplay;
      if (use.guarded || !altered) {
        EXPECT_EQ(wrong, "");
      }
      ++right_;
    } catch (const Error& error) {
      EXPECT_TRUE(IsDocumented(planned.fault, error))
          << ErrorCodeName(error.code) << ": " << error.message;
      ++failed_;
    }
    // What a closed connection held is gone with the TPM behind it.
    if (Closes(planned.fault.kind)) tpm.chip().Reset();
    ResetLockout();
    tpm.faulty().ClearFaults();
    Afterwards(use, LosesHandle(planned.fault, code));
    tpm.client().Close();
    const std::vector<uint32_t> left = tpm.Loaded();
    EXPECT_LE(left.size(), LosesHandle(planned.fault, code) ? 1u : 0u);
    lost_ += left.size();
    tpm.FlushAll();
    ++cases_;
  }

  // The same once more, on the same client and without a fault. A lost object may take a slot that
  // is needed; then it is said how to get it back.
  void Afterwards(const UseCase& use, bool slot_lost) {
    if (use.prepare) use.prepare(tpm);
    try {
      EXPECT_EQ(use.run(tpm), "") << "afterwards";
    } catch (const Error& error) {
      EXPECT_TRUE(slot_lost && error.code == ErrorCode::kResourceExhausted &&
                  !error.suggestion.empty())
          << "afterwards: " << ErrorCodeName(error.code) << ": " << error.message;
    }
  }

  TestTpm tpm;
  Material material;
  size_t first_opening_ = 0;
  size_t cases_ = 0, right_ = 0, failed_ = 0, lost_ = 0;
};

TEST_F(FaultsTest, EveryFaultAtEveryCommandOfEveryUseCase) {
  size_t use_cases = 0;
  for (const UseCase& use : AllUseCases(material)) {
    const std::vector<uint32_t> codes = CodesOf(use);
    std::set<uint32_t> seen;
    for (size_t i = 0; i < codes.size(); ++i) {
      // A long series of one command (GetCapability, TestParms) is spoilt at its first ones.
      const bool repeated = i >= 12 && seen.contains(codes[i]);
      seen.insert(codes[i]);
      if (repeated) continue;
      for (const Planned& planned : use.slow ? OneOfEachKind() : AllFaults()) {
        RunWith(use, i + 1, codes[i], planned);
      }
    }
    ++use_cases;
    if (HasFatalFailure()) return;
  }
  std::cout << "faults: " << cases_ << " cases in " << use_cases << " use cases: " << failed_
            << " failed as documented, " << right_ << " succeeded all the same, " << lost_
            << " objects lost with the answer that named them\n";
  EXPECT_GT(cases_, 6000u);
  RecordProperty("cases", static_cast<int>(cases_));
}

// An operation that is not run with faults is one whose faults nobody has seen.
template <typename... Operation>
std::vector<std::string> NamesOf(OperationList<Operation...>) {
  return {Operation::kName...};
}
TEST_F(FaultsTest, EveryOperationHasItsUseCase) {
  std::set<std::string> used;
  for (const UseCase& use : AllUseCases(material)) {
    used.insert(use.name.substr(0, use.name.find(' ')));
  }
  std::set<std::string> operations;
  for (const std::string& name : NamesOf(Operations())) operations.insert(name);
  // It reads a file, and asks no TPM.
  EXPECT_EQ(operations.erase(op::EventLogBytes::kName), 1u);
  EXPECT_EQ(used, operations);
}

}  // namespace
}  // namespace tpm2::testing
