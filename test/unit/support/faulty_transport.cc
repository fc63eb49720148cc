#include "support/faulty_transport.h"

#include <algorithm>
#include <utility>

#include "support/scripted_transport.h"
#include "tpm2/error.h"

namespace tpm2::testing {

FaultyTransport& FaultyTransport::At(size_t number, Fault fault) {
  by_number_.insert_or_assign(number, fault);
  return *this;
}

FaultyTransport& FaultyTransport::AtEvery(uint32_t command_code, Fault fault) {
  by_code_.insert_or_assign(command_code, fault);
  return *this;
}

void FaultyTransport::ClearFaults() {
  by_number_.clear();
  by_code_.clear();
}

const Fault* FaultyTransport::FaultFor(ByteView command) const {
  if (const auto found = by_number_.find(count_); found != by_number_.end()) return &found->second;
  if (const auto found = by_code_.find(CodeOf(command)); found != by_code_.end()) {
    return &found->second;
  }
  return nullptr;
}

Buffer FaultyTransport::Send(ByteView command) {
  if (!tamper_command_) return inner_->Transceive(command);
  Buffer changed = ToBuffer(command);
  tamper_command_(changed);
  return inner_->Transceive(changed);
}

Buffer FaultyTransport::Transceive(ByteView command) {
  if (closed_) throw Error(ErrorCode::kTransportError, "closed by a fault");
  ++count_;
  const Fault* const planned = FaultFor(command);
  if (planned == nullptr) {
    Buffer response = Send(command);
    if (tamper_response_) tamper_response_(response);
    previous_ = response;
    return response;
  }

  const Fault fault = *planned;
  using Kind = Fault::Kind;
  if (fault.kind == Kind::kClose) closed_ = true;
  if (fault.kind == Kind::kClose || fault.kind == Kind::kThrowBeforeSend) {
    throw Error(ErrorCode::kTransportError, "fault: the command was not sent");
  }
  if (fault.kind == Kind::kRcInstead) return ResponseOfCode(fault.rc);

  Buffer response = Send(command);
  Buffer earlier = std::exchange(previous_, response);
  switch (fault.kind) {
    case Kind::kCloseAfterSend:
      closed_ = true;
      [[fallthrough]];
    case Kind::kThrowAfterSend:
      throw Error(ErrorCode::kTransportError, "fault: the response was lost");
    case Kind::kTruncate:
      response.resize(std::min(response.size(), fault.offset));
      return response;
    case Kind::kFlipBit:
      if (fault.offset < response.size()) response[fault.offset] ^= 1U << (fault.bit & 7);
      return response;
    case Kind::kReplay:
      return earlier;
    case Kind::kRcAfterSend:
      return ResponseOfCode(fault.rc);
    default:
      return {};
  }
}

}  // namespace tpm2::testing
