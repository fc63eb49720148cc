// What the kernel does (measured, Linux 6.1): write() takes one whole command, with O_NONBLOCK it
// only queues it, and what the driver or its resource manager refuses then comes as an errno of
// read(); read() before there is an answer returns 0, so poll() comes first; an answer may be read
// in pieces; a write() while an answer waits is EBUSY. While the chip works, poll() itself may be
// held up by the driver's lock: an Interrupt() is then noticed when the chip has answered.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "transport/device.h"
#include "transport/framing.h"
#include "transport/io_posix.h"

namespace tpm2 {
namespace {

TransportTraits TraitsOf(const std::string& path) {
  TransportTraits traits;
  traits.description = "device:" + path;
  // The base name tells: the kernel gives the device files of its resource manager no other mark.
  traits.resource_managed = path.substr(path.rfind('/') + 1).starts_with("tpmrm");
  traits.swaps_every_command = traits.resource_managed;
  return traits;
}

class DeviceTransport final : public Transport {
 public:
  DeviceTransport(UniqueFd fd, const std::string& path, std::string warning)
      : fd_(std::move(fd)), path_(path), traits_(TraitsOf(path)) {
    traits_.warning = std::move(warning);
  }

  Buffer Transceive(ByteView command) override {
    CheckCommand(command);
    if (wakeup_.raised()) ThrowInterrupted();
    if (!IsOpen()) {
      throw Error(ErrorCode::kTransportError, "The connection to " + path_ + " is broken",
                  "Open the TPM again");
    }
    // Every way out but the good one, and the driver's own refusals, closes: an answer that comes
    // later would be taken for the next command's.
    struct AtEnd {
      DeviceTransport* device;
      bool keep_open = false;
      ~AtEnd() {
        if (!keep_open) device->Close();
      }
    } at_end{this};
    Send(command, at_end.keep_open);
    Buffer response =
        ReadResponse([&](MutableBytes into) { return ReadSome(into, at_end.keep_open); });
    at_end.keep_open = true;
    return response;
  }

  bool IsOpen() const override { return open_.load(std::memory_order_acquire); }

  void Interrupt() noexcept override {
    open_.store(false, std::memory_order_release);
    wakeup_.Raise();
  }

  const TransportTraits& traits() const override { return traits_; }

 private:
  void Send(ByteView command, bool& keep_open) {
    for (;;) {
      const ssize_t sent = ::write(fd_.get(), command.data(), command.size());
      if (sent == static_cast<ssize_t>(command.size())) return;
      if (sent >= 0) {
        throw Error(ErrorCode::kTransportError, path_ + " took " + std::to_string(sent) + " of " +
                                                    std::to_string(command.size()) +
                                                    " bytes of the command");
      }
      if (errno == EAGAIN) {
        Await(POLLOUT);
      } else if (errno != EINTR) {
        ThrowFailure(errno, keep_open);
      }
    }
  }

  size_t ReadSome(MutableBytes into, bool& keep_open) {
    for (;;) {
      Await(POLLIN);
      const ssize_t got = ::read(fd_.get(), into.data(), into.size());
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EAGAIN && errno != EINTR) ThrowFailure(errno, keep_open);
    }
  }

  void Await(short events) const {
    if (wakeup_.Wait(fd_.get(), events, {}) == Wakeup::Outcome::kRaised) ThrowInterrupted();
  }

  [[noreturn]] void ThrowFailure(int error, bool& keep_open) const {
    DeviceFailure failure = DeviceIoFailure(path_, error);
    keep_open = failure.usable;
    throw std::move(failure.error);
  }

  [[noreturn]] static void ThrowInterrupted() {
    throw Error(ErrorCode::kClosed, "The connection to the TPM was closed");
  }

  void Close() noexcept {
    open_.store(false, std::memory_order_release);
    fd_.Reset();  // only the worker's thread uses the descriptor; /dev/tpm0 becomes free at once
  }

