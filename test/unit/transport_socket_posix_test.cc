// swtpm: and mssim: against peers that the test plays, well-behaved and not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <thread>

#include "support/peer_posix.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"
#include "tpm2/transport.h"
#include "transport/framing.h"
#include "transport/stream.h"

namespace tpm2::testing {
namespace {

using std::chrono::milliseconds;

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

struct SocketTransportTest : ::testing::Test {
  std::unique_ptr<Transport> Open(milliseconds limit = std::chrono::seconds(10)) const {
    return OpenTransport("swtpm:path=" + path, limit);
  }
  TempFolder folder;
  std::string path = folder.path() + "/s";
};

void ServeUntilEnd(int fd) {
  while (!ReadCommand(fd).empty()) WriteBytes(fd, kAnswer);
}

TEST_F(SocketTransportTest, ExchangesOverUnixSocket) {
  Peer peer(path, ServeUntilEnd);
  const auto transport = Open();
  EXPECT_EQ(transport->traits().description, "swtpm:path=" + path);
  EXPECT_FALSE(transport->traits().resource_managed);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(transport->Transceive(kGetRandom), kAnswer);
  EXPECT_TRUE(transport->IsOpen());
}

TEST_F(SocketTransportTest, ExchangesOverTcp) {
  Peer peer(Peer::kTcp, ServeUntilEnd);
  const auto transport = OpenTransport("swtpm:port=" + std::to_string(peer.port()));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(transport->Transceive(kGetRandom), kAnswer);
}

TEST_F(SocketTransportTest, SendsTheCommandAsItIs) {
  std::promise<Buffer> seen;
  Peer peer(path, [&](int fd) {
    seen.set_value(ReadCommand(fd));
    WriteBytes(fd, kAnswer);
    WaitForEnd(fd);
  });
  Open()->Transceive(kGetRandom);
  EXPECT_EQ(seen.get_future().get(), kGetRandom);
}

TEST_F(SocketTransportTest, AnswerMayComeInAnyPieces) {
  const Buffer answer = ResponseOf(0, Buffer(40, 7));
  Peer peer(path, [&](int fd) {
    for (size_t split = 1; split < answer.size(); ++split) {
      ReadCommand(fd);
      WriteBytes(fd, ByteView(answer).first(split));
      std::this_thread::yield();
      WriteBytes(fd, ByteView(answer).subspan(split));
    }
    WaitForEnd(fd);
  });
  const auto transport = Open();
  for (size_t split = 1; split < answer.size(); ++split) {
    ASSERT_EQ(transport->Transceive(kGetRandom), answer);
  }
}

TEST_F(SocketTransportTest, LongestMessagesPass) {
  Buffer command(kMaxMessageSize);
  StoreU32(kMaxMessageSize, MutableBytes(command).subspan(2));
  const Buffer answer = ResponseOf(0, Buffer(kMaxMessageSize - 10, 9));
  Peer peer(path, [&](int fd) {
    EXPECT_EQ(ReadCommand(fd), command);
    WriteBytes(fd, answer);
    WaitForEnd(fd);
  });
  EXPECT_EQ(Open()->Transceive(command), answer);
}

// Each of these answers ends the connection, since what follows would be taken for another answer.
TEST_F(SocketTransportTest, BadAnswersCloseTheTransport) {
  Buffer trailing = kAnswer;
  trailing.push_back(0);
  const std::pair<const char*, Buffer> table[] = {
      {"none", {}},
      {"part of the header", Buffer(kAnswer.begin(), kAnswer.begin() + 9)},
      {"the header only", Buffer(kAnswer.begin(), kAnswer.begin() + 10)},
      {"all but a byte", Buffer(kAnswer.begin(), kAnswer.end() - 1)},
      {"size 0", FromHex("8001 00000000 00000000")},
      {"size 9", FromHex("8001 00000009 00000000")},
      {"size 4097", FromHex("8001 00001001 00000000")},
      {"size 2^32-1", FromHex("8001 ffffffff 00000000")},
      {"a byte beyond", trailing},
  };
  for (const auto& [name, answer] : table) {
    SCOPED_TRACE(name);
    Peer peer(path, [&answer = answer](int fd) {
      ReadCommand(fd);
      WriteBytes(fd, answer);
    });
    const auto transport = Open();
    EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
    EXPECT_FALSE(transport->IsOpen());
    EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kTransportError);
    ::unlink(path.c_str());
  }
}

TEST_F(SocketTransportTest, LateExtraBytesAreFoundBeforeTheNextCommand) {
  std::promise<void> extra_sent;
  std::promise<size_t> further;
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    WriteBytes(fd, kAnswer);
    ReadCommand(fd);
    WriteBytes(fd, kAnswer);
    WriteBytes(fd, FromHex("00"));
    extra_sent.set_value();
    further.set_value(ReadBytes(fd, 4096).size());
  });
  const auto transport = Open();
  transport->Transceive(kGetRandom);
  // The extra byte may come with the answer or after it; either way the third command is not sent.
  try {
    transport->Transceive(kGetRandom);
    extra_sent.get_future().get();
    transport->Transceive(kGetRandom);
    ADD_FAILURE() << "answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kTransportError);
    EXPECT_NE(error.message.find("out of step"), std::string::npos) << error.message;
  }
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_EQ(further.get_future().get(), 0u);
}

