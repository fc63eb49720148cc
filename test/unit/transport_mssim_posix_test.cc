// mssim: against a simulator that the test plays byte by byte.
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "support/peer_posix.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2::testing {
namespace {

using std::chrono::milliseconds;

const Buffer kGetRandom = FromHex("8001 0000000c 0000017b 0008");
const Buffer kAnswer = ResponseOf(0, FromHex("0008 0102030405060708"));
const Buffer kZero = FromHex("00000000");
const Buffer kFramedAnswer =
    FromHex("00000014 8001 00000014 00000000 0008 0102030405060708 00000000");

template <typename Act>
ErrorCode CodeThrownBy(Act&& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code;
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kTpmRc;
}

// One framed command; the end of the session gives nothing.
Buffer ReadFramed(int fd) {
  Buffer frame = ReadBytes(fd, 9);
  if (frame.size() < 9) return {};
  const Buffer command = ReadCommand(fd);
  frame.insert(frame.end(), command.begin(), command.end());
  return frame;
}

struct MssimTransportTest : ::testing::Test {
  // A platform socket that keeps what it gets and answers each word with `result`.
  std::unique_ptr<Peer> Platform(Buffer result = kZero) {
    return std::make_unique<Peer>(path + ".ctrl", [this, result](int fd) {
      for (;;) {
        const Buffer word = ReadBytes(fd, 4);
        if (word.empty() || word == FromHex("00000014")) {
          ended.set_value(!word.empty());
          return;
        }
        {
          const std::lock_guard lock(mutex);
          platform_words += ToHex(word) + " ";
        }
        WriteBytes(fd, result);
        if (word == FromHex("00000009")) cancel_on.set_value();
      }
    });
  }
  std::string Words() {
    const std::lock_guard lock(mutex);
    return platform_words;
  }
  std::unique_ptr<Transport> Open(milliseconds limit = std::chrono::seconds(10)) const {
    return OpenTransport("mssim:path=" + path, limit);
  }

