// device: on pseudo terminals and on descriptors that fail in the ways of the kernel's driver.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <future>
#include <thread>

#include "support/peer_posix.h"
#include "support/scripted_transport.h"
#include "transport/device.h"
#include "transport/framing.h"

namespace tpm2::testing {
namespace {

const Buffer kGetRandom = FromHex("8001 0000000c 0000017b 0008");
const Buffer kAnswer = ResponseOf(0, FromHex("0008 0102030405060708"));

template <typename Act>
Error ErrorOf(Act&& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::kTpmRc, ""};
}

TEST(DeviceTransportTest, ExchangesOverAPtyInPieces) {
  Pty pty;
  const auto transport = OpenTransport("device:" + pty.path());
  EXPECT_EQ(transport->traits().description, "device:" + pty.path());
  EXPECT_FALSE(transport->traits().resource_managed);
  std::thread tpm([&] {
    for (size_t split = 1; split < kAnswer.size(); ++split) {
      EXPECT_EQ(ReadCommand(pty.master()), kGetRandom);
      WriteBytes(pty.master(), ByteView(kAnswer).first(split));
      std::this_thread::yield();
      WriteBytes(pty.master(), ByteView(kAnswer).subspan(split));
    }
  });
  for (size_t split = 1; split < kAnswer.size(); ++split) {
    EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  }
  tpm.join();
  EXPECT_TRUE(transport->IsOpen());
  EXPECT_FALSE(transport->Cancel());
}

TEST(DeviceTransportTest, InterruptEndsTheWait) {
  Pty pty;
  const auto transport = OpenDevice(pty.path());
  auto code = std::async(std::launch::async,
                         [&] { return ErrorOf([&] { transport->Transceive(kGetRandom); }).code; });
  ReadCommand(pty.master());
  transport->Interrupt();
  EXPECT_EQ(code.get(), ErrorCode::kClosed);
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kClosed);
}

TEST(DeviceTransportTest, DeviceThatGoesAwayCloses) {
  Pty pty;
  const auto transport = OpenDevice(pty.path());
  std::thread tpm([&] {
    ReadCommand(pty.master());
    pty.CloseMaster();
  });
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
  tpm.join();
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
}

// A pair of sockets stands in for the device where the test has to fill or starve it.
struct Pair {
  Pair() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  }
  ~Pair() { ::close(ends[1]); }
  std::unique_ptr<Transport> Adopt() { return AdoptDevice(ends[0], "/dev/pair"); }
  int ends[2] = {-1, -1};
};

TEST(DeviceTransportTest, BadAnswersClose) {
  Buffer trailing = kAnswer;
  trailing.push_back(1);
  const Buffer table[] = {FromHex("8001 00000009 00000000"), FromHex("8001 00001001 00000000"),
                          trailing};
  for (const Buffer& answer : table) {
    Pair pair;
    const auto transport = pair.Adopt();
    WriteBytes(pair.ends[1], answer);
    EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
    EXPECT_FALSE(transport->IsOpen());
  }
}