TEST_F(SocketTransportTest, PeerThatHasGoneIsNoticedBeforeSending) {
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    WriteBytes(fd, kAnswer);
    ::shutdown(fd, SHUT_RDWR);
  });
  const auto transport = Open();
  transport->Transceive(kGetRandom);
  Error error = ErrorOf([&] {
    // The end may come a moment after the answer.
    for (int i = 0; i < 10000; ++i) transport->Transceive(kGetRandom);
  });
  EXPECT_EQ(error.code, ErrorCode::kTransportError);
  EXPECT_FALSE(transport->IsOpen());
}

TEST_F(SocketTransportTest, MalformedCommandIsNotSent) {
  std::promise<Buffer> seen;
  Peer peer(path, [&](int fd) {
    seen.set_value(ReadCommand(fd));
    WriteBytes(fd, kAnswer);
    WaitForEnd(fd);
  });
  const auto transport = Open();
  for (const char* bad : {"", "8001", "8001 0000000b 0000017b", "8001 0000000c 0000017b 0008 00"}) {
    EXPECT_EQ(ErrorOf([&] { transport->Transceive(FromHex(bad)); }).code,
              ErrorCode::kInvalidArgument);
    EXPECT_TRUE(transport->IsOpen());
  }
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  EXPECT_EQ(seen.get_future().get(), kGetRandom);
}

TEST_F(SocketTransportTest, InterruptEndsTheWait) {
  std::promise<void> received;
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    received.set_value();
    WaitForEnd(fd);  // Close() makes the peer see the end although the transport still lives
  });
  const auto transport = Open();
  auto code = std::async(std::launch::async,
                         [&] { return ErrorOf([&] { transport->Transceive(kGetRandom); }).code; });
  received.get_future().get();
  transport->Interrupt();
  EXPECT_EQ(code.get(), ErrorCode::kClosed);
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kClosed);
}

TEST_F(SocketTransportTest, InterruptBeforehandIsRemembered) {
  Peer peer(path, WaitForEnd);
  const auto transport = Open();
  transport->Interrupt();
  transport->Interrupt();
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_EQ(ErrorOf([&] { transport->Transceive(kGetRandom); }).code, ErrorCode::kClosed);
}

