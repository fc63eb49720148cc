// Real software TPMs at the other end.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/peer_posix.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2::testing {
namespace {

const Buffer kGetRandom = FromHex("8001 0000000c 0000017b 0008");
// TPM2_CreatePrimary in the null hierarchy of an RSA 2048 storage key.
const Buffer kCreateRsa = FromHex(
    "8002 00000043 00000131 40000007 00000009 40000009 0000 00 0000 0004 0000 0000"
    "001a 0001 000b 00030472 0000 0006 0080 0043 0010 0800 00000000 0000 0000 00000000");
const Buffer kFlushFirst = FromHex("8001 0000000e 00000165 80000000");

#define SKIP_WITHOUT(program) \
  if (!HaveProgram(program)) GTEST_SKIP() << program << " is not installed"

void ExpectRandom(Transport& transport) {
  const Buffer response = transport.Transceive(kGetRandom);
  EXPECT_EQ(response.size(), 20u);
  EXPECT_EQ(CodeOf(response), 0u);
}

TEST(SwtpmTransportTest, WorksOverUnixSocket) {
  SKIP_WITHOUT("swtpm");
  const Swtpm swtpm;
  for (int connection = 0; connection < 3; ++connection) {
    const auto transport = OpenTransport(swtpm.tcti());
    for (int i = 0; i < 10; ++i) ExpectRandom(*transport);
  }
}

TEST(SwtpmTransportTest, WorksOverTcp) {
  SKIP_WITHOUT("swtpm");
  const Swtpm swtpm(true);
  for (int connection = 0; connection < 3; ++connection) {
    const auto transport = OpenTransport(swtpm.tcti());
    for (int i = 0; i < 10; ++i) ExpectRandom(*transport);
  }
}

TEST(SwtpmTransportTest, CancelNeverHarmsTheDataPath) {
  SKIP_WITHOUT("swtpm");
  const Swtpm swtpm;
  const auto transport = OpenTransport(swtpm.tcti());
  std::atomic<bool> done{false};
  std::atomic<int> accepted{0};
  std::thread canceller([&] {
    while (!done) accepted += transport->Cancel() ? 1 : 0;
  });
  for (int i = 0; i < 5; ++i) {
    const uint32_t code = CodeOf(transport->Transceive(kCreateRsa));
    EXPECT_TRUE(code == 0 || code == 0x909) << code;
    if (code == 0) {
      EXPECT_EQ(CodeOf(transport->Transceive(kFlushFirst)), 0u);
    }
    ExpectRandom(*transport);
  }
  done = true;
  canceller.join();
  EXPECT_GT(accepted, 0);
  ExpectRandom(*transport);
}

TEST(SwtpmTransportTest, DeathOfTheSimulatorIsAnErrorNotASignal) {
  SKIP_WITHOUT("swtpm");
  Swtpm swtpm;
  const auto transport = OpenTransport(swtpm.tcti());
  ExpectRandom(*transport);
  swtpm.Kill();
  try {
    transport->Transceive(kGetRandom);
    ADD_FAILURE() << "answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kTransportError);
  }
  EXPECT_FALSE(transport->IsOpen());
  EXPECT_THROW(OpenTransport(swtpm.tcti()), Error);
}

TEST(SwtpmTransportTest, IsNotTakenForAnMssim) {
  SKIP_WITHOUT("swtpm");
  const Swtpm swtpm;
  try {
    OpenTransport("mssim:path=" + swtpm.path());
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kTpmUnavailable);
    EXPECT_NE(error.suggestion.find("swtpm:"), std::string::npos);
  }
}

struct MssimBridgeTest : ::testing::TestWithParam<bool> {};

TEST_P(MssimBridgeTest, CarriesCommandsToSwtpm) {
  SKIP_WITHOUT("swtpm");
  SKIP_WITHOUT("node");
  const Swtpm swtpm;
  const TempFolder folder;
  std::vector<std::string> arguments = {
      "node", std::string(TPM2_SOURCE_DIR) + "/test/support/mssim-bridge.mjs", "--swtpm",
      swtpm.path()};
  if (GetParam()) {
    arguments.push_back("--listen");
    arguments.push_back(folder.path() + "/m");
  }
  ChildProcess bridge(arguments);
  const std::string tcti = bridge.ReadLine();
  ASSERT_EQ(tcti.substr(0, 6), "mssim:");
  for (int connection = 0; connection < 3; ++connection) {
    const auto transport = OpenTransport(tcti);
    for (int i = 0; i < 10; ++i) ExpectRandom(*transport);
    EXPECT_EQ(CodeOf(transport->Transceive(kCreateRsa)), 0u);
    EXPECT_EQ(CodeOf(transport->Transceive(kFlushFirst)), 0u);
  }
  bridge.Kill();
}

INSTANTIATE_TEST_SUITE_P(, MssimBridgeTest, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "UnixSockets" : "TcpPorts"; });

}  // namespace
}  // namespace tpm2::testing
