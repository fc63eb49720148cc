// What the test doubles and the probe say to each other's far end over loopback TCP.
//
// A frame is a u32 length and that many bytes; everything is little-endian.
//   request: u8 length + function name, u8 count, arguments
//   reply:   u32 status, u8 count, values
// An argument or value is a u32 length and its bytes; length 0xffffffff stands for a NULL pointer.
#ifndef NODE_TPM2_TEST_WINDOWS_RPC_H_
#define NODE_TPM2_TEST_WINDOWS_RPC_H_

#include <winsock2.h>
//
#include <windows.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tpm2_double {

using Bytes = std::vector<std::uint8_t>;
using Value = std::optional<Bytes>;  // no value: NULL

struct Request {
  std::string function;
  std::vector<Value> arguments;

  Request& AddU32(std::uint32_t value);
  Request& AddU64(std::uint64_t value);
  Request& AddBytes(const void* data, std::size_t size);  // NULL stays NULL
  Request& AddText(const wchar_t* text);                  // UTF-16 without its end; NULL stays NULL

  // Readers for the side that serves; a missing or short argument reads as zero or empty.
  std::uint32_t U32(std::size_t index) const;
  std::uint64_t U64(std::size_t index) const;
  Bytes Data(std::size_t index) const;
  bool IsNull(std::size_t index) const;
  std::wstring Text(std::size_t index) const;
};

struct Reply {
  std::uint32_t status = 0;
  std::vector<Value> values;

  Reply& AddU32(std::uint32_t value);
  Reply& AddU64(std::uint64_t value);
  Reply& AddBytes(const void* data, std::size_t size);

  std::uint32_t U32(std::size_t index) const;
  std::uint64_t U64(std::size_t index) const;
  const Bytes& Data(std::size_t index) const;
};

// Blocking socket I/O; false once the far end is gone or out of step.
SOCKET Connect(std::uint16_t port);
bool Write(SOCKET socket, const Request& request);
bool Write(SOCKET socket, const Reply& reply);
bool Read(SOCKET socket, Request* request);
bool Read(SOCKET socket, Reply* reply);

// Calls the broker whose port NODE_TPM2_TEST_BROKER names, from any thread: each call under way has
// a connection of its own, so that a cancel can overtake a command. The connections live as long as
// the process, which is how the broker learns that the process is gone. `library` is told to the
// broker once per connection; what NODE_TPM2_TEST_ELEVATED says goes along with every call.
// Empty without a broker.
std::optional<Reply> CallBroker(const char* library, Request request);

}  // namespace tpm2_double

#endif  // NODE_TPM2_TEST_WINDOWS_RPC_H_
