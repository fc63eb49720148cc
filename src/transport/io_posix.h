// File descriptors that close themselves, and waiting that another thread can end.
#ifndef TPM2_TRANSPORT_IO_POSIX_H_
#define TPM2_TRANSPORT_IO_POSIX_H_

#include <unistd.h>

#include <atomic>
#include <string>
#include <utility>

#include "transport/stream.h"

namespace tpm2 {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// A pipe to oneself that, once raised, is readable for ever.
class Wakeup {
 public:
  enum class Outcome { kReady, kRaised, kTimeout };

  Wakeup();  // throws RESOURCE_EXHAUSTED
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // From any thread.
  void Raise() noexcept;
  bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }

  // Until `fd` has one of `events` (poll's bits) or an error condition; with fd -1 it only sleeps.
  // Having been raised wins over readiness. Signals do not end the wait.
  Outcome Wait(int fd, short events, Deadline deadline) const;

 private:
  UniqueFd read_end_;
  UniqueFd write_end_;
  std::atomic<bool> raised_{false};
};

// "No such file or directory" and the like, thread-safe.
std::string ErrnoText(int error);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_IO_POSIX_H_
