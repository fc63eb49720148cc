#include "tpm2/response_code.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codec/response_code_table.h"
#include "tpm2/constants.h"

namespace tpm2 {
namespace {

using enum ErrorCode;

constexpr std::string_view kUnknown = "TPM_RC_UNKNOWN";

// The stable codes of Part 2's response codes; a code that is not listed here is TPM_RC.
const std::map<uint32_t, ErrorCode> kStableCodes = {
    {0x01e, kNotSupported},  // a TPM 1.2 speaks
    {0x083, kNotSupported},      {0x087, kNotSupported},      {0x08b, kKeyNotFound},
    {0x08e, kAuthFailed},        {0x092, kNotSupported},      {0x095, kMarshallingError},
    {0x097, kMarshallingError},  {0x098, kMarshallingError},  {0x09a, kMarshallingError},
    {0x09d, kAuthFailed},        {0x09f, kIntegrity},         {0x0a1, kMarshallingError},
    {0x0a2, kAuthFailed},        {0x0a3, kAuthFailed},        {0x0a4, kAuthFailed},
    {0x0a6, kNotSupported},      {0x124, kAuthFailed},        {0x125, kAuthFailed},
    {0x126, kAuthFailed},        {0x127, kAuthFailed},        {0x128, kAuthFailed},
    {0x12f, kAuthFailed},        {0x142, kMarshallingError},  {0x143, kNotSupported},
    {0x144, kMarshallingError},  {0x149, kAuthFailed},        {0x14b, kResourceExhausted},
    {0x14c, kAlreadyExists},     {0x901, kResourceExhausted}, {0x902, kResourceExhausted},
    {0x903, kResourceExhausted}, {0x904, kResourceExhausted}, {0x905, kResourceExhausted},
    {0x906, kResourceExhausted}, {0x909, kAborted},           {0x910, kKeyNotFound},
    {0x911, kKeyNotFound},       {0x912, kKeyNotFound},       {0x913, kKeyNotFound},
    {0x914, kKeyNotFound},       {0x915, kKeyNotFound},       {0x916, kKeyNotFound},
    {0x918, kKeyNotFound},       {0x919, kKeyNotFound},       {0x91a, kKeyNotFound},
    {0x91b, kKeyNotFound},       {0x91c, kKeyNotFound},       {0x91d, kKeyNotFound},
    {0x91e, kKeyNotFound},       {0x921, kAuthFailed},
};
const std::set<uint32_t> kResubmitted = {rc::kYielded, rc::kTesting, rc::kNvRate, rc::kRetry};
const std::set<uint32_t> kNothingToAdvise = {0x000, 0x10b, 0x119, 0x97f};

std::vector<RcRow> TpmRows() {
  std::vector<RcRow> rows(FormatZeroRows().begin(), FormatZeroRows().end());
  rows.insert(rows.end(), FormatOneRows().begin(), FormatOneRows().end());
  return rows;
}

std::vector<RcRow> AllRows() {
  std::vector<RcRow> rows = TpmRows();
  for (const auto& table : {TssBaseRows(), BrokerRows(), WindowsRows()}) {
    rows.insert(rows.end(), table.begin(), table.end());
  }
  return rows;
}

void ExpectIsRow(const DecodedRc& decoded, const RcRow& row) {
  EXPECT_EQ(decoded.name, row.name);
  EXPECT_EQ(decoded.base, row.value);
  EXPECT_EQ(decoded.meaning, row.meaning);
  EXPECT_EQ(decoded.suggestion, row.suggestion);
  EXPECT_EQ(decoded.code, row.code);
  EXPECT_EQ(decoded.resubmit, row.resubmit);
}

void ExpectSubject(uint32_t rc, RcSubject subject, unsigned number) {
  const DecodedRc decoded = DecodeResponseCode(rc);
  EXPECT_EQ(decoded.subject, subject) << std::hex << rc;
  EXPECT_EQ(decoded.number, number) << std::hex << rc;
}

// What holds for each of the 2^32 values.
void ExpectWellFormed(uint32_t rc) {
  const DecodedRc decoded = DecodeResponseCode(rc);
  ASSERT_EQ(decoded.raw, rc);
  ASSERT_EQ(decoded.layer, rc >> 16) << std::hex << rc;
  ASSERT_LE(decoded.base, 0xffffu) << std::hex << rc;
  ASSERT_FALSE(decoded.name.empty()) << std::hex << rc;
  ASSERT_FALSE(decoded.meaning.empty()) << std::hex << rc;
  ASSERT_EQ(decoded.name == "TPM_RC_SUCCESS", rc == 0) << std::hex << rc;
  ASSERT_EQ(decoded.subject == RcSubject::kNone, decoded.number == 0) << std::hex << rc;
  if (decoded.name == kUnknown) {
    ASSERT_FALSE(decoded.suggestion.empty()) << std::hex << rc;
    ASSERT_FALSE(decoded.resubmit) << std::hex << rc;
  }
}

TEST(ResponseCodeTable, IsSentencesWithDistinctNames) {
  std::set<std::string_view> names;
  for (const RcRow& row : AllRows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("TPM_RC_") || row.name.starts_with("TSS2_") ||
                row.name.starts_with("TPM_E_"))
        << row.name;
    ASSERT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_EQ(row.meaning.back(), '.') << row.name;
    EXPECT_EQ(row.meaning.find("  "), std::string_view::npos) << row.name;
    EXPECT_EQ(row.suggestion.find("  "), std::string_view::npos) << row.name;
    EXPECT_TRUE(row.suggestion.empty() || row.suggestion.back() == '.') << row.name;
  }
}

TEST(ResponseCodeTable, AdvisesWhereverSomethingCanBeDone) {
  for (const RcRow& row : TpmRows()) {
    EXPECT_EQ(row.suggestion.empty(), kNothingToAdvise.contains(row.value)) << row.name;
  }
  for (const auto& table : {TssBaseRows(), BrokerRows(), WindowsRows()}) {
    for (const RcRow& row : table) EXPECT_FALSE(row.suggestion.empty()) << row.name;
  }
}

TEST(ResponseCodeTable, GivesTheStableCodes) {
  std::set<uint32_t> seen;
  for (const RcRow& row : TpmRows()) {
    const auto listed = kStableCodes.find(row.value);
    EXPECT_EQ(row.code, listed == kStableCodes.end() ? kTpmRc : listed->second) << row.name;
    EXPECT_EQ(row.resubmit, kResubmitted.contains(row.value)) << row.name;
    seen.insert(row.value);
  }
  for (const auto& [value, code] : kStableCodes) EXPECT_TRUE(seen.contains(value)) << value;
}

TEST(DecodeResponseCode, FindsEveryRowOfPartTwo) {
  for (const RcRow& row : TpmRows()) {
    SCOPED_TRACE(row.name);
    ExpectIsRow(DecodeResponseCode(row.value), row);
  }
}

TEST(DecodeResponseCode, KnowsTheConstantsTheCodeActsOn) {
  const std::pair<uint32_t, std::string_view> expected[] = {
      {rc::kSuccess, "TPM_RC_SUCCESS"},
      {rc::kInitialize, "TPM_RC_INITIALIZE"},
      {rc::kAuthMissing, "TPM_RC_AUTH_MISSING"},
      {rc::kCommandCode, "TPM_RC_COMMAND_CODE"},
      {rc::kNvDefined, "TPM_RC_NV_DEFINED"},
      {rc::kAsymmetric, "TPM_RC_ASYMMETRIC"},
      {rc::kAttributes, "TPM_RC_ATTRIBUTES"},
      {rc::kHash, "TPM_RC_HASH"},
      {rc::kValue, "TPM_RC_VALUE"},
      {rc::kHandle, "TPM_RC_HANDLE"},
      {rc::kAuthFail, "TPM_RC_AUTH_FAIL"},
      {rc::kScheme, "TPM_RC_SCHEME"},
      {rc::kSize, "TPM_RC_SIZE"},
      {rc::kPolicyFail, "TPM_RC_POLICY_FAIL"},
      {rc::kIntegrity, "TPM_RC_INTEGRITY"},
      {rc::kBadAuth, "TPM_RC_BAD_AUTH"},
      {rc::kContextGap, "TPM_RC_CONTEXT_GAP"},
      {rc::kObjectMemory, "TPM_RC_OBJECT_MEMORY"},
      {rc::kSessionMemory, "TPM_RC_SESSION_MEMORY"},
      {rc::kMemory, "TPM_RC_MEMORY"},
      {rc::kSessionHandles, "TPM_RC_SESSION_HANDLES"},
      {rc::kObjectHandles, "TPM_RC_OBJECT_HANDLES"},
      {rc::kYielded, "TPM_RC_YIELDED"},
      {rc::kCanceled, "TPM_RC_CANCELED"},
      {rc::kTesting, "TPM_RC_TESTING"},
      {rc::kReferenceH0, "TPM_RC_REFERENCE_H0"},
      {rc::kReferenceS0, "TPM_RC_REFERENCE_S0"},
      {rc::kNvRate, "TPM_RC_NV_RATE"},
      {rc::kLockout, "TPM_RC_LOCKOUT"},
      {rc::kRetry, "TPM_RC_RETRY"},
      {rc::kNvUnavailable, "TPM_RC_NV_UNAVAILABLE"},
  };
  for (const auto& [value, name] : expected) EXPECT_EQ(DecodeResponseCode(value).name, name);
}

TEST(DecodeResponseCode, ReadsTheSubjectOfEveryFormatOneCode) {
  for (const RcRow& row : FormatOneRows()) {
    SCOPED_TRACE(row.name);
    for (unsigned n = 1; n <= 15; ++n) {
      const uint32_t rc = row.value | 0x040 | n << 8;
      ExpectIsRow(DecodeResponseCode(rc), row);
      ExpectSubject(rc, RcSubject::kParameter, n);
    }
    for (unsigned n = 1; n <= 7; ++n) {
      ExpectIsRow(DecodeResponseCode(row.value | n << 8), row);
      ExpectSubject(row.value | n << 8, RcSubject::kHandle, n);
      ExpectIsRow(DecodeResponseCode(row.value | 0x800 | n << 8), row);
      ExpectSubject(row.value | 0x800 | n << 8, RcSubject::kSession, n);
    }
    for (const uint32_t unnamed : {row.value, row.value | 0x040, row.value | 0x800}) {
      ExpectIsRow(DecodeResponseCode(unnamed), row);
      ExpectSubject(unnamed, RcSubject::kNone, 0);
    }
  }
}

TEST(DecodeResponseCode, NumbersReferencesFromOne) {
  for (unsigned n = 0; n < 7; ++n) {
    ExpectSubject(rc::kReferenceH0 + n, RcSubject::kHandle, n + 1);
    ExpectSubject(rc::kReferenceS0 + n, RcSubject::kSession, n + 1);
    EXPECT_EQ(DecodeResponseCode(rc::kReferenceH0 + n).name,
              "TPM_RC_REFERENCE_H" + std::to_string(n));
    EXPECT_EQ(DecodeResponseCode(rc::kReferenceS0 + n).name,
              "TPM_RC_REFERENCE_S" + std::to_string(n));
  }
  for (const uint32_t neighbour : {0x90fu, 0x917u, 0x91fu}) {
    ExpectSubject(neighbour, RcSubject::kNone, 0);
    EXPECT_EQ(DecodeResponseCode(neighbour).name, kUnknown);
  }
}

TEST(DecodeResponseCode, TellsUnknownCodesApart) {
  const DecodedRc vendor = DecodeResponseCode(0x500);
  EXPECT_EQ(vendor.name, kUnknown);
  EXPECT_NE(vendor.meaning.find("vendor"), std::string_view::npos);
  EXPECT_EQ(DecodeResponseCode(0xd23).meaning, vendor.meaning);

  const DecodedRc version_one = DecodeResponseCode(0x001);
  EXPECT_EQ(version_one.name, kUnknown);
  EXPECT_NE(version_one.meaning.find("1.2"), std::string_view::npos);
  EXPECT_EQ(DecodeResponseCode(0x803).meaning, version_one.meaning);

  const DecodedRc reserved = DecodeResponseCode(0x17e);
  EXPECT_EQ(reserved.name, kUnknown);
  EXPECT_NE(reserved.meaning, vendor.meaning);
  EXPECT_NE(reserved.meaning, version_one.meaning);
  EXPECT_EQ(DecodeResponseCode(0x302).meaning, reserved.meaning);   // bit 9 is reserved
  EXPECT_EQ(DecodeResponseCode(0x1101).meaning, reserved.meaning);  // so is bit 12
  ExpectSubject(0x1c4 | 0x1000, RcSubject::kNone, 0);

  const DecodedRc no_such_format_one = DecodeResponseCode(0x2ff);
  EXPECT_EQ(no_such_format_one.name, kUnknown);
  EXPECT_EQ(no_such_format_one.base, 0x0bfu);
  ExpectSubject(0x2ff, RcSubject::kParameter, 2);
}

TEST(DecodeResponseCode, SeesTheTpmsCodeInAResourceManagersLayer) {
  for (const uint32_t layer : {0x000b0000u, 0x000c0000u}) {
    for (const RcRow& row : TpmRows()) {
      if (row.value == 0) continue;
      SCOPED_TRACE(row.name);
      const DecodedRc decoded = DecodeResponseCode(layer | row.value);
      ExpectIsRow(decoded, row);
      EXPECT_EQ(decoded.layer, layer >> 16);
      EXPECT_EQ(decoded.raw, layer | row.value);
    }
    ExpectSubject(layer | 0x9a2, RcSubject::kSession, 1);
    ExpectSubject(layer | 0x2c4, RcSubject::kParameter, 2);
  }
  // Measured: the kernel on an unknown command, tpm2-abrmd at its limit of objects.
  EXPECT_EQ(DecodeResponseCode(0x000b0143).code, kNotSupported);
  EXPECT_EQ(DecodeResponseCode(0x000b0902).code, kResourceExhausted);
}

TEST(DecodeResponseCode, KnowsTheCodesOfResourceManagersAndTctis) {
  for (const RcRow& row : TssBaseRows()) {
    SCOPED_TRACE(row.name);
    for (const uint32_t layer : {0x6u, 0x7u, 0x8u, 0x9u, 0xau, 0xbu, 0xcu}) {
      ExpectIsRow(DecodeResponseCode(layer << 16 | row.value), row);
    }
    EXPECT_NE(DecodeResponseCode(row.value).name, row.name) << "without a layer it is the TPM's";
  }
  for (const RcRow& row : BrokerRows()) ExpectIsRow(DecodeResponseCode(0xb0000 | row.value), row);
  EXPECT_EQ(DecodeResponseCode(0x000b0002).name, "TSS2_BASE_RC_NOT_IMPLEMENTED");
  EXPECT_EQ(DecodeResponseCode(0x000a0008).code, kTpmUnavailable);
  EXPECT_EQ(DecodeResponseCode(0x000a000a).code, kTransportError);
  EXPECT_EQ(DecodeResponseCode(0x000a0902).code, kTransportError);  // no TPM's code in this layer
  EXPECT_EQ(DecodeResponseCode(0x000a0000).code, kTransportError);  // success has no layer
  EXPECT_EQ(DecodeResponseCode(0x000b0000).code, kTransportError);
}

TEST(DecodeResponseCode, UnwrapsWhatWindowsMadeAnHresult) {
  const DecodedRc value = DecodeResponseCode(0x80280084);
  EXPECT_EQ(value.name, "TPM_RC_VALUE");
  EXPECT_EQ(value.base, rc::kValue);
  EXPECT_EQ(value.raw, 0x80280084u);
  EXPECT_EQ(value.layer, 0x8028u);
  EXPECT_EQ(DecodeResponseCode(0x802801d5).name, "TPM_RC_SIZE");
  ExpectSubject(0x802801d5, RcSubject::kParameter, 1);
  EXPECT_EQ(DecodeResponseCode(0x802803d5).name, "TPM_RC_SIZE");
  EXPECT_EQ(DecodeResponseCode(0x8028098e).name, "TPM_RC_AUTH_FAIL");
  ExpectSubject(0x8028098e, RcSubject::kSession, 1);
  EXPECT_EQ(DecodeResponseCode(0x80280921).code, kAuthFailed);
  EXPECT_TRUE(DecodeResponseCode(0x80280922).resubmit);

  for (const RcRow& row : WindowsRows()) {
    SCOPED_TRACE(row.name);
    ExpectIsRow(DecodeResponseCode(0x80280000 | row.value), row);
    EXPECT_NE(DecodeResponseCode(row.value).name, row.name) << "only as an HRESULT";
  }
  EXPECT_EQ(DecodeResponseCode(0x80280400).code, kCommandBlocked);
  EXPECT_TRUE(DecodeResponseCode(0x80280800).resubmit);

  EXPECT_EQ(DecodeResponseCode(0x80280000).code, kTransportError);  // not success
  EXPECT_EQ(DecodeResponseCode(0x802804c4).name, kUnknown);         // 0x400 up is the driver's
  EXPECT_EQ(DecodeResponseCode(0x80284001).code, kTransportError);  // TBS_E_INTERNAL_ERROR
  EXPECT_EQ(DecodeResponseCode(0x80281084).name, kUnknown);
  EXPECT_EQ(DecodeResponseCode(0x80290084).name, kUnknown);  // another facility
}

TEST(DecodeResponseCode, TellsGuessableAuthFromProtectedAuth) {
  const DecodedRc counted = DecodeResponseCode(0x98e);
  const DecodedRc free = DecodeResponseCode(0x9a2);
  EXPECT_EQ(counted.code, free.code);
  EXPECT_NE(counted.suggestion.find("lock"), std::string_view::npos);
  EXPECT_NE(free.suggestion.find("locks nothing"), std::string_view::npos);
}

TEST(DecodeResponseCode, IsWellFormedForAllSixteenBitValues) {
  for (uint32_t rc = 0; rc <= 0xffff; ++rc) ASSERT_NO_FATAL_FAILURE(ExpectWellFormed(rc));
}

TEST(DecodeResponseCode, IsWellFormedInEveryLayer) {
  for (uint32_t layer = 0; layer <= 0xffff; ++layer) {
    for (const uint32_t low : {0x0000u, 0x0001u, 0x001eu, 0x0084u, 0x01c4u, 0x0902u, 0xffffu}) {
      ASSERT_NO_FATAL_FAILURE(ExpectWellFormed(layer << 16 | low));
    }
  }
  for (const uint32_t layer : {0xau, 0xbu, 0xcu, 0x8028u}) {
    for (uint32_t low = 0; low <= 0xffff; ++low) {
      ASSERT_NO_FATAL_FAILURE(ExpectWellFormed(layer << 16 | low));
    }
  }
}

TEST(DecodeResponseCode, IsWellFormedForRandomValues) {
  std::mt19937 random(20240229);  // fixed: a failure must be repeatable
  for (int i = 0; i < 200000; ++i) {
    ASSERT_NO_FATAL_FAILURE(ExpectWellFormed(static_cast<uint32_t>(random())));
  }
}

}  // namespace
}  // namespace tpm2
