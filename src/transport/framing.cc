#include "transport/framing.h"

#include <string>

namespace tpm2 {

void CheckCommand(ByteView command) {
  if (command.size() < kHeaderSize || command.size() > kMaxMessageSize) {
    throw Error(ErrorCode::kInvalidArgument, "A TPM command has 10 to 4096 bytes, this one has " +
                                                 std::to_string(command.size()));
  }
  const uint32_t size = LoadU32(command.subspan(2));
  if (size != command.size()) {
    throw Error(ErrorCode::kInvalidArgument, "The command's header says " + std::to_string(size) +
                                                 " bytes, but it has " +
                                                 std::to_string(command.size()));
  }
}

size_t ResponseSize(ByteView header) {
  const uint32_t size = LoadU32(header.subspan(2));
  if (size < kHeaderSize || size > kMaxMessageSize) {
    throw Error(ErrorCode::kTransportError,
                "The response's header says " + std::to_string(size) +
                    " bytes, where a TPM sends 10 to 4096",
                "Check that what listens there is a TPM 2.0");
  }
  return size;
}

void ThrowBrokenOff(size_t have) {
  throw Error(ErrorCode::kTransportError,
              have == 0 ? "The connection to the TPM ended before the response came"
                        : "The response broke off after " + std::to_string(have) + " bytes",
              "Open the TPM again; the command may or may not have run");
}

void ThrowOutOfStep(size_t extra) {
  throw Error(ErrorCode::kTransportError,
              "The TPM sent " + std::to_string(extra) +
                  " or more bytes beyond the end of its response: commands and responses are out "
                  "of step",
              "Open the TPM again, and let one program at a time use this connection");
}

}  // namespace tpm2
