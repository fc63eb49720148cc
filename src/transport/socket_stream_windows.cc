// Streams over TCP with Winsock: for simulators. Windows' own TPM is reached through TBS.
#include <winsock2.h>
#include <ws2tcpip.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <system_error>
#include <utility>

#include "tpm2/error.h"
#include "transport/stream.h"

namespace tpm2 {
namespace {

Error Interrupted() { return {ErrorCode::kClosed, "The connection to the TPM was closed"}; }

Error TimedOut() { return {ErrorCode::kTimeout, "The TPM's side did not answer in time"}; }

// "error 10061 (...)": Winsock's numbers are what people search for.
std::string ErrorText(int error) {
  return "error " + std::to_string(error) + " (" + std::system_category().message(error) + ")";
}

// Winsock is started once and stays: the process's other users count on theirs as well.
void StartWinsock() {
  static const int result = [] {
    WSADATA data;
    return ::WSAStartup(MAKEWORD(2, 2), &data);
  }();
  if (result != 0) {
    throw Error(ErrorCode::kTransportError, "Winsock does not start: " + ErrorText(result));
  }
}

class SocketStream final : public Stream {
 public:
  SocketStream() : wakeup_(::WSACreateEvent()), ready_(::WSACreateEvent()) {
    if (wakeup_ == WSA_INVALID_EVENT || ready_ == WSA_INVALID_EVENT) {
      CloseEvents();
      throw Error(ErrorCode::kResourceExhausted, "Cannot make an event");
    }
  }
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;
  ~SocketStream() override {
    if (socket_ != INVALID_SOCKET) ::closesocket(socket_);
    CloseEvents();
  }

  // Returns 0 or Winsock's error number. WSAETIMEDOUT also stands for the deadline.
  int Connect(const addrinfo& address, Deadline deadline) {
    socket_ = ::WSASocketW(address.ai_family, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket_ == INVALID_SOCKET) return ::WSAGetLastError();
    // Makes the socket non-blocking, too.
    if (::WSAEventSelect(socket_, ready_, FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE) != 0) {
      return ::WSAGetLastError();
    }
    const BOOL on = TRUE;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof on);
    if (::connect(socket_, address.ai_addr, static_cast<int>(address.ai_addrlen)) == 0) return 0;
    if (const int error = ::WSAGetLastError(); error != WSAEWOULDBLOCK) return error;
    for (;;) {
      if (Wait(deadline) != Outcome::kReady) return WSAETIMEDOUT;
      WSANETWORKEVENTS events;
      if (::WSAEnumNetworkEvents(socket_, ready_, &events) != 0) return ::WSAGetLastError();
      if (events.lNetworkEvents & FD_CONNECT) return events.iErrorCode[FD_CONNECT_BIT];
    }
  }

  void Write(ByteView bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      if (raised_.load(std::memory_order_acquire)) throw Interrupted();
      const int sent = Send(bytes);
      if (sent >= 0) {
        bytes = bytes.subspan(static_cast<size_t>(sent));
      } else {
        AwaitUnlessBroken("send to", deadline);
      }
    }
  }

  size_t Read(MutableBytes into, Deadline deadline) override {
    for (;;) {
      if (raised_.load(std::memory_order_acquire)) throw Interrupted();
      const int got =
          ::recv(socket_, reinterpret_cast<char*>(into.data()), static_cast<int>(into.size()), 0);
      if (got >= 0) return static_cast<size_t>(got);
      AwaitUnlessBroken("receive from", deadline);
    }
  }

  bool WriteNow(ByteView bytes) noexcept override {
    const int sent = Send(bytes);
    return sent >= 0 && static_cast<size_t>(sent) == bytes.size();
  }

  Pending Peek() noexcept override {
    char byte = 0;
    const int got = ::recv(socket_, &byte, 1, MSG_PEEK);
    if (got > 0) return Pending::kBytes;
    if (got < 0 && ::WSAGetLastError() == WSAEWOULDBLOCK) return Pending::kNothing;
    return Pending::kEnd;
  }

  void Shutdown() noexcept override { ::shutdown(socket_, SD_BOTH); }

  void Interrupt() noexcept override {
    raised_.store(true, std::memory_order_release);
    ::WSASetEvent(wakeup_);  // never reset: from now on every wait ends at once
  }

