// The other end of a transport, played by the test: sockets, pseudo terminals, child processes.
#ifndef TPM2_TEST_UNIT_SUPPORT_PEER_POSIX_H_
#define TPM2_TEST_UNIT_SUPPORT_PEER_POSIX_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tpm2/bytes.h"

namespace tpm2::testing {

// A folder of the test's own under the system's temporary one, gone with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Blocking, whole amounts; a stream that ends first gives what there was.
Buffer ReadBytes(int fd, size_t count);
Buffer ReadCommand(int fd);  // the header and as much as it says
void WriteBytes(int fd, ByteView bytes);
void WaitForEnd(int fd);  // reads until the other side closes

// A server that runs `script` on each connection, one after the other, and closes it afterwards.
// Destroy the client before the server.
class Peer {
 public:
  using Script = std::function<void(int fd)>;
  static constexpr const char* kTcp = "";

  // At a Unix socket, or on a free TCP port of 127.0.0.1 (or that port).
  Peer(const std::string& unix_path, Script script, uint16_t tcp_port = 0);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  uint16_t port() const { return port_; }

 private:
  uint16_t port_ = 0;  // before fd_, whose initialiser sets it
  int fd_ = -1;
  std::thread thread_;
};

// A listening socket that accepts nobody and whose queue is full. `unix_path` empty: TCP.
class DeafListener {
 public:
  explicit DeafListener(const std::string& unix_path);
  ~DeafListener();
  DeafListener(const DeafListener&) = delete;
  DeafListener& operator=(const DeafListener&) = delete;
  uint16_t port() const { return port_; }

 private:
  std::vector<int> fds_;
  uint16_t port_ = 0;
};

// A raw pseudo terminal; `master` is the test's end, `path` the device's file.
class Pty {
 public:
  Pty();
  ~Pty();
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;
  int master() const { return master_; }
  const std::string& path() const { return path_; }
  void CloseMaster();

 private:
  int master_ = -1;
  std::string path_;
};

// A program with pipes at its standard input and output; ended by its process id.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();  // SIGKILL, if it still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  void Kill();
  std::string ReadLine();  // empty when its output has ended

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

// Whether PATH has this program.
bool HaveProgram(const std::string& name);

// swtpm on Unix sockets `path` and `path`.ctrl, or (tcp) on two neighbouring ports.
class Swtpm {
 public:
  explicit Swtpm(bool tcp = false);
  static bool Installed() { return HaveProgram("swtpm"); }
  const std::string& tcti() const { return tcti_; }
  std::string path() const { return folder_.path() + "/s"; }
  void Kill() { process_->Kill(); }

 private:
  TempFolder folder_;
  std::string tcti_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_PEER_POSIX_H_
