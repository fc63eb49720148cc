#include "support/peer_posix.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "tpm2/error.h"
#include "transport/framing.h"
#include "transport/stream.h"

extern char** environ;

namespace tpm2::testing {
namespace {

int Checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address AddressOf(const std::string& unix_path, uint16_t port) {
  Address address;
  if (unix_path.empty()) {
    auto& tcp = reinterpret_cast<sockaddr_in&>(address.storage);
    tcp.sin_family = AF_INET;
    tcp.sin_port = htons(port);
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof tcp;
  } else {
    auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
    local.sun_family = AF_UNIX;
    std::strncpy(local.sun_path, unix_path.c_str(), sizeof local.sun_path - 1);
    address.size = sizeof local;
  }
  return address;
}

int Listen(const std::string& unix_path, uint16_t tcp_port, int backlog, uint16_t* port) {
  const int family = unix_path.empty() ? AF_INET : AF_UNIX;
  const int fd = Checked(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const Address address = AddressOf(unix_path, tcp_port);
  Checked(::bind(fd, address.get(), address.size), "bind");
  Checked(::listen(fd, backlog), "listen");
  if (unix_path.empty()) {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    Checked(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size), "getsockname");
    *port = ntohs(bound.sin_port);
  }
  return fd;
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = "/tmp/tpm2-unit-XXXXXX";  // short: socket paths have 107 bytes
  if (::mkdtemp(pattern.data()) == nullptr) Checked(-1, "mkdtemp");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Buffer ReadBytes(int fd, size_t count) {
  Buffer bytes(count);
  size_t have = 0;
  while (have < count) {
    const ssize_t got = ::read(fd, bytes.data() + have, count - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Buffer ReadCommand(int fd) {
  Buffer command = ReadBytes(fd, kHeaderSize);
  if (command.size() < kHeaderSize) return {};
  const Buffer rest = ReadBytes(fd, LoadU32(ByteView(command).subspan(2)) - kHeaderSize);
  command.insert(command.end(), rest.begin(), rest.end());
  return command;
}

void WriteBytes(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = ::write(fd, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // the test under way sees that the bytes are missing
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
}

void WaitForEnd(int fd) {
  while (!ReadBytes(fd, 4096).empty()) {
  }
}

Peer::Peer(const std::string& unix_path, Script script, uint16_t tcp_port)
    : fd_(Listen(unix_path, tcp_port, 16, &port_)) {
  thread_ = std::thread([fd = fd_, script = std::move(script)] {
    for (;;) {
      const int connection = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0 && errno == EINTR) continue;
      if (connection < 0) return;
      script(connection);
      ::close(connection);
    }
  });
}

Peer::~Peer() {
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
  ::close(fd_);
}

DeafListener::DeafListener(const std::string& unix_path) {
  fds_.push_back(Listen(unix_path, 0, 0, &port_));
  const Address address = AddressOf(unix_path, port_);
  // Connections that nobody accepts, until one finds no room.
  for (int i = 0; i < 16; ++i) {
    const int family = unix_path.empty() ? AF_INET : AF_UNIX;
    const int fd = Checked(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "fill");
    fds_.push_back(fd);
    if (::connect(fd, address.get(), address.size) != 0 && errno == EAGAIN) break;
  }
}

DeafListener::~DeafListener() {
  for (const int fd : fds_) ::close(fd);
}

Pty::Pty() {
  master_ = Checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  Checked(::grantpt(master_), "grantpt");
  Checked(::unlockpt(master_), "unlockpt");
  char name[128];
  if (::ptsname_r(master_, name, sizeof name) != 0) Checked(-1, "ptsname_r");
  path_ = name;
  termios mode{};
  Checked(::tcgetattr(master_, &mode), "tcgetattr");
  ::cfmakeraw(&mode);
  Checked(::tcsetattr(master_, TCSANOW, &mode), "tcsetattr");
}

Pty::~Pty() { CloseMaster(); }

void Pty::CloseMaster() {
  if (master_ >= 0) ::close(std::exchange(master_, -1));
}

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  int input[2];
  int output[2];
  Checked(::pipe2(input, O_CLOEXEC), "pipe2");
  Checked(::pipe2(output, O_CLOEXEC), "pipe2");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int failed = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  output_ = output[0];
  if (failed != 0) throw std::system_error(failed, std::generic_category(), arguments[0]);
}

ChildProcess::~ChildProcess() {
  Kill();
  ::close(input_);
  ::close(output_);
}

void ChildProcess::Kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::string ChildProcess::ReadLine() {
  std::string line;
  for (;;) {
    const Buffer byte = ReadBytes(output_, 1);
    if (byte.empty() || byte[0] == '\n') return line;
    line += static_cast<char>(byte[0]);
  }
}

bool HaveProgram(const std::string& name) {
  const char* path = ::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string candidate = rest.substr(0, colon) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return true;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return false;
}

Swtpm::Swtpm(bool tcp) {
  for (int tries = 0; tries < 5; ++tries) {
    std::string server = "type=unixio,path=" + path();
    std::string control = server + ".ctrl";
    Endpoint endpoint{.path = path()};
    tcti_ = "swtpm:path=" + path();
    if (tcp) {
      uint16_t port = 0;
      ::close(Listen("", 0, 1, &port));  // a free port now; if somebody takes it, try again
      server = "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port);
      control = "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port + 1);
      endpoint = {.host = "127.0.0.1", .port = port};
      tcti_ = "swtpm:host=127.0.0.1,port=" + std::to_string(port);
    }
    process_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        "swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + folder_.path(), "--server", server,
        "--ctrl", control, "--log", "file=" + folder_.path() + "/log", "--flags",
        "startup-clear,not-need-init"});
    for (int wait = 0; wait < 500; ++wait) {
      try {
        ConnectStream(endpoint, DeadlineIn(std::chrono::seconds(1)));
        return;
      } catch (const Error&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
    process_.reset();
  }
  throw std::runtime_error("swtpm did not start");
}

}  // namespace tpm2::testing
