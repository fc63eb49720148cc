// Streams over Unix and TCP sockets.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tpm2/error.h"
#include "transport/io_posix.h"
#include "transport/stream.h"

namespace tpm2 {
namespace {

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;  // SO_NOSIGPIPE is set on the socket instead
#endif

// How long to leave a full Unix backlog alone: connect() answers EAGAIN, and poll() cannot tell
// when there is room again.
constexpr std::chrono::milliseconds kBacklogPause{10};

Error Interrupted() { return {ErrorCode::kClosed, "The connection to the TPM was closed"}; }

Error TimedOut() { return {ErrorCode::kTimeout, "The TPM's side did not answer in time"}; }

class SocketStream final : public Stream {
 public:
  SocketStream() = default;

  // Returns 0 or the error number. ETIMEDOUT also stands for the deadline.
  int Connect(int family, const sockaddr* address, socklen_t length, Deadline deadline) {
    fd_ = OpenSocket(family);
    if (!fd_) return errno;
    for (;;) {
      if (::connect(fd_.get(), address, length) == 0) return 0;
      const int error = errno;
      if (error == EAGAIN) {
        const auto now = std::chrono::steady_clock::now();
        if (deadline && now >= *deadline) return ETIMEDOUT;
        auto pause = now + kBacklogPause;
        if (deadline) pause = std::min(pause, *deadline);
        wakeup_.Wait(-1, 0, pause);
        continue;
      }
      // A connect() that a signal interrupted goes on in the background.
      if (error != EINPROGRESS && error != EINTR) return error;
      if (wakeup_.Wait(fd_.get(), POLLOUT, deadline) != Wakeup::Outcome::kReady) return ETIMEDOUT;
      int result = 0;
      socklen_t size = sizeof result;
      if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &result, &size) != 0) return errno;
      return result;
    }
  }

  void Write(ByteView bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      if (wakeup_.raised()) throw Interrupted();
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), kSendFlags);
      if (sent >= 0) {
        bytes = bytes.subspan(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        Await(POLLOUT, deadline);
      } else if (errno != EINTR) {
        throw Broken("send to", errno);
      }
    }
  }

  size_t Read(MutableBytes into, Deadline deadline) override {
    for (;;) {
      Await(POLLIN, deadline);
      const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        throw Broken("receive from", errno);
      }
    }
  }

  bool WriteNow(ByteView bytes) noexcept override {
    ssize_t sent = 0;
    do {
      sent = ::send(fd_.get(), bytes.data(), bytes.size(), kSendFlags);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 && static_cast<size_t>(sent) == bytes.size();
  }

  Pending Peek() noexcept override {
    char byte = 0;
    for (;;) {
      const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK);
      if (got > 0) return Pending::kBytes;
      if (got == 0) return Pending::kEnd;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Pending::kNothing;
      if (errno != EINTR) return Pending::kEnd;
    }
  }

  void Shutdown() noexcept override { ::shutdown(fd_.get(), SHUT_RDWR); }

  void Interrupt() noexcept override { wakeup_.Raise(); }

 private:
  static UniqueFd OpenSocket(int family) {
#ifdef SOCK_CLOEXEC
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
#else
    UniqueFd fd(::socket(family, SOCK_STREAM, 0));
    if (fd) {
      ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
      ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    }
#endif
    if (!fd) return fd;
    const int on = 1;
    // One small message each way: with Nagle's algorithm each would wait for the peer's late ACK.
    if (family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    ::setsockopt(fd.get(), SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
  }

  void Await(short events, Deadline deadline) const {
    switch (wakeup_.Wait(fd_.get(), events, deadline)) {
      case Wakeup::Outcome::kReady:
        return;
      case Wakeup::Outcome::kRaised:
        throw Interrupted();
      case Wakeup::Outcome::kTimeout:
        throw TimedOut();
    }
  }

  static Error Broken(const char* what, int error) {
    return {ErrorCode::kTransportError,
            std::string("Cannot ") + what + " the TPM: " + ErrnoText(error),
            "Open the TPM again; the command may or may not have run"};
  }

  UniqueFd fd_;
  Wakeup wakeup_;
};

Error ConnectError(const Endpoint& endpoint, int error) {
  const std::string name = EndpointName(endpoint);
  const std::string text = "Cannot connect to " + name + ": " + ErrnoText(error);
  switch (error) {
    case ECONNREFUSED:
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::kTpmUnavailable, text,
              "Is swtpm or another TPM simulator running there? Start it, or correct the tcti "
              "string"};
    case ETIMEDOUT:
      return {ErrorCode::kTpmUnavailable, "Connecting to " + name + " took too long",
              "A simulator serves one client at a time: end the other clients, or start another "
              "simulator"};
    case EACCES:
    case EPERM:
      return {ErrorCode::kAccessDenied, text,
              endpoint.path.empty()
                  ? "A firewall or sandbox rule forbids the connection: allow it"
                  : "The socket and its folders must be open to this user: run as the user that "
                    "started the simulator, or change the socket's mode"};
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return {ErrorCode::kResourceExhausted, text,
              "Raise the process's limit of open files (ulimit -n)"};
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ECONNRESET:
      return {ErrorCode::kTpmUnavailable, text, "Check the host and port in the tcti string"};
    default:
      return {ErrorCode::kTransportError, text};
  }
}

std::unique_ptr<Stream> ConnectUnix(const Endpoint& endpoint, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (endpoint.path.size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::kInvalidArgument,
                "A socket's path has at most " + std::to_string(sizeof address.sun_path - 1) +
                    " bytes, this one has " + std::to_string(endpoint.path.size()),
                "Use a shorter path, for instance one under /run or /tmp");
  }
  std::memcpy(address.sun_path, endpoint.path.data(), endpoint.path.size());
  auto stream = std::make_unique<SocketStream>();
  const int error = stream->Connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address),
                                    sizeof address, deadline);
  if (error != 0) throw ConnectError(endpoint, error);
  return stream;
}

std::unique_ptr<Stream> ConnectTcp(const Endpoint& endpoint, Deadline deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (failed != 0) {
    throw Error(ErrorCode::kTpmUnavailable,
                "Cannot find the host '" + endpoint.host +
                    "': " + (failed == EAI_SYSTEM ? ErrnoText(errno) : ::gai_strerror(failed)),
                "Check the host in the tcti string");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    auto stream = std::make_unique<SocketStream>();
    error = stream->Connect(each->ai_family, each->ai_addr, each->ai_addrlen, deadline);
    if (error == 0) return stream;
  }
  throw ConnectError(endpoint, error);
}

}  // namespace

std::unique_ptr<Stream> ConnectStream(const Endpoint& endpoint, Deadline deadline) {
  return endpoint.path.empty() ? ConnectTcp(endpoint, deadline) : ConnectUnix(endpoint, deadline);
}

}  // namespace tpm2
