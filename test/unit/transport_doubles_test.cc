// The test doubles that other tests build on do what their headers say.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "support/faulty_transport.h"
#include "support/recording_transport.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"

namespace tpm2::testing {
namespace {

const Buffer kCommand = FromHex("8001 0000000c 0000017b 0008");

// Answers the n-th command with ten bytes whose code is n.
class CountingTransport : public Transport {
 public:
  Buffer Transceive(ByteView command) override {
    last = ToBuffer(command);
    return ResponseOfCode(++sent);
  }
  bool IsOpen() const override { return true; }
  bool Cancel() noexcept override { return true; }
  void Interrupt() noexcept override { interrupted = true; }
  const TransportTraits& traits() const override { return traits_; }

  uint32_t sent = 0;
  bool interrupted = false;
  Buffer last;

 private:
  TransportTraits traits_{.description = "counting"};
};

CountingTransport& CountingOf(FaultyTransport& faulty) {
  return dynamic_cast<CountingTransport&>(faulty.inner());
}

TEST(ScriptedTransportTest, AnswersInOrder) {
  ScriptedTransport scripted;
  scripted.Expect(kCommand, ResponseOfCode(1))
      .ExpectPrefix(FromHex("8001"), ResponseOfCode(2))
      .ExpectCode(0x17b, ResponseOf(0, FromHex("0001ff")))
      .ExpectWhere(
          "twelve bytes", [](ByteView c) { return c.size() == 12; }, ResponseOfCode(4));
  EXPECT_EQ(ToHex(scripted.Transceive(kCommand)), "80010000000a00000001");
  EXPECT_EQ(CodeOf(scripted.Transceive(kCommand)), 2u);
  EXPECT_EQ(ToHex(scripted.Transceive(kCommand)), "80010000000d000000000001ff");
  EXPECT_EQ(scripted.StepsLeft(), 1u);
  EXPECT_EQ(CodeOf(scripted.Transceive(kCommand)), 4u);
}

TEST(ScriptedTransportTest, FailsTheTestOnOtherCommands) {
  const auto other = [] {
    ScriptedTransport scripted;
    scripted.ExpectCode(0x17c, {});
    try {
      scripted.Transceive(kCommand);
    } catch (const Error&) {
    }
  };
  EXPECT_NONFATAL_FAILURE(other(), "expected command code 0000017c");
  const auto extra = [] {
    ScriptedTransport scripted;
    try {
      scripted.Transceive(kCommand);
    } catch (const Error&) {
    }
  };
  EXPECT_NONFATAL_FAILURE(extra(), "at its end");
  const auto missing = [] { ScriptedTransport().Expect(kCommand, {}); };
  EXPECT_NONFATAL_FAILURE(missing(), "never came");
}

TEST(RecordingTransportTest, KeepsBothDirectionsAndCounts) {
  RecordingTransport recording(std::make_unique<CountingTransport>());
  recording.Transceive(kCommand);
  recording.Transceive(FromHex("8001 0000000a 00000144"));
  recording.Transceive(kCommand);
  EXPECT_EQ(recording.count(), 3u);
  EXPECT_EQ(recording.count(0x17b), 2u);
  EXPECT_EQ(recording.count(0x999), 0u);
  EXPECT_EQ(recording.codes(), (std::vector<uint32_t>{0x17b, 0x144, 0x17b}));
  EXPECT_EQ(recording.exchanges()[2].response, ResponseOfCode(3));
  EXPECT_TRUE(recording.CommandsContain(FromHex("0144")));
  EXPECT_FALSE(recording.CommandsContain(FromHex("0145")));
  EXPECT_TRUE(recording.ResponsesContain(FromHex("00000003")));
  EXPECT_FALSE(recording.ResponsesContain(FromHex("00000004")));
  recording.Clear();
  EXPECT_EQ(recording.count(), 0u);
  EXPECT_TRUE(recording.Cancel());
  EXPECT_EQ(recording.traits().description, "counting");
}

TEST(FaultyTransportTest, ThrowsBeforeOrAfterSending) {
  using Kind = Fault::Kind;
  for (const auto& [kind, sent, open] :
       {std::tuple{Kind::kThrowBeforeSend, 1u, true}, std::tuple{Kind::kThrowAfterSend, 2u, true},
        std::tuple{Kind::kClose, 1u, false}, std::tuple{Kind::kCloseAfterSend, 2u, false}}) {
    FaultyTransport faulty(std::make_unique<CountingTransport>());
    faulty.At(2, {kind});
    EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 1u);
    EXPECT_THROW(faulty.Transceive(kCommand), Error);
    EXPECT_EQ(CountingOf(faulty).sent, sent);
    EXPECT_EQ(faulty.IsOpen(), open);
    if (open) {
      EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), sent + 1);
    } else {
      EXPECT_THROW(faulty.Transceive(kCommand), Error);
    }
  }
}

TEST(FaultyTransportTest, SpoilsResponses) {
  FaultyTransport faulty(std::make_unique<CountingTransport>());
  using Kind = Fault::Kind;
  faulty.At(1, {Kind::kReplay})
      .At(3, {Kind::kReplay})
      .At(4, {Kind::kTruncate, 7})
      .At(5, {Kind::kTruncate, 700})
      .At(6, {.kind = Kind::kFlipBit, .offset = 9, .bit = 7})
      .At(7, {.kind = Kind::kFlipBit, .offset = 90, .bit = 7})
      .At(8, {.kind = Kind::kRcInstead, .rc = 0x922})
      .At(9, {.kind = Kind::kRcAfterSend, .rc = 0x902})
      .At(10, {Kind::kEmpty});
  EXPECT_TRUE(faulty.Transceive(kCommand).empty());  // nothing to replay yet
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 2u);
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 2u);  // replayed
  EXPECT_EQ(faulty.Transceive(kCommand).size(), 7u);
  EXPECT_EQ(faulty.Transceive(kCommand), ResponseOfCode(5));
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 0x86u);
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 7u);
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 0x922u);
  EXPECT_EQ(CountingOf(faulty).sent, 7u);
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 0x902u);
  EXPECT_EQ(CountingOf(faulty).sent, 8u);
  EXPECT_TRUE(faulty.Transceive(kCommand).empty());
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 10u);
}

TEST(FaultyTransportTest, FaultsByCommandCodeLastUntilCleared) {
  FaultyTransport faulty(std::make_unique<CountingTransport>());
  faulty.AtEvery(0x17b, {.kind = Fault::Kind::kRcInstead, .rc = 0x922});
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 0x922u);
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 0x922u);
  EXPECT_EQ(CodeOf(faulty.Transceive(FromHex("8001 0000000a 00000144"))), 1u);
  faulty.ClearFaults();
  EXPECT_EQ(CodeOf(faulty.Transceive(kCommand)), 2u);
  EXPECT_EQ(faulty.count(), 4u);
}

TEST(FaultyTransportTest, TampersWithBothDirections) {
  FaultyTransport faulty(std::make_unique<CountingTransport>());
  faulty.TamperCommand([](Buffer& bytes) { bytes.back() = 0x20; });
  faulty.TamperResponse([](Buffer& bytes) { bytes.push_back(0xee); });
  EXPECT_EQ(faulty.Transceive(kCommand).back(), 0xee);
  EXPECT_EQ(CountingOf(faulty).last.back(), 0x20);
  faulty.Interrupt();
  EXPECT_TRUE(CountingOf(faulty).interrupted);
}

}  // namespace
}  // namespace tpm2::testing
