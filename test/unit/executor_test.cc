// The executor against scripted bytes: what it sends, and what it makes of every kind of answer.
#include "tpm2/executor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/scripted_transport.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/session.h"
#include "tpm2/commands/system.h"

namespace tpm2::testing {
namespace {

constexpr uint32_t kFlushContext = 0x165;

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    executor.set_pause([this](std::chrono::milliseconds pause) { pauses.push_back(pause); });
  }

  template <typename Command>
  Error FailureOf(const Command& command, Executor::Authorizations authorizations = {}) {
    try {
      executor.Run(command, authorizations);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "it did not fail";
    return Error(ErrorCode::kTpmRc, "it did not fail");
  }
  // What GetRandom makes of this answer.
  Error FailureOfAnswer(std::string_view hex) {
    transport.ExpectCode(0x17b, FromHex(hex));
    return FailureOf(GetRandom());
  }

  ScriptedTransport transport;
  Executor executor{transport};
  std::vector<std::chrono::milliseconds> pauses;
};

// Any public area that can be marshalled.
Sized<Public> SomePublic() {
  Sized<Public> area;
  area->type = AlgId::kKeyedHash;
  area->parameters.emplace<AlgId::kKeyedHash>();
  area->unique.emplace<AlgId::kKeyedHash>();
  return area;
}
Create SomeCreate() {
  Create command;
  command.in_public = SomePublic();
  return command;
}
Load SomeLoad() {
  Load command;
  command.in_public = SomePublic();
  return command;
}
Unseal UnsealOf(uint32_t handle) {
  Unseal command;
  command.item_handle = Entity{handle, Name()};
  return command;
}

TEST_F(ExecutorTest, CommandWithoutSessions) {
  transport.Expect(FromHex("8001 0000000c 0000017b 0008"),
                   FromHex("8001 00000014 00000000 0008 0102030405060708"));
  GetRandom command;
  command.bytes_requested = 8;
  const GetRandomResponse response = executor.Run(command);
  EXPECT_EQ(ToHex(response.random_bytes.octets()), "0102030405060708");
  EXPECT_EQ(executor.counts().commands, 1u);
  EXPECT_EQ(executor.counts().resubmissions, 0u);
}

// Handle area, authorisation area with its size, parameters; trailing zeros of an auth are not
// sent.
TEST_F(ExecutorTest, PasswordAuthorisation) {
  transport.Expect(FromHex("8002 0000001e 0000015e 80000001 0000000c 40000009 0000 01 0003 616263"),
                   FromHex("8002 00000017 00000000 00000004 0002 beef 0000 01 0000"));
  const Buffer auth = FromHex("616263 0000");
  const Authorization authorization{nullptr, auth};
  EXPECT_EQ(ToHex(executor.Run(UnsealOf(0x80000001), {&authorization, 1}).out_data.octets()),
            "beef");
}

// What is not given is the empty password: one for each handle that needs an authorisation.
TEST_F(ExecutorTest, EveryHandleIsAuthorised) {
  transport.Expect(FromHex("8002 00000030 00000147 80000000 81010001 00000012"
                           "40000009 0000 01 0000 40000009 0000 01 0000 0004 0002 1111 0000"),
                   FromHex("8002 0000001c 00000000 00000004 0002 cafe 0000 01 0000 0000 01 0000"));
  ActivateCredential command;
  command.activate_handle = Entity{0x80000000, Name()};
  command.key_handle = Entity{0x81010001, Name()};
  command.credential_blob->integrity_hmac = Digest{0x11, 0x11};
  EXPECT_EQ(ToHex(executor.Run(command).cert_info.octets()), "cafe");
}

TEST_F(ExecutorTest, NewHandlesStandBeforeTheParameters) {
  transport.ExpectCode(0x157, FromHex("8002 0000001b 00000000 80000002 00000004 0002 000b"
                                      "0000 01 0000"));
  const LoadResponse response = executor.Run(SomeLoad());
  EXPECT_EQ(response.object_handle.value, 0x80000002u);
  EXPECT_EQ(ToHex(response.name), "000b");
}

TEST_F(ExecutorTest, ResubmitsWhatDidNotRun) {
  for (uint32_t code : {0x922u, 0x908u, 0x90au, 0x920u}) {
    transport.Expect(FromHex("8001 0000000c 0000017b 0008"), ResponseOfCode(code));
  }
  transport.Expect(FromHex("8001 0000000c 0000017b 0008"),
                   FromHex("8001 0000000d 00000000 0001 aa"));
  GetRandom command;
  command.bytes_requested = 8;
  EXPECT_EQ(ToHex(executor.Run(command).random_bytes.octets()), "aa");
  EXPECT_EQ(executor.counts().commands, 1u);
  EXPECT_EQ(executor.counts().resubmissions, 4u);
  EXPECT_EQ(pauses.size(), 4u);
}

TEST_F(ExecutorTest, ResubmissionEnds) {
  for (int i = 0; i < 46; ++i) transport.ExpectCode(0x17b, ResponseOfCode(0x922));
  const Error error = FailureOf(GetRandom());
  EXPECT_EQ(error.rc_name, "TPM_RC_RETRY");
  EXPECT_EQ(error.tpm_rc, 0x922u);
  EXPECT_EQ(executor.counts().commands, 1u);
  EXPECT_EQ(executor.counts().resubmissions, 45u);
  std::chrono::milliseconds all{};
  for (size_t i = 0; i < pauses.size(); ++i) {
    all += pauses[i];
    EXPECT_GE(pauses[i], pauses[i == 0 ? 0 : i - 1]);
  }
  EXPECT_LE(all, std::chrono::seconds(12));
  EXPECT_GE(all, std::chrono::seconds(5));
}

// A cancellation that comes late hits the next command, whosever it is.
TEST_F(ExecutorTest, ACancellationOfAnotherCommandEndsNothing) {
  transport.ExpectCode(0x17b, ResponseOfCode(0x909))
      .ExpectCode(0x17b, FromHex("8001 0000000d 00000000 0001 aa"));
  EXPECT_EQ(ToHex(executor.Run(GetRandom()).random_bytes.octets()), "aa");
  EXPECT_EQ(executor.counts().resubmissions, 1u);
  for (int i = 0; i < 11; ++i) transport.ExpectCode(0x17b, ResponseOfCode(0x909));
  EXPECT_EQ(FailureOf(GetRandom()).code, ErrorCode::kAborted);
  EXPECT_EQ(transport.StepsLeft(), 0u);
}

// What Windows says of it, when it is Windows that says it.
TEST_F(ExecutorTest, ACancellationByWindowsOfAnotherCommandEndsNothing) {
  Error canceled(ErrorCode::kAborted, "cancelled");
  canceled.tpm_rc = 0x909;
  canceled.hresult = 0x8028400d;
  const auto fails = [&](ByteView) -> bool { throw canceled; };
  transport.ExpectWhere("any", fails, {})
      .ExpectCode(0x17b, FromHex("8001 0000000d 00000000 0001 aa"));
  EXPECT_EQ(ToHex(executor.Run(GetRandom()).random_bytes.octets()), "aa");
  EXPECT_EQ(executor.counts().commands, 1u);
  EXPECT_EQ(executor.counts().resubmissions, 1u);
  for (int i = 0; i < 11; ++i) transport.ExpectWhere("any", fails, {});
  EXPECT_EQ(FailureOf(GetRandom()).hresult, 0x8028400du);
  EXPECT_EQ(transport.StepsLeft(), 0u);
}

// An HRESULT in the response code's place, as TBS gives it.
TEST_F(ExecutorTest, WindowsStatusesAreNoneOfTheTpms) {
  transport.ExpectCode(0x17b, ResponseOfCode(0x80280084));
  Error error = FailureOf(GetRandom());
  EXPECT_EQ(error.hresult, 0x80280084u);
  EXPECT_EQ(error.tpm_rc, 0x84u);
  EXPECT_EQ(error.rc_name, "TPM_RC_VALUE");
  transport.ExpectCode(0x17b, ResponseOfCode(0x80280401));
  error = FailureOf(GetRandom());
  EXPECT_EQ(error.hresult, 0x80280401u);
  EXPECT_FALSE(error.tpm_rc);
  EXPECT_EQ(error.rc_name, "TPM_E_INVALID_HANDLE");
  for (int i = 0; i < 46; ++i) transport.ExpectCode(0x17b, ResponseOfCode(0x80280800));
  error = FailureOf(GetRandom());
  EXPECT_EQ(error.hresult, 0x80280800u);
  EXPECT_FALSE(error.tpm_rc);
  EXPECT_EQ(executor.counts().resubmissions, 45u);
  transport.ExpectCode(0x17b, ResponseOfCode(0x84));
  error = FailureOf(GetRandom());
  EXPECT_FALSE(error.hresult);
  EXPECT_EQ(error.tpm_rc, 0x84u);
}

TEST_F(ExecutorTest, ACheckpointEndsTheResubmission) {
  transport.ExpectCode(0x17b, ResponseOfCode(0x922)).ExpectCode(0x17b, ResponseOfCode(0x922));
  executor.set_checkpoint([this] {
    if (pauses.size() == 2) throw Error(ErrorCode::kAborted, "enough");
  });
  EXPECT_EQ(FailureOf(GetRandom()).code, ErrorCode::kAborted);
}

TEST_F(ExecutorTest, AnswersThatAreNone) {
  const ErrorCode bad = ErrorCode::kMarshallingError;
  EXPECT_EQ(FailureOfAnswer("").code, bad);
  EXPECT_EQ(FailureOfAnswer("8001").code, bad);
  EXPECT_EQ(FailureOfAnswer("8001 0000000a 000000").code, bad);
  // The size is not that of the bytes: shorter, longer.
  EXPECT_EQ(FailureOfAnswer("8001 0000000b 00000000").code, bad);
  EXPECT_EQ(FailureOfAnswer("8001 0000000c 00000000 0001 aa").code, bad);
  // The TPM2B ends early; bytes are left over behind it.
  Error error = FailureOfAnswer("8001 0000000d 00000000 0002 aa");
  EXPECT_EQ(error.code, bad);
  EXPECT_EQ(error.command, "TPM2_GetRandom");
  EXPECT_EQ(error.message, "TPM2_GetRandom response: randomBytes: the bytes end inside this field");
  error = FailureOfAnswer("8001 0000000e 00000000 0001 aa bb");
  EXPECT_EQ(error.code, bad);
  EXPECT_NE(error.message.find("left over"), std::string::npos) << error.message;
  // A tag that no response has; one with sessions, though the command had none.
  EXPECT_EQ(FailureOfAnswer("8003 0000000d 00000000 0001 aa").code, bad);
  EXPECT_EQ(FailureOfAnswer("00c4 0000000d 00000000 0001 aa").code, bad);
  EXPECT_EQ(FailureOfAnswer("8002 00000016 00000000 00000003 0001 aa 0000 01 0000").code, bad);
}

TEST_F(ExecutorTest, AnAnswerWithoutItsSessionsIsNotTrusted) {
  transport.ExpectCode(0x15e, FromHex("8001 0000000e 00000000 0002 beef"));
  EXPECT_EQ(FailureOf(UnsealOf(0x80000000)).code, ErrorCode::kIntegrity);
}

TEST_F(ExecutorTest, AuthorisationAreaOfTheAnswer) {
  const auto fails = [this](std::string_view hex) {
    transport.ExpectCode(0x15e, FromHex(hex));
    return FailureOf(UnsealOf(0x80000000)).code;
  };
  // parameterSize beyond the end, short, with bytes left over; authorisations cut off, one too
  // many.
  EXPECT_EQ(fails("8002 00000017 00000000 000000ff 0002 beef 0000 01 0000"),
            ErrorCode::kMarshallingError);
  EXPECT_EQ(fails("8002 00000017 00000000 ffffffff 0002 beef 0000 01 0000"),
            ErrorCode::kMarshallingError);
  EXPECT_EQ(fails("8002 00000017 00000000 00000003 0002 beef 0000 01 0000"),
            ErrorCode::kMarshallingError);
  EXPECT_EQ(fails("8002 00000016 00000000 00000004 0002 beef 0000 01 00"),
            ErrorCode::kMarshallingError);
  EXPECT_EQ(fails("8002 00000012 00000000 00000004 0002 beef"), ErrorCode::kMarshallingError);
  EXPECT_EQ(fails("8002 0000001c 00000000 00000004 0002 beef 0000 01 0000 0000 01 0000"),
            ErrorCode::kMarshallingError);
}

TEST_F(ExecutorTest, ResponseCodesNameTheirSubject) {
  const auto failure = [this](uint32_t code) {
    transport.ExpectCode(0x153, ResponseOfCode(code));
    return FailureOf(SomeCreate());
  };
  Error error = failure(0x2c4);  // VALUE, parameter 2
  EXPECT_EQ(error.rc_name, "TPM_RC_VALUE");
  EXPECT_EQ(error.rc_subject, "parameter 2 inPublic");
  EXPECT_EQ(error.command, "TPM2_Create");
  EXPECT_EQ(error.tpm_rc, 0x2c4u);
  EXPECT_NE(error.message.find("parameter 2 inPublic"), std::string::npos) << error.message;
  error = failure(0x1d5);  // SIZE, parameter 1
  EXPECT_EQ(error.rc_subject, "parameter 1 inSensitive");
  error = failure(0x18b);  // HANDLE, handle 1
  EXPECT_EQ(error.code, ErrorCode::kKeyNotFound);
  EXPECT_EQ(error.rc_subject, "handle 1 parentHandle");
  error = failure(0x98e);  // AUTH_FAIL, session 1
  EXPECT_EQ(error.code, ErrorCode::kAuthFailed);
  EXPECT_EQ(error.rc_subject, "session 1");
  error = failure(0xfc4);  // VALUE, parameter 15, which the command does not have
  EXPECT_EQ(error.rc_subject, "parameter 15");
  error = failure(0x902);
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(error.rc_subject, "");
}

TEST_F(ExecutorTest, AWrongPcrPolicyIsAnAuthorisationFailure) {
  transport.ExpectCode(0x17f, ResponseOfCode(0x1c4));
  EXPECT_EQ(FailureOf(PolicyPcr()).code, ErrorCode::kAuthFailed);
}

TEST_F(ExecutorTest, TransportErrorsNameTheCommand) {
  class Broken : public Transport {
   public:
    Buffer Transceive(ByteView) override { throw Error(ErrorCode::kTransportError, "gone"); }
    bool IsOpen() const override { return false; }
    void Interrupt() noexcept override {}
    const TransportTraits& traits() const override { return traits_; }

   private:
    TransportTraits traits_;
  } broken;
  Executor lost(broken);
  try {
    lost.Run(GetRandom());
    ADD_FAILURE() << "it did not fail";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kTransportError);
    EXPECT_EQ(error.command, "TPM2_GetRandom");
  }
}

