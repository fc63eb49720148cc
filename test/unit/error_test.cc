#include "tpm2/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace tpm2 {
namespace {

// The names are API: TpmError.code in JavaScript. A change here breaks callers.
constexpr std::pair<ErrorCode, std::string_view> kStableNames[] = {
    {ErrorCode::kTpmUnavailable, "TPM_UNAVAILABLE"},
    {ErrorCode::kAccessDenied, "ACCESS_DENIED"},
    {ErrorCode::kRequiresElevation, "REQUIRES_ELEVATION"},
    {ErrorCode::kCommandBlocked, "COMMAND_BLOCKED"},
    {ErrorCode::kNotSupported, "NOT_SUPPORTED"},
    {ErrorCode::kInvalidArgument, "INVALID_ARGUMENT"},
    {ErrorCode::kKeyNotFound, "KEY_NOT_FOUND"},
    {ErrorCode::kAlreadyExists, "ALREADY_EXISTS"},
    {ErrorCode::kMarshallingError, "MARSHALLING_ERROR"},
    {ErrorCode::kTransportError, "TRANSPORT_ERROR"},
    {ErrorCode::kAuthFailed, "AUTH_FAILED"},
    {ErrorCode::kTpmRc, "TPM_RC"},
    {ErrorCode::kTimeout, "TIMEOUT"},
    {ErrorCode::kAborted, "ABORTED"},
    {ErrorCode::kClosed, "CLOSED"},
    {ErrorCode::kResourceExhausted, "RESOURCE_EXHAUSTED"},
    {ErrorCode::kIntegrity, "INTEGRITY"},
};

TEST(ErrorCodeName, IsStable) {
  for (const auto& [code, name] : kStableNames) EXPECT_EQ(ErrorCodeName(code), name);
}

TEST(ErrorCodeName, EveryEnumeratorHasItsOwn) {
  const int last = static_cast<int>(ErrorCode::kIntegrity);
  ASSERT_EQ(std::size(kStableNames), static_cast<size_t>(last) + 1);
  std::set<std::string_view> names;
  for (int i = 0; i <= last; ++i) names.insert(ErrorCodeName(static_cast<ErrorCode>(i)));
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
}

TEST(ErrorCodeName, SurvivesAValueOutsideTheEnumeration) {
  EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(1000)), "TPM_RC");
}

TEST(Error, IsCaughtAsAStandardExceptionWithItsMessage) {
  try {
    throw Error(ErrorCode::kClosed, "the connection is closed", "open a new one");
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "the connection is closed");
  }
}

TEST(Error, StartsWithoutTpmDetails) {
  const Error error(ErrorCode::kTimeout, "no answer within 5 s");
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_TRUE(error.suggestion.empty());
  EXPECT_FALSE(error.tpm_rc.has_value());
  EXPECT_FALSE(error.hresult.has_value());
  EXPECT_TRUE(error.command.empty());
  EXPECT_TRUE(error.rc_name.empty());
  EXPECT_TRUE(error.rc_subject.empty());
}

}  // namespace
}  // namespace tpm2
