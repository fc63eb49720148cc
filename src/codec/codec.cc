#include "tpm2/codec.h"

namespace tpm2 {

std::string_view FaultText(CodecFault fault) {
  switch (fault) {
    case CodecFault::kNone:
      return "no fault";
    case CodecFault::kTruncated:
      return "the bytes end inside this field";
    case CodecFault::kTooLong:
      return "longer than the field may be";
    case CodecFault::kTrailing:
      return "bytes are left over behind it";
    case CodecFault::kBadSelector:
      return "no form of the field belongs to its selector";
    case CodecFault::kBadValue:
      return "a value that the field cannot have";
    case CodecFault::kOverflow:
      return "does not fit into one TPM command";
  }
  return "unknown fault";
}

std::string FieldPath::ToString() const {
  std::string text;
  for (size_t i = 0; i < depth_ && i < kMaxDepth; ++i) {
    if (!text.empty()) text += '.';
    text += names_[i];
  }
  return text;
}

std::string CodecStatus::FailureText() const {
  std::string path = failed_at_.ToString();
  std::string text = path.empty() ? std::string("whole structure") : path;
  text += ": ";
  text += FaultText(fault_);
  return text;
}

uint8_t* Writer::Reserve(size_t count) {
  if (!ok()) return nullptr;
  if (count > out_.size() - size_) {
    Fail(CodecFault::kOverflow);
    return nullptr;
  }
  uint8_t* at = out_.data() + size_;
  size_ += count;
  return at;
}

void Writer::PatchSize16(size_t position) {
  if (!ok()) return;
  size_t count = size_ - position - 2;
  if (count > 0xffff) return Fail(CodecFault::kTooLong);
  out_[position] = static_cast<uint8_t>(count >> 8);
  out_[position + 1] = static_cast<uint8_t>(count);
}

void Writer::Patch32(size_t position, size_t value) {
  if (!ok()) return;
  for (size_t i = 0; i < 4; ++i) out_[position + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}
void Writer::PatchSize32(size_t position) { Patch32(position, size_ - position - 4); }
void Writer::PatchTotalSize(size_t position) { Patch32(position, size_); }

void ThrowCodecError(std::string_view what, const CodecStatus& status) {
  throw Error(ErrorCode::kMarshallingError, std::string(what) + ": " + status.FailureText());
}

}  // namespace tpm2