  TempFolder folder;
  std::string path = folder.path() + "/s";
  std::mutex mutex;
  std::string platform_words;
  std::promise<void> cancel_on;
  std::promise<bool> ended;
};

TEST_F(MssimTransportTest, PowersOnFramesAndEndsTheSession) {
  std::promise<Buffer> frame;
  std::promise<Buffer> farewell;
  Peer data(path, [&](int fd) {
    frame.set_value(ReadFramed(fd));
    WriteBytes(fd, kFramedAnswer);
    farewell.set_value(ReadBytes(fd, 100));
  });
  const auto platform = Platform();
  auto transport = Open();
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  EXPECT_EQ(ToHex(frame.get_future().get()),
            "00000008000000000c" + ToHex(kGetRandom));  // SEND_COMMAND, locality 0, size
  transport.reset();
  EXPECT_EQ(farewell.get_future().get(), FromHex("00000014"));
  EXPECT_TRUE(ended.get_future().get());
  EXPECT_EQ(Words(), "00000001 0000000b ");  // POWER_ON, NV_ON
}

TEST_F(MssimTransportTest, WorksOverTcp) {
  Peer data(Peer::kTcp, [&](int fd) {
    while (!ReadFramed(fd).empty()) WriteBytes(fd, kFramedAnswer);
  });
  std::unique_ptr<Peer> platform;
  try {
    platform = std::make_unique<Peer>(
        Peer::kTcp,
        [](int fd) {
          while (ReadBytes(fd, 4).size() == 4) WriteBytes(fd, kZero);
        },
        static_cast<uint16_t>(data.port() + 1));
  } catch (const std::exception& error) {
    GTEST_SKIP() << "the neighbouring port is taken: " << error.what();
  }
  const auto transport = OpenTransport("mssim:host=127.0.0.1,port=" + std::to_string(data.port()));
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
}

TEST_F(MssimTransportTest, CancelIsSwitchedOffAfterTheCommand) {
  std::promise<void> received;
  Peer data(path, [&](int fd) {
    ReadFramed(fd);
    received.set_value();
    cancel_on.get_future().get();
    WriteBytes(fd, FromHex("0000000a 8001 0000000a 00000909 00000000"));
    while (!ReadFramed(fd).empty()) WriteBytes(fd, kFramedAnswer);
  });
  const auto platform = Platform();
  const auto transport = Open();
  EXPECT_FALSE(transport->Cancel());
  auto response = std::async(std::launch::async, [&] { return transport->Transceive(kGetRandom); });
  received.get_future().get();
  EXPECT_TRUE(transport->Cancel());
  EXPECT_TRUE(transport->Cancel());
  EXPECT_EQ(CodeOf(response.get()), 0x909u);
  EXPECT_EQ(Words(), "00000001 0000000b 00000009 0000000a ");
  EXPECT_TRUE(transport->IsOpen());
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
}

TEST_F(MssimTransportTest, BadFramesCloseTheTransport) {
  const std::pair<const char*, Buffer> table[] = {
      {"nothing", {}},
      {"no size", FromHex("0000")},
      {"frame of 9 bytes", FromHex("00000009 8001 00000014 000000 00000000")},
      {"frame of 4097 bytes", FromHex("00001001 8001 00001001")},
      {"header says less than the frame", FromHex("0000000c 8001 0000000a 00000000 0000 00000000")},
      {"header says more than the frame", FromHex("0000000a 8001 0000000c 00000000 00000000")},
      {"no closing word", FromHex("0000000a 8001 0000000a 00000000")},
      {"closing word not zero", FromHex("0000000a 8001 0000000a 00000000 00000001")},
      {"broken off", FromHex("00000014 8001 00000014 00000000 0008")},
  };
  for (const auto& [name, answer] : table) {
    SCOPED_TRACE(name);
    ended = {};
    Peer data(path, [&answer = answer](int fd) {
      ReadFramed(fd);
      WriteBytes(fd, answer);
    });
    const auto platform = Platform();
    const auto transport = Open();
    EXPECT_EQ(CodeThrownBy([&] { transport->Transceive(kGetRandom); }), ErrorCode::kTransportError);
    EXPECT_FALSE(transport->IsOpen());
    ::unlink(path.c_str());
    ::unlink((path + ".ctrl").c_str());
  }
}

TEST_F(MssimTransportTest, WithoutPlatformSocketThereIsNoTpm) {
  Peer data(path, WaitForEnd);
  EXPECT_EQ(CodeThrownBy([&] { Open(); }), ErrorCode::kTpmUnavailable);
}

TEST_F(MssimTransportTest, PlatformThatRefusesOrIsSilentMeansNoTpm) {
  Peer data(path, WaitForEnd);
  {
    const auto refusing = Platform(FromHex("00000001"));
    EXPECT_EQ(CodeThrownBy([&] { Open(); }), ErrorCode::kTpmUnavailable);
  }
  ::unlink((path + ".ctrl").c_str());
  Peer silent(path + ".ctrl", WaitForEnd);
  EXPECT_EQ(CodeThrownBy([&] { Open(milliseconds(50)); }), ErrorCode::kTpmUnavailable);
}

TEST_F(MssimTransportTest, InterruptEndsTheWait) {
  std::promise<void> received;
  Peer data(path, [&](int fd) {
    ReadFramed(fd);
    received.set_value();
    WaitForEnd(fd);
  });
  const auto platform = Platform();
  const auto transport = Open();
  auto code = std::async(std::launch::async,
                         [&] { return CodeThrownBy([&] { transport->Transceive(kGetRandom); }); });
  received.get_future().get();
  transport->Interrupt();
  EXPECT_EQ(code.get(), ErrorCode::kClosed);
  EXPECT_FALSE(transport->IsOpen());
}

}  // namespace
}  // namespace tpm2::testing
