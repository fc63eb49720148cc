#include "raw_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tpm2/error.h"
#include "turns.h"

namespace tpm2::bench {
namespace {

constexpr size_t kHeaderSize = 10;

uint32_t LoadU32(ByteView bytes, size_t at) {
  return static_cast<uint32_t>(bytes[at]) << 24 | static_cast<uint32_t>(bytes[at + 1]) << 16 |
         static_cast<uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

[[noreturn]] void Fail(const std::string& what) { throw Error(ErrorCode::kTransportError, what); }

}  // namespace

RawSocket::RawSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) Fail("the socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    if (fd_ >= 0) ::close(fd_);
    Fail("cannot connect to the TPM's socket: " + why);
  }
}

RawSocket::~RawSocket() { ::close(fd_); }

ByteView RawSocket::Receive(ByteView command) {
  if (::write(fd_, command.data(), command.size()) != static_cast<ssize_t>(command.size())) {
    Fail("cannot write to the TPM");
  }
  size_t have = 0;
  do {
    const ssize_t got = ::read(fd_, answer_.data() + have, answer_.size() - have);
    if (got <= 0) Fail("the TPM has gone");
    have += static_cast<size_t>(got);
  } while (have < kHeaderSize || have < LoadU32(answer_, 2));
  return ByteView(answer_).first(have);
}

ByteView RawSocket::Exchange(ByteView command) {
  ByteView answer = Receive(command);
  if (LoadU32(answer, 6) != 0) {
    Fail("command " + std::to_string(LoadU32(command, 6)) +
         " failed: " + std::to_string(LoadU32(answer, 6)));
  }
  return answer;
}

Buffer RawSocket::Transceive(ByteView command) {
  last_command_ = ToBuffer(command);
  ByteView answer;
  nanoseconds_ += Timed([&] { answer = Receive(command); });
  return ToBuffer(answer);
}

uint32_t HandleIn(ByteView message) { return LoadU32(message, kHeaderSize); }

void SetHandle(Buffer& command, uint32_t handle) {
  for (size_t i = 0; i < 4; ++i) {
    command[kHeaderSize + i] = static_cast<uint8_t>(handle >> (24 - 8 * i));
  }
}

}  // namespace tpm2::bench
