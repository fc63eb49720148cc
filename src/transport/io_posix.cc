#include "transport/io_posix.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "tpm2/error.h"

namespace tpm2 {
namespace {

// Rounded up, so that the wait does not end a moment early and spin.
int PollTimeout(Deadline deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

Wakeup::Wakeup() {
  int ends[2];
#ifdef __linux__
  const bool made = ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
#else
  const bool made = ::pipe(ends) == 0;
#endif
  if (!made) {
    throw Error(ErrorCode::kResourceExhausted, "Cannot make a pipe: " + ErrnoText(errno),
                "Raise the process's limit of open files (ulimit -n)");
  }
#ifndef __linux__
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
#endif
  read_end_ = UniqueFd(ends[0]);
  write_end_ = UniqueFd(ends[1]);
}

void Wakeup::Raise() noexcept {
  if (raised_.exchange(true, std::memory_order_acq_rel)) return;
  const char byte = 1;
  while (::write(write_end_.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

Wakeup::Outcome Wakeup::Wait(int fd, short events, Deadline deadline) const {
  for (;;) {
    pollfd polled[] = {{read_end_.get(), POLLIN, 0}, {fd, events, 0}};
    const int count = ::poll(polled, 2, PollTimeout(deadline));
    if (raised()) return Outcome::kRaised;
    if (count > 0 && polled[1].revents != 0) return Outcome::kReady;
    if (count == 0) return Outcome::kTimeout;
    if (count < 0 && errno != EINTR) {
      throw Error(ErrorCode::kTransportError, "Waiting for the TPM failed: " + ErrnoText(errno));
    }
  }
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

}  // namespace tpm2