 private:
  enum class Outcome { kReady, kRaised, kTimeout };

  Outcome Wait(Deadline deadline) const {
    DWORD limit = WSA_INFINITE;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline - std::chrono::steady_clock::now());
      limit =
          static_cast<DWORD>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
    }
    const WSAEVENT events[] = {wakeup_, ready_};
    const DWORD result = ::WSAWaitForMultipleEvents(2, events, FALSE, limit, FALSE);
    if (result == WSA_WAIT_EVENT_0) return Outcome::kRaised;
    if (result == WSA_WAIT_EVENT_0 + 1) return Outcome::kReady;
    if (result == WSA_WAIT_TIMEOUT) return Outcome::kTimeout;
    throw Error(ErrorCode::kTransportError,
                "Waiting for the TPM failed: " + ErrorText(::WSAGetLastError()));
  }

  // After a call that has failed: waits for the socket to change if it would have blocked. The call
  // itself has re-armed the event that it waits for.
  void AwaitUnlessBroken(const char* what, Deadline deadline) const {
    if (const int error = ::WSAGetLastError(); error != WSAEWOULDBLOCK) {
      throw Error(ErrorCode::kTransportError,
                  std::string("Cannot ") + what + " the TPM: " + ErrorText(error),
                  "Open the TPM again; the command may or may not have run");
    }
    switch (Wait(deadline)) {
      case Outcome::kReady: {
        WSANETWORKEVENTS events;
        ::WSAEnumNetworkEvents(socket_, ready_, &events);  // resets the event
        return;
      }
      case Outcome::kRaised:
        throw Interrupted();
      case Outcome::kTimeout:
        throw TimedOut();
    }
  }

  int Send(ByteView bytes) const noexcept {
    return ::send(socket_, reinterpret_cast<const char*>(bytes.data()),
                  static_cast<int>(bytes.size()), 0);
  }

  void CloseEvents() noexcept {
    for (const WSAEVENT event : {wakeup_, ready_}) {
      if (event != WSA_INVALID_EVENT) ::WSACloseEvent(event);
    }
  }

  SOCKET socket_ = INVALID_SOCKET;
  const WSAEVENT wakeup_;
  const WSAEVENT ready_;
  std::atomic<bool> raised_{false};
};

Error ConnectError(const Endpoint& endpoint, int error) {
  const std::string name = EndpointName(endpoint);
  const std::string text = "Cannot connect to " + name + ": " + ErrorText(error);
  switch (error) {
    case WSAECONNREFUSED:
      return {ErrorCode::kTpmUnavailable, text,
              "Is swtpm or another TPM simulator running there? Start it, or correct the tcti "
              "string"};
    case WSAETIMEDOUT:
      return {ErrorCode::kTpmUnavailable, "Connecting to " + name + " took too long",
              "Check the host and port in the tcti string, and the firewalls between"};
    case WSAEACCES:
      return {ErrorCode::kAccessDenied, text, "A firewall rule forbids the connection: allow it"};
    case WSAEMFILE:
    case WSAENOBUFS:
      return {ErrorCode::kResourceExhausted, text};
    case WSAENETUNREACH:
    case WSAEHOSTUNREACH:
    case WSAEADDRNOTAVAIL:
    case WSAEAFNOSUPPORT:
    case WSAECONNRESET:
      return {ErrorCode::kTpmUnavailable, text, "Check the host and port in the tcti string"};
    default:
      return {ErrorCode::kTransportError, text};
  }
}

}  // namespace

std::unique_ptr<Stream> ConnectStream(const Endpoint& endpoint, Deadline deadline) {
  if (!endpoint.path.empty()) {
    throw Error(ErrorCode::kNotSupported, "Simulators at socket paths are not supported on Windows",
                "Use a TCP port: host=127.0.0.1,port=2321");
  }
  StartWinsock();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (failed != 0) {
    throw Error(ErrorCode::kTpmUnavailable,
                "Cannot find the host '" + endpoint.host + "': " + ErrorText(failed),
                "Check the host in the tcti string");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  int error = WSAEADDRNOTAVAIL;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    auto stream = std::make_unique<SocketStream>();
    error = stream->Connect(*each, deadline);
    if (error == 0) return stream;
  }
  throw ConnectError(endpoint, error);
}

}  // namespace tpm2
