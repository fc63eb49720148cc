#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "support/scripted_transport.h"
#include "transport/framing.h"

namespace tpm2 {
namespace {

using testing::ResponseOf;

ErrorCode CodeThrownBy(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code;
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kTpmRc;
}

Buffer CommandOfSize(size_t size, size_t said) {
  Buffer command(std::max<size_t>(size, 6));
  StoreU32(static_cast<uint32_t>(said), MutableBytes(command).subspan(2));
  command.resize(size);
  return command;
}

TEST(FramingTest, OnlyOneWholeCommandIsSent) {
  EXPECT_NO_THROW(CheckCommand(CommandOfSize(10, 10)));
  EXPECT_NO_THROW(CheckCommand(CommandOfSize(4096, 4096)));
  const std::pair<size_t, size_t> bad[] = {{0, 0},   {5, 5},   {9, 9},          {10, 9},
                                           {10, 11}, {12, 10}, {4097, 4097},    {100, 0},
                                           {10, 0},  {24, 12}, {10, 0xffffffff}};
  for (const auto& [size, said] : bad) {
    SCOPED_TRACE(std::to_string(size) + " bytes that say " + std::to_string(said));
    const Buffer command = CommandOfSize(size, said);
    EXPECT_EQ(CodeThrownBy([&] { CheckCommand(command); }), ErrorCode::kInvalidArgument);
  }
}

TEST(FramingTest, ResponseSizeHasBounds) {
  for (const uint32_t good : {10u, 11u, 4096u}) {
    EXPECT_EQ(ResponseSize(CommandOfSize(10, good)), good);
  }
  for (const uint32_t bad : {0u, 9u, 4097u, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(CodeThrownBy([&] { ResponseSize(CommandOfSize(10, bad)); }),
              ErrorCode::kTransportError);
  }
}

// A source that gives `bytes` in pieces of at most `piece` bytes, then ends.
auto Pieces(const Buffer& bytes, size_t piece) {
  return [&bytes, piece, at = size_t{0}](MutableBytes into) mutable {
    const size_t count = std::min({piece, bytes.size() - at, into.size()});
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), count, into.begin());
    at += count;
    return count;
  };
}

TEST(FramingTest, ResponseComesWholeHoweverItIsSplit) {
  for (const size_t size : {0u, 1u, 18u, 4086u}) {
    const Buffer response = ResponseOf(0, Buffer(size, 0x5a));
    for (const size_t piece : {1u, 2u, 9u, 10u, 11u, 4095u, 5000u}) {
      EXPECT_EQ(ReadResponse(Pieces(response, piece)), response) << size << " by " << piece;
    }
  }
}

TEST(FramingTest, EveryProperPrefixIsBrokenOff) {
  const Buffer response = ResponseOf(0, Buffer(30, 1));
  for (size_t size = 0; size < response.size(); ++size) {
    const Buffer prefix(response.begin(), response.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(CodeThrownBy([&] { ReadResponse(Pieces(prefix, 7)); }), ErrorCode::kTransportError);
  }
}

TEST(FramingTest, BytesBeyondTheEndAreAnError) {
  for (const size_t size : {0u, 30u, 4086u}) {
    Buffer response = ResponseOf(0, Buffer(size, 1));
    response.push_back(0);
    EXPECT_EQ(CodeThrownBy([&] { ReadResponse(Pieces(response, 5000)); }),
              ErrorCode::kTransportError);
  }
}

}  // namespace
}  // namespace tpm2