TEST_F(ExecutorTest, TooLongACommandIsNotSent) {
  StirRandom command;
  command.in_data = ByteView(Buffer(129));
  const Error error = FailureOf(command);
  EXPECT_EQ(error.code, ErrorCode::kMarshallingError);
  EXPECT_NE(error.message.find("inData"), std::string::npos) << error.message;
}

// The TPM has made an object, but its answer is of no use: nobody else could flush it any more.
TEST_F(ExecutorTest, AnObjectOfAnUnusableAnswerIsFlushed) {
  const Buffer flush = FromHex("8001 0000000e 00000165 80000002");
  transport
      .ExpectCode(0x157, FromHex("8002 0000001c 00000000 80000002 00000005 0002 000b 00"
                                 "0000 01 0000"))
      .Expect(flush, ResponseOfCode(0));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kMarshallingError);
  transport.ExpectCode(0x157, FromHex("8001 00000012 00000000 80000002 0002 000b"))
      .Expect(flush, ResponseOfCode(0));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kIntegrity);
  // Cut off behind the handle; and the flush may fail as well.
  transport.ExpectCode(0x157, FromHex("8002 0000000e 00000000 80000002"))
      .Expect(flush, ResponseOfCode(0x101));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kMarshallingError);
  // Nothing to flush without a handle, or when the TPM refused.
  transport.ExpectCode(0x157, FromHex("8002 0000000c 00000000 8000"));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kMarshallingError);
  transport.ExpectCode(0x157, ResponseOfCode(0x1df));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kIntegrity);
  // A permanent or persistent handle is nothing that this command could have made.
  transport.ExpectCode(0x157, FromHex("8001 00000012 00000000 81000001 0002 000b"));
  EXPECT_EQ(FailureOf(SomeLoad()).code, ErrorCode::kIntegrity);
  EXPECT_EQ(transport.StepsLeft(), 0u);
  EXPECT_EQ(kFlushContext, static_cast<uint32_t>(CommandCode::kFlushContext));
}