TEST(DeviceTransportTest, ShortWriteIsAnErrorAndCloses) {
  Pair pair;
  const int small = 1;
  ::setsockopt(pair.ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const Buffer filler(2000);  // leaves room for a part of the command
  ASSERT_EQ(::write(pair.ends[0], filler.data(), filler.size()), 2000);
  const auto transport = pair.Adopt();
  Buffer command(kMaxMessageSize);
  StoreU32(kMaxMessageSize, MutableBytes(command).subspan(2));
  const Error error = ErrorOf([&] { transport->Transceive(command); });
  EXPECT_EQ(error.code, ErrorCode::kTransportError);
  EXPECT_NE(error.message.find("of 4096 bytes"), std::string::npos) << error.message;
  EXPECT_FALSE(transport->IsOpen());
}

TEST(DeviceTransportTest, WriteWaitsUntilThereIsRoom) {
  Pair pair;
  const auto transport = pair.Adopt();
  size_t filled = 0;
  const Buffer filler(4096);
  for (ssize_t sent = 0; (sent = ::write(pair.ends[0], filler.data(), filler.size())) > 0;) {
    filled += static_cast<size_t>(sent);
  }
  ASSERT_EQ(errno, EAGAIN);
  ::fcntl(pair.ends[1], F_SETFL, 0);  // the test's end blocks
  std::thread tpm([&] {
    EXPECT_EQ(ReadBytes(pair.ends[1], filled).size(), filled);
    EXPECT_EQ(ReadCommand(pair.ends[1]), kGetRandom);
    WriteBytes(pair.ends[1], kAnswer);
  });
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  tpm.join();
}

TEST(DeviceTransportTest, RefusedCommandLeavesTheDeviceOpen) {
  // A timer's descriptor answers write() with EINVAL, as /dev/tpmrm0 does to a foreign handle.
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  ASSERT_GE(timer, 0);
  const auto transport = AdoptDevice(timer, "/dev/tpmrm0");
  for (int i = 0; i < 2; ++i) {
    const Error error = ErrorOf([&] { transport->Transceive(kGetRandom); });
    EXPECT_EQ(error.code, ErrorCode::kTransportError);
    EXPECT_NE(error.message.find("refused"), std::string::npos) << error.message;
    EXPECT_TRUE(transport->IsOpen());
  }
}

TEST(DeviceTransportTest, DeviceWithoutAnAnswerCloses) {
  const auto transport = OpenDevice("/dev/null");  // read() gives 0
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
  EXPECT_FALSE(transport->IsOpen());
  const auto full = OpenDevice("/dev/full");  // write() gives ENOSPC
  EXPECT_EQ(ErrorOf([&] { full->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
  EXPECT_FALSE(full->IsOpen());
}

TEST(DeviceTransportTest, OnlyCharacterDevicesAreDevices) {
  TempFolder folder;
  const std::string path = folder.path();
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/none"); }).code, ErrorCode::kTpmUnavailable);
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/none/none"); }).code, ErrorCode::kTpmUnavailable);
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path); }).code, ErrorCode::kInvalidArgument);
  std::ofstream(path + "/file") << "x";
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/file"); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/file/x"); }).code, ErrorCode::kTpmUnavailable);
  ASSERT_EQ(::mkfifo((path + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/fifo"); }).code, ErrorCode::kInvalidArgument);
  ASSERT_EQ(::symlink("loop", (path + "/loop").c_str()), 0);
  EXPECT_EQ(ErrorOf([&] { OpenDevice(path + "/loop"); }).code, ErrorCode::kInvalidArgument);
  Peer peer(path + "/socket", WaitForEnd);
  const Error socket = ErrorOf([&] { OpenDevice(path + "/socket"); });
  EXPECT_EQ(socket.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(socket.suggestion.find("swtpm:path="), std::string::npos);
}

TEST(DeviceTransportTest, DefaultIsTheManagedDeviceThenTheRawOneWithAWarning) {
  TempFolder folder;
  Pty pty;
  const std::string managed = folder.path() + "/tpmrm0";
  const std::string raw = folder.path() + "/tpm0";
  EXPECT_EQ(ErrorOf([&] { OpenDefaultDevice(managed, raw); }).code, ErrorCode::kTpmUnavailable);

  ASSERT_EQ(::symlink(pty.path().c_str(), raw.c_str()), 0);
  const auto second = OpenDefaultDevice(managed, raw);
  EXPECT_EQ(second->traits().description, "device:" + raw);
  EXPECT_NE(second->traits().warning.find(managed), std::string::npos);
  EXPECT_FALSE(second->traits().resource_managed);

  ASSERT_EQ(::symlink(pty.path().c_str(), managed.c_str()), 0);
  const auto first = OpenDefaultDevice(managed, raw);
  EXPECT_EQ(first->traits().description, "device:" + managed);
  EXPECT_EQ(first->traits().warning, "");
  EXPECT_TRUE(first->traits().resource_managed);
  EXPECT_TRUE(first->traits().swaps_every_command);

  // What is there but cannot be used is no reason to take the raw device.
  ASSERT_EQ(::unlink(managed.c_str()), 0);
  ASSERT_EQ(::mkdir(managed.c_str(), 0700), 0);
  EXPECT_EQ(ErrorOf([&] { OpenDefaultDevice(managed, raw); }).code, ErrorCode::kInvalidArgument);
}

TEST(DeviceTransportTest, EveryErrnoHasItsCodeAndRemedy) {
  const std::tuple<int, ErrorCode, const char*> opening[] = {
      {ENOENT, ErrorCode::kTpmUnavailable, "firmware"},
      {ENODEV, ErrorCode::kTpmUnavailable, "firmware"},
      {ENXIO, ErrorCode::kTpmUnavailable, "--device /dev/tpm0"},
      {EACCES, ErrorCode::kAccessDenied, "usermod -aG tss"},
      {EPERM, ErrorCode::kAccessDenied, "--group-add"},
      {EBUSY, ErrorCode::kTransportError, "tpmrm0"},
      {EISDIR, ErrorCode::kInvalidArgument, "/dev/tpmrm0"},
      {EMFILE, ErrorCode::kResourceExhausted, "ulimit"},
      {EIO, ErrorCode::kTransportError, ""},
  };
  for (const auto& [number, code, remedy] : opening) {
    const Error error = DeviceOpenError("/dev/tpm0", number);
    EXPECT_EQ(error.code, code) << number;
    EXPECT_NE(error.message.find("/dev/tpm0"), std::string::npos);
    EXPECT_NE(error.suggestion.find(remedy), std::string::npos) << error.suggestion;
  }
  const std::pair<int, bool> io[] = {{EINVAL, true},  {E2BIG, true},   {EBUSY, false},
                                     {EPIPE, false},  {EIO, false},    {ENODEV, false},
                                     {ENOENT, false}, {ETIME, false},  {ENXIO, false},
                                     {EFAULT, false}, {ENOMEM, false}, {ECANCELED, false}};
  for (const auto& [number, usable] : io) {
    const DeviceFailure failure = DeviceIoFailure("/dev/tpmrm0", number);
    EXPECT_EQ(failure.error.code, ErrorCode::kTransportError) << number;
    EXPECT_EQ(failure.usable, usable) << number;
    EXPECT_FALSE(failure.error.suggestion.empty()) << number;
  }
}

TEST(OpenTransportTest, OtherTransportsSayWhatToUse) {
  for (const char* tcti : {"tabrmd", "tabrmd:bus_type=system", "module:libx.so:c",
                           "libtss2-tcti-swtpm.so.0:port=1", "tbs", "tbs:"}) {
    const Error error = ErrorOf([&] { OpenTransport(tcti); });
    EXPECT_EQ(error.code, ErrorCode::kNotSupported) << tcti;
    EXPECT_NE(error.suggestion.find("device:"), std::string::npos) << tcti;
  }
  EXPECT_EQ(ErrorOf([&] { OpenTransport("nonsense:"); }).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tpm2::testing
