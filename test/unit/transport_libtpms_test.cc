// "_libtpms_test": left out where there is no libtpms (Windows).
#include <gtest/gtest.h>

#include <thread>

#include "support/libtpms_transport.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"

namespace tpm2::testing {
namespace {

const Buffer kGetRandom = FromHex("8001 0000000c 0000017b 0008");
const Buffer kStartupClear = FromHex("8001 0000000c 00000144 0000");
const Buffer kShutdownState = FromHex("8001 0000000c 00000145 0001");
// TPM2_CreatePrimary in the null hierarchy of an RSA 3072 storage key: slow enough to be cancelled.
const Buffer kCreateRsa = FromHex(
    "8002 00000043 00000131 40000007 00000009 40000009 0000 00 0000 0004 0000 0000"
    "001a 0001 000b 00030472 0000 0006 0080 0043 0010 0c00 00000000 0000 0000 00000000");

Buffer ReadClock(LibtpmsTransport& tpm) {
  return tpm.Transceive(FromHex("8001 0000000a 00000181"));
}

TEST(LibtpmsTransportTest, IsAStartedTpm) {
  LibtpmsTransport tpm;
  const Buffer response = tpm.Transceive(kGetRandom);
  EXPECT_EQ(CodeOf(response), 0u);
  EXPECT_EQ(response.size(), 20u);
  EXPECT_EQ(CodeOf(tpm.Transceive(kStartupClear)), 0x100u);
}

TEST(LibtpmsTransportTest, IsOnePerProcess) {
  LibtpmsTransport tpm;
  EXPECT_THROW(LibtpmsTransport(), Error);
  EXPECT_EQ(CodeOf(tpm.Transceive(kGetRandom)), 0u);
}

TEST(LibtpmsTransportTest, ResetIsAPowerCycle) {
  LibtpmsTransport tpm;
  ASSERT_EQ(CodeOf(tpm.Transceive(kCreateRsa)), 0u);
  // TPM2_ReadPublic of the loaded key: there before the reset, gone after it.
  const Buffer read_public = FromHex("8001 0000000e 00000173 80000000");
  EXPECT_EQ(CodeOf(tpm.Transceive(read_public)), 0u);
  const Buffer before = ReadClock(tpm);
  tpm.Reset();
  EXPECT_EQ(CodeOf(tpm.Transceive(read_public)), 0x910u);
  const Buffer after = ReadClock(tpm);
  EXPECT_EQ(after[29], before[29] + 1);  // resetCount, at 10 + 8 (time) + 8 (clock)
  tpm.Reset(LibtpmsTransport::Start::kNone);
  EXPECT_EQ(CodeOf(tpm.Transceive(kGetRandom)), 0x100u);
  ASSERT_EQ(CodeOf(tpm.Transceive(kStartupClear)), 0u);
  ASSERT_EQ(CodeOf(tpm.Transceive(kShutdownState)), 0u);
  EXPECT_NO_THROW(tpm.Reset(LibtpmsTransport::Start::kState));
}

TEST(LibtpmsTransportTest, CommandIsCancelled) {
  LibtpmsTransport tpm;
  EXPECT_FALSE(tpm.Cancel());
  // A Cancel() may come in the moment before the command begins, or after it: so more than one try.
  uint32_t code = 0;
  for (int tries = 0; tries < 50 && code != 0x909; ++tries) {
    tpm.Reset();
    std::atomic<bool> done{false};
    std::thread worker([&] {
      code = CodeOf(tpm.Transceive(kCreateRsa));
      done = true;
    });
    while (!done) {
      tpm.Cancel();
      std::this_thread::yield();
    }
    worker.join();
  }
  EXPECT_EQ(code, 0x909u);
  EXPECT_EQ(CodeOf(tpm.Transceive(kGetRandom)), 0u);
}

TEST(LibtpmsTransportTest, InterruptIsForEver) {
  LibtpmsTransport tpm;
  tpm.Interrupt();
  EXPECT_FALSE(tpm.IsOpen());
  try {
    tpm.Transceive(kGetRandom);
    ADD_FAILURE() << "answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kClosed);
  }
}

}  // namespace
}  // namespace tpm2::testing
