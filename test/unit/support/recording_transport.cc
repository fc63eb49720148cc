#include "support/recording_transport.h"

#include <algorithm>

#include "support/scripted_transport.h"

namespace tpm2::testing {
namespace {

bool Contains(ByteView haystack, ByteView needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) !=
         haystack.end();
}

}  // namespace

std::vector<RecordingTransport::Exchange> RecordingTransport::exchanges() const {
  const std::lock_guard lock(mutex_);
  return exchanges_;
}

size_t RecordingTransport::count() const {
  const std::lock_guard lock(mutex_);
  return exchanges_.size();
}

size_t RecordingTransport::count(uint32_t command_code) const {
  const auto all = counts();
  const auto found = all.find(command_code);
  return found == all.end() ? 0 : found->second;
}

std::map<uint32_t, size_t> RecordingTransport::counts() const {
  std::map<uint32_t, size_t> counts;
  for (const uint32_t code : codes()) ++counts[code];
  return counts;
}

std::vector<uint32_t> RecordingTransport::codes() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint32_t> codes;
  for (const Exchange& exchange : exchanges_) codes.push_back(CodeOf(exchange.command));
  return codes;
}

bool RecordingTransport::CommandsContain(ByteView needle) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(
      exchanges_, [&](const Exchange& exchange) { return Contains(exchange.command, needle); });
}

bool RecordingTransport::ResponsesContain(ByteView needle) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(
      exchanges_, [&](const Exchange& exchange) { return Contains(exchange.response, needle); });
}

void RecordingTransport::Clear() {
  const std::lock_guard lock(mutex_);
  exchanges_.clear();
}

Buffer RecordingTransport::Transceive(ByteView command) {
  size_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    index = exchanges_.size();
    exchanges_.push_back({ToBuffer(command), {}});
  }
  Buffer response = inner_->Transceive(command);
  const std::lock_guard lock(mutex_);
  if (index < exchanges_.size()) exchanges_[index].response = response;
  return response;
}

}  // namespace tpm2::testing