  UniqueFd fd_;
  const std::string path_;
  TransportTraits traits_;
  Wakeup wakeup_;
  std::atomic<bool> open_{true};
};

// Throws, or returns the descriptor; empty if there is no such file.
UniqueFd OpenFile(const std::string& path) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  const int error = errno;
  UniqueFd owner(fd);
  struct stat status {};
  if (!owner && error == ENXIO && ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    throw Error(ErrorCode::kInvalidArgument, path + " is a socket, not a character device",
                "For the socket of a simulator write swtpm:path=" + path);
  }
  if (!owner && error == ENOENT) return owner;
  if (!owner) throw DeviceOpenError(path, error);
  if (::fstat(fd, &status) != 0) throw DeviceOpenError(path, errno);
  if (!S_ISCHR(status.st_mode)) {
    throw Error(ErrorCode::kInvalidArgument, path + " is not a character device",
                "TPM devices are /dev/tpmrm0 and /dev/tpm0");
  }
  return owner;
}

}  // namespace

std::unique_ptr<Transport> OpenDevice(const std::string& path) {
  UniqueFd fd = OpenFile(path);
  if (!fd) throw DeviceOpenError(path, ENOENT);
  return std::make_unique<DeviceTransport>(std::move(fd), path, "");
}

std::unique_ptr<Transport> OpenDefaultDevice(const std::string& managed, const std::string& raw) {
  if (UniqueFd fd = OpenFile(managed)) {
    return std::make_unique<DeviceTransport>(std::move(fd), managed, "");
  }
  if (UniqueFd fd = OpenFile(raw)) {
    return std::make_unique<DeviceTransport>(
        std::move(fd), raw,
        managed + " does not exist, so " + raw +
            " is used without a resource manager: other programs cannot use the TPM meanwhile, "
            "and what they left in its slots stays there");
  }
  throw Error(ErrorCode::kTpmUnavailable,
              "There is no TPM device: neither " + managed + " nor " + raw + " exists",
              "Enable the TPM (fTPM, PTT) in the firmware's settings; in a container pass "
              "--device /dev/tpmrm0; without a TPM use a simulator (swtpm:path=SOCKET)");
}

std::unique_ptr<Transport> AdoptDevice(int fd, const std::string& path) {
  return std::make_unique<DeviceTransport>(UniqueFd(fd), path, "");
}

Error DeviceOpenError(const std::string& path, int error) {
  const std::string text = "Cannot open " + path + ": " + ErrnoText(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return {
          ErrorCode::kTpmUnavailable, text,
          "Enable the TPM (fTPM, PTT) in the firmware's settings; in a container pass --device " +
              path};
    case EACCES:
    case EPERM:
      return {ErrorCode::kAccessDenied, text,
              "Add the user to the group of the device (sudo usermod -aG tss $USER, then log in "
              "again); in a container pass --device " +
                  path + " and --group-add with that group's number"};
    case EBUSY:
      return {ErrorCode::kTransportError, text + ": another program has it open",
              "Use device:/dev/tpmrm0, which programs share, or end the other program (fuser -v " +
                  path + " names it)"};
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EROFS:
      return {ErrorCode::kInvalidArgument, text, "TPM devices are /dev/tpmrm0 and /dev/tpm0"};
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return {ErrorCode::kResourceExhausted, text,
              "Raise the process's limit of open files (ulimit -n)"};
    default:
      return {ErrorCode::kTransportError, text};
  }
}

DeviceFailure DeviceIoFailure(const std::string& path, int error) {
  const std::string text = path + ": " + ErrnoText(error);
  switch (error) {
    case EINVAL:
      return {{ErrorCode::kTransportError, "The kernel refused the command (" + text + ")",
               "The command is malformed, or names an object or session that does not belong to "
               "this connection: /dev/tpmrm0 keeps those of each connection apart"},
              true};
    case E2BIG:
      return {
          {ErrorCode::kTransportError, "The kernel refused the command as too long (" + text + ")",
           "Send less data in one command"},
          true};
    case EBUSY:
      return {{ErrorCode::kTransportError,
               "The kernel holds an earlier response that was not read (" + text + ")",
               "Open the TPM again"},
              false};
    case EPIPE:
    case EIO:
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {{ErrorCode::kTransportError, "The TPM device is gone (" + text + ")",
               "Check that the TPM or its simulator is still there, then open it again"},
              false};
    case ETIME:
    case ETIMEDOUT:
      return {
          {ErrorCode::kTransportError, "The TPM did not answer its driver in time (" + text + ")",
           "Open the TPM again; if that goes on, restart the machine"},
          false};
    default:
      return {{ErrorCode::kTransportError, "The TPM device failed (" + text + ")",
               "Open the TPM again"},
              false};
  }
}

}  // namespace tpm2
