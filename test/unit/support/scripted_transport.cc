#include "support/scripted_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tpm2/error.h"

namespace tpm2::testing {
namespace {

int NibbleOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw Error(ErrorCode::kInvalidArgument, "not hexadecimal");
}

}  // namespace

Buffer ResponseOf(uint32_t rc, ByteView parameters) {
  const auto size = static_cast<uint32_t>(10 + parameters.size());
  Buffer response{0x80, 0x01};
  for (const uint32_t word : {size, rc}) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      response.push_back(static_cast<uint8_t>(word >> shift));
    }
  }
  response.insert(response.end(), parameters.begin(), parameters.end());
  return response;
}

Buffer ResponseOfCode(uint32_t rc) { return ResponseOf(rc, {}); }

uint32_t CodeOf(ByteView message) {
  if (message.size() < 10) return 0;
  return uint32_t{message[6]} << 24 | uint32_t{message[7]} << 16 | uint32_t{message[8]} << 8 |
         message[9];
}

Buffer FromHex(std::string_view hex) {
  std::string digits;
  std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
  if (digits.size() % 2 != 0) throw Error(ErrorCode::kInvalidArgument, "odd number of digits");
  Buffer bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(NibbleOf(digits[i]) << 4 | NibbleOf(digits[i + 1])));
  }
  return bytes;
}

std::string ToHex(ByteView bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

ScriptedTransport::~ScriptedTransport() {
  EXPECT_TRUE(steps_.empty()) << steps_.size()
                              << " commands never came; the next one: " << steps_.front().what;
}

ScriptedTransport& ScriptedTransport::Expect(ByteView command, Buffer response) {
  return ExpectWhere(
      "exactly " + ToHex(command),
      [want = ToBuffer(command)](ByteView got) { return std::ranges::equal(want, got); },
      std::move(response));
}

ScriptedTransport& ScriptedTransport::ExpectPrefix(ByteView prefix, Buffer response) {
  return ExpectWhere(
      "prefix " + ToHex(prefix),
      [want = ToBuffer(prefix)](ByteView got) {
        return got.size() >= want.size() && std::ranges::equal(want, got.first(want.size()));
      },
      std::move(response));
}

ScriptedTransport& ScriptedTransport::ExpectCode(uint32_t command_code, Buffer response) {
  return ExpectWhere(
      "command code " + ToHex(ResponseOfCode(command_code)).substr(12),
      [command_code](ByteView got) { return CodeOf(got) == command_code; }, std::move(response));
}

ScriptedTransport& ScriptedTransport::ExpectWhere(std::string what, Predicate accepts,
                                                  Buffer response) {
  steps_.push_back({std::move(what), std::move(accepts), std::move(response)});
  return *this;
}

Buffer ScriptedTransport::Transceive(ByteView command) {
  if (interrupted_) throw Error(ErrorCode::kClosed, "interrupted");
  if (steps_.empty()) {
    ADD_FAILURE() << "the script is at its end, but there came " << ToHex(command);
    throw Error(ErrorCode::kTransportError, "the script is at its end");
  }
  Step step = std::move(steps_.front());
  steps_.pop_front();
  if (!step.accepts(command)) {
    ADD_FAILURE() << "expected " << step.what << ", but there came " << ToHex(command);
    throw Error(ErrorCode::kTransportError, "not the expected command");
  }
  return std::move(step.response);
}

}  // namespace tpm2::testing