TEST_F(SocketTransportTest, SignalsDoNotEndTheWait) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = [](int) {};  // without SA_RESTART: system calls end with EINTR
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
  std::promise<void> received;
  std::promise<void> answer;
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    received.set_value();
    answer.get_future().get();
    for (const uint8_t byte : kAnswer) {
      WriteBytes(fd, ByteView(&byte, 1));
      std::this_thread::yield();
    }
    WaitForEnd(fd);
  });
  const auto transport = Open();
  std::atomic<bool> done{false};
  Buffer response;
  std::thread worker([&] {
    response = transport->Transceive(kGetRandom);
    done = true;
  });
  received.get_future().get();
  for (int i = 0; i < 20; ++i) {
    ::pthread_kill(worker.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_FALSE(done);
  answer.set_value();
  while (!done) {
    ::pthread_kill(worker.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  worker.join();
  ::sigaction(SIGUSR1, &old, nullptr);
  EXPECT_EQ(response, kAnswer);
}

TEST_F(SocketTransportTest, NobodyThere) {
  EXPECT_EQ(ErrorOf([&] { Open(); }).code, ErrorCode::kTpmUnavailable);  // ENOENT
  { Peer gone(path, WaitForEnd); }
  const Error refused = ErrorOf([&] { Open(); });  // the file is still there
  EXPECT_EQ(refused.code, ErrorCode::kTpmUnavailable);
  EXPECT_NE(refused.suggestion.find("swtpm"), std::string::npos);
  uint16_t port = 0;
  {
    Peer peer(Peer::kTcp, WaitForEnd);
    port = peer.port();
  }
  EXPECT_EQ(
      ErrorOf([&] { OpenTransport("swtpm:host=127.0.0.1,port=" + std::to_string(port)); }).code,
      ErrorCode::kTpmUnavailable);
  EXPECT_EQ(ErrorOf([&] { OpenTransport("swtpm:host=no such host,port=1"); }).code,
            ErrorCode::kTpmUnavailable);
}

TEST_F(SocketTransportTest, FullQueueIsATimeOut) {
  const DeafListener local(path);
  const Error error = ErrorOf([&] { Open(milliseconds(100)); });
  EXPECT_EQ(error.code, ErrorCode::kTpmUnavailable);
  EXPECT_NE(error.message.find("took too long"), std::string::npos) << error.message;

  const DeafListener tcp("");
  EXPECT_EQ(ErrorOf([&] {
              OpenTransport("swtpm:host=127.0.0.1,port=" + std::to_string(tcp.port()),
                            milliseconds(100));
            }).code,
            ErrorCode::kTpmUnavailable);
}

TEST_F(SocketTransportTest, CancelGoesToTheControlSocket) {
  std::promise<Buffer> cancelled;
  std::promise<void> received;
  auto cancel_seen = cancelled.get_future().share();
  Peer control(path + ".ctrl", [&](int fd) {
    cancelled.set_value(ReadBytes(fd, 4));
    WriteBytes(fd, FromHex("00000000"));
    WaitForEnd(fd);
  });
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    received.set_value();
    cancel_seen.wait();
    WriteBytes(fd, ResponseOfCode(0x909));
    ServeUntilEnd(fd);
  });
  const auto transport = Open();
  EXPECT_FALSE(transport->Cancel());  // nothing is under way
  auto response = std::async(std::launch::async, [&] { return transport->Transceive(kGetRandom); });
  received.get_future().get();
  EXPECT_TRUE(transport->Cancel());
  EXPECT_EQ(cancel_seen.get(), FromHex("00000009"));
  EXPECT_EQ(CodeOf(response.get()), 0x909u);
  EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  EXPECT_FALSE(transport->Cancel());
}

TEST_F(SocketTransportTest, CancelWithoutControlSocketIsFalse) {
  std::promise<void> received;
  std::promise<void> answer;
  Peer peer(path, [&](int fd) {
    ReadCommand(fd);
    received.set_value();
    answer.get_future().get();
    WriteBytes(fd, kAnswer);
    WaitForEnd(fd);
  });
  const auto transport = Open();
  auto response = std::async(std::launch::async, [&] { return transport->Transceive(kGetRandom); });
  received.get_future().get();
  EXPECT_FALSE(transport->Cancel());
  {
    const DeafListener deaf(path + ".ctrl");
    EXPECT_FALSE(transport->Cancel());
  }
  answer.set_value();
  EXPECT_EQ(response.get(), kAnswer);
}

TEST_F(SocketTransportTest, CancelMayComeAtAnyMoment) {
  Peer control(path + ".ctrl", WaitForEnd);
  Peer peer(path, ServeUntilEnd);
  const auto transport = Open();
  std::atomic<bool> done{false};
  std::thread canceller([&] {
    while (!done) transport->Cancel();
  });
  for (int i = 0; i < 200; ++i) EXPECT_EQ(transport->Transceive(kGetRandom), kAnswer);
  done = true;
  canceller.join();
  EXPECT_TRUE(transport->IsOpen());
}

TEST_F(SocketTransportTest, WriteWaitsForASlowReader) {
  const Buffer bytes(4 << 20, 0x5a);  // more than any socket buffer takes at once
  std::promise<size_t> read;
  Peer peer(path, [&](int fd) { read.set_value(ReadBytes(fd, bytes.size()).size()); });
  const auto stream = ConnectStream({.path = path}, {});
  stream->Write(bytes);
  EXPECT_EQ(read.get_future().get(), bytes.size());
}

TEST_F(SocketTransportTest, StreamHonoursDeadlineAndInterrupt) {
  std::promise<void> finished;
  Peer silent(path, [&](int) { finished.get_future().get(); });
  const auto stream = ConnectStream({.path = path}, {});
  uint8_t byte[1];
  EXPECT_EQ(ErrorOf([&] { stream->Read(byte, DeadlineIn(milliseconds(20))); }).code,
            ErrorCode::kTimeout);
  const Buffer bytes(4 << 20, 0x5a);
  EXPECT_EQ(ErrorOf([&] { stream->Write(bytes, DeadlineIn(milliseconds(20))); }).code,
            ErrorCode::kTimeout);
  EXPECT_FALSE(stream->WriteNow(bytes));
  stream->Interrupt();
  EXPECT_EQ(ErrorOf([&] { stream->Write(bytes); }).code, ErrorCode::kClosed);
  EXPECT_EQ(ErrorOf([&] { stream->Read(byte); }).code, ErrorCode::kClosed);
  finished.set_value();
}

}  // namespace
}  // namespace tpm2::testing