TEST_F(ExecutorTest, TracesShowNoSecrets) {
  std::vector<TraceEvent> events;
  std::vector<std::string> sessions;
  executor.set_trace([&](const TraceEvent& event) {
    events.push_back(event);
    sessions.push_back(event.sessions);
  });
  transport.ExpectCode(0x15e, FromHex("8002 00000017 00000000 00000004 0002 beef 0000 01 0000"))
      .ExpectCode(0x15e, ResponseOfCode(0x98e));
  const Buffer auth = FromHex("deadbeef");
  const Authorization authorization{nullptr, auth};
  executor.Run(UnsealOf(0x80000001), {&authorization, 1});
  FailureOf(UnsealOf(0x80000001), {&authorization, 1});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].command, "TPM2_Unseal");
  EXPECT_EQ(events[0].request, "{itemHandle=0x80000001}");
  EXPECT_EQ(events[0].response, "{outData=<2 secret octets>}");
  EXPECT_EQ(events[0].sessions, "password");
  EXPECT_EQ(events[0].response_size, 23u);
  EXPECT_EQ(events[1].rc, 0x98eu);
  EXPECT_EQ(events[1].rc_name, "TPM_RC_AUTH_FAIL");
  EXPECT_EQ(events[1].response, "");
}

}  // namespace
}  // namespace tpm2::testing
