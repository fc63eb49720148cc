// Sessions against libtpms: every kind authorises and encrypts, and nothing altered gets through.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client/templates.h"
#include "crypto/key_convert.h"
#include "support/scripted_transport.h"
#include "support/test_tpm.h"
#include "tpm2/commands/nv.h"
#include "tpm2/commands/session.h"
#include "tpm2/commands/system.h"

namespace tpm2::testing {
namespace {

constexpr std::string_view kData = "sealed data that is planted";
constexpr std::string_view kAuth = "auth of the object";

Public RsaStorageParent() {
  Public area = templates::StorageParent();
  area.type = AlgId::kRsa;
  RsaParms& parms = area.parameters.emplace<AlgId::kRsa>();
  parms.symmetric = SymDef::AesCfb(128);
  parms.key_bits = 2048;
  area.unique.emplace<AlgId::kRsa>();
  return area;
}

struct Kind {
  std::string name;
  enum class Salt { kNone, kEcc, kRsa } salt = Salt::kNone;
  enum class Bind { kNone, kParent, kItem } bind = Bind::kNone;
  SessionType type = SessionType::kHmac;
  AlgId hash = AlgId::kSha256;
  uint16_t aes_bits = 128;
};

std::vector<Kind> Kinds() {
  using enum Kind::Salt;
  using B = Kind::Bind;
  constexpr SessionType kHmac = SessionType::kHmac;
  constexpr SessionType kPolicy = SessionType::kPolicy;
  return {
      {"unbound and unsalted", kNone, B::kNone, kHmac},
      {"salted by ECDH", kEcc, B::kNone, kHmac},
      {"salted by RSA-OAEP", kRsa, B::kNone, kHmac},
      {"bound to the parent", kNone, B::kParent, kHmac},
      {"bound to the item", kNone, B::kItem, kHmac},
      {"salted and bound to the item", kEcc, B::kItem, kHmac},
      {"policy, salted", kEcc, B::kNone, kPolicy},
      {"policy, without a key", kNone, B::kNone, kPolicy},
      {"policy, salted and bound", kRsa, B::kItem, kPolicy},
      {"SHA-384, AES-256", kEcc, B::kNone, kHmac, AlgId::kSha384, 256},
      {"SHA-1", kEcc, B::kNone, kHmac, AlgId::kSha1},
  };
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest()
      : recording(std::make_unique<BorrowedTransport>(tpm.chip())),
        faulty(std::make_unique<BorrowedTransport>(recording)),
        executor(faulty) {}

  // The storage parent (ECC), with an auth value of its own, loaded.
  void SetUp() override { parent = MakePrimary(templates::StorageParent(), "parent"); }

  LoadedObject MakePrimary(const Public& area, std::string_view auth) {
    CreatePrimary command;
    command.primary_handle = Entity::Of(rh::kOwner);
    command.in_sensitive->user_auth = ByteView(BytesOfText(auth));
    *command.in_public = area;
    CreatePrimaryResponse made = tpm.direct().Run(command);
    return {{made.object_handle.value, crypto::NameOf(*made.out_public)}, *made.out_public};
  }
  void Flush(uint32_t handle) {
    FlushContext command;
    command.flush_handle = handle;
    tpm.direct().Run(command);
  }

  std::unique_ptr<Session> Start(const Kind& kind) {
    SessionOptions wanted;
    wanted.type = kind.type;
    wanted.hash = kind.hash;
    wanted.aes_bits = kind.aes_bits;
    std::optional<LoadedObject> salt;
    if (kind.salt == Kind::Salt::kEcc) salt = parent;
    if (kind.salt == Kind::Salt::kRsa) salt = MakePrimary(RsaStorageParent(), "");
    if (salt) {
      wanted.salt_key = &salt->entity;
      wanted.salt_public = &salt->area;
    }
    Buffer auth = BytesOfText(kind.bind == Kind::Bind::kParent ? "parent" : kAuth);
    if (kind.bind == Kind::Bind::kParent) wanted.bind = &parent.entity;
    if (kind.bind == Kind::Bind::kItem) wanted.bind = &item.entity;
    wanted.bind_auth = auth;
    std::unique_ptr<Session> session = StartSession(executor, wanted);
    if (kind.salt == Kind::Salt::kRsa) Flush(salt->entity.handle);
    return session;
  }

  // TPM2_Create and TPM2_Load of sealed data; `session` authorises the parent and encrypts.
  LoadedObject MakeItem(Session* session, bool encrypt, std::string_view auth = kAuth,
                        bool by_policy = false) {
    const Buffer parent_auth = BytesOfText("parent");
    Create command;
    command.parent_handle = parent.entity;
    command.in_sensitive->user_auth = ByteView(BytesOfText(auth));
    command.in_sensitive->data = ByteView(BytesOfText(kData));
    *command.in_public = templates::SealedObject({}, true);
    command.in_public->attributes |= ObjectAttributes::kNoDa;
    if (by_policy) {
      // The policy is PolicyAuthValue alone.
      command.in_public->auth_policy =
          FromHex("8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e");
    }
    Authorization authorization{session, parent_auth, encrypt};
    CreateResponse made = executor.Run(command, {&authorization, 1});
    Load load;
    load.parent_handle = parent.entity;
    load.in_private = made.out_private;
    load.in_public = made.out_public;
    LoadResponse loaded = executor.Run(load, {&authorization, 1});
    Name name = crypto::NameOf(*made.out_public);
    EXPECT_EQ(ToHex(loaded.name.octets()), ToHex(name.view()));
    return {{loaded.object_handle.value, name}, *made.out_public};
  }

  SecretBytes UnsealItem(Session* session, bool encrypt, std::string_view auth = kAuth,
                         bool keep = true) {
    if (session != nullptr && session->type() == SessionType::kPolicy) {
      PolicyAuthValue command;
      command.policy_session = Entity::Of(session->handle());
      executor.Run(command);
      session->set_policy_auth(Session::PolicyAuth::kAuthValue);
    }
    const Buffer value = BytesOfText(auth);
    Unseal command;
    command.item_handle = item.entity;
    Authorization authorization{session, value, encrypt, keep};
    return executor.Run(command, {&authorization, 1}).out_data.Take();
  }

  template <typename Body>
  Error FailureOf(Body body) {
    try {
      body();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::kTpmRc, "it did not fail");
  }

  TestTpm tpm;
  RecordingTransport recording;
  FaultyTransport faulty;
  Executor executor;
  LoadedObject parent;
  LoadedObject item;
};

TEST_F(SessionTest, EveryKindAuthorisesAndEncryptsBothWays) {
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    const bool policy = kind.type == SessionType::kPolicy;
    item = MakeItem(nullptr, false, kAuth, true);
    recording.Clear();
    std::unique_ptr<Session> session = Start(kind);
    Buffer nonce = ToBuffer(session->nonce_tpm().view());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(UnsealItem(session.get(), true), SecretOf(kData));
      const Buffer next = ToBuffer(session->nonce_tpm().view());
      EXPECT_NE(next, nonce);
      EXPECT_EQ(next.size(), DigestSizeOf(kind.hash));
      nonce = next;
    }
    EXPECT_FALSE(recording.ResponsesContain(BytesOfText(kData)));
    // Without encryption the same session shows it, so the recording can tell.
    EXPECT_EQ(UnsealItem(session.get(), false), SecretOf(kData));
    EXPECT_TRUE(recording.ResponsesContain(BytesOfText(kData)));
    EXPECT_FALSE(recording.CommandsContain(BytesOfText(kAuth)));

    const Error error = FailureOf([&] { UnsealItem(session.get(), true, "wrong"); });
    EXPECT_EQ(error.code, ErrorCode::kAuthFailed) << error.message;
    if (policy) {
      PolicyRestart restart;
      restart.session = Entity::Of(session->handle());
      executor.Run(restart);
    }
    // The session survives a refused command.
    EXPECT_EQ(UnsealItem(session.get(), true), SecretOf(kData));

    if (!policy) {
      // The command's parameter goes encrypted too; the session is on another entity than it may be
      // bound to.
      Flush(item.entity.handle);
      recording.Clear();
      item = MakeItem(session.get(), true);
      EXPECT_FALSE(recording.CommandsContain(BytesOfText(kData)));
      EXPECT_FALSE(recording.CommandsContain(BytesOfText(kAuth)));
      EXPECT_EQ(UnsealItem(session.get(), true), SecretOf(kData));
      Flush(item.entity.handle);
      item = MakeItem(session.get(), false);
      EXPECT_TRUE(recording.CommandsContain(BytesOfText(kData)));
      EXPECT_TRUE(recording.CommandsContain(BytesOfText(kAuth)));
    }
    // continueSession clear: the TPM forgets it.
    EXPECT_EQ(UnsealItem(session.get(), true, kAuth, false), SecretOf(kData));
    EXPECT_EQ(tpm.Handles(0x02000000), std::vector<uint32_t>());
    Flush(item.entity.handle);
  }
}

TEST_F(SessionTest, TrailingZerosOfAuthsDoNotCount) {
  const std::string with_zeros = std::string(kAuth) + std::string(2, '\0');
  item = MakeItem(nullptr, false, with_zeros);
  for (const Kind& kind : {Kinds()[1], Kinds()[4]}) {
    SCOPED_TRACE(kind.name);
    std::unique_ptr<Session> session = Start(kind);
    EXPECT_EQ(UnsealItem(session.get(), true, with_zeros), SecretOf(kData));
    EXPECT_EQ(UnsealItem(session.get(), true, kAuth), SecretOf(kData));
    Flush(session->handle());
  }
}

// A session that authorises nothing, beside a password: only for encryption.
TEST_F(SessionTest, ASecondSessionEncrypts) {
  item = MakeItem(nullptr, false);
  recording.Clear();
  std::unique_ptr<Session> session = Start(Kinds()[1]);
  const Buffer auth = BytesOfText(kAuth);
  Unseal command;
  command.item_handle = item.entity;
  const Authorization both[] = {{nullptr, auth}, {session.get(), {}, true}};
  EXPECT_EQ(executor.Run(command, both).out_data.Take(), SecretOf(kData));
  EXPECT_FALSE(recording.ResponsesContain(BytesOfText(kData)));

  // One authorises by HMAC, the other encrypts: the first HMAC covers the other's nonce.
  std::unique_ptr<Session> first = Start(Kinds()[0]);
  const Authorization hmacs[] = {{first.get(), auth}, {session.get(), {}, true}};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(executor.Run(command, hmacs).out_data.Take(), SecretOf(kData));
  }
  Flush(item.entity.handle);
  Create create;
  create.parent_handle = parent.entity;
  create.in_sensitive->data = ByteView(BytesOfText(kData));
  *create.in_public = templates::SealedObject({}, false);
  const Buffer parent_auth = BytesOfText("parent");
  const Authorization creating[] = {{first.get(), parent_auth}, {session.get(), {}, true}};
  recording.Clear();
  EXPECT_FALSE(executor.Run(create, creating).out_private.empty());
  EXPECT_FALSE(recording.CommandsContain(BytesOfText(kData)));
}

// --- somebody on the bus -------------------------------------------------------------------------

// Every octet of every answer that comes in a session, one after the other.
TEST_F(SessionTest, AnAlteredAnswerIsNeverBelieved) {
  item = MakeItem(nullptr, false);
  std::unique_ptr<Session> session = Start(Kinds()[1]);
  recording.Clear();
  UnsealItem(session.get(), true);
  const Buffer answer = recording.exchanges().back().response;
  const size_t size = answer.size();
  // Header, parameterSize, parameters; nonceTPM, sessionAttributes, hmac (Part 1 18.10).
  const size_t nonce_at = 14 + (static_cast<size_t>(answer[12]) << 8 | answer[13]);
  const size_t hmac_at = nonce_at + 2 + DigestSizeOf(AlgId::kSha256) + 1;
  ASSERT_EQ(hmac_at + 2 + DigestSizeOf(AlgId::kSha256), size);
  size_t cases = 0;
  for (size_t offset = 0; offset < size; ++offset) {
    faulty.TamperResponse([&](Buffer& bytes) {
      if (offset < bytes.size()) bytes[offset] ^= 0x04;
    });
    const Error error = FailureOf([&] { UnsealItem(session.get(), true); });
    faulty.TamperResponse(nullptr);
    EXPECT_NE(error.message, "it did not fail") << offset;
    // Behind the header nothing but the HMAC can tell, or one of the sizes that no longer fits.
    const bool of_a_size = offset < 14 || offset - nonce_at < 2 || offset - hmac_at < 2;
    if (offset >= 10) {
      EXPECT_TRUE(error.code == ErrorCode::kIntegrity ||
                  (of_a_size && error.code == ErrorCode::kMarshallingError))
          << offset << ": " << error.message;
    }
    ++cases;
    Flush(session->handle());  // its nonces are out of step now
    session = Start(Kinds()[1]);
  }
  EXPECT_GT(cases, 80u);
  EXPECT_EQ(UnsealItem(session.get(), true), SecretOf(kData));
}

TEST_F(SessionTest, AReplayedSwappedOrDroppedAnswerIsNeverBelieved) {
  item = MakeItem(nullptr, false);
  for (const Kind& kind : {Kinds()[0], Kinds()[1], Kinds()[4], Kinds()[6]}) {
    SCOPED_TRACE(kind.name);
    if (kind.type == SessionType::kPolicy) {
      Flush(item.entity.handle);
      item = MakeItem(nullptr, false, kAuth, true);
    }
    std::unique_ptr<Session> session = Start(kind);
    Buffer kept;
    faulty.TamperResponse([&](Buffer& bytes) {
      if (bytes.size() > 10 && bytes[1] == 2) kept = bytes;
    });
    UnsealItem(session.get(), true);

    // Replayed: the answer to the command before.
    faulty.TamperResponse([&](Buffer& bytes) {
      if (bytes[1] == 2) bytes = kept;
    });
    EXPECT_EQ(FailureOf([&] { UnsealItem(session.get(), true); }).code, ErrorCode::kIntegrity);
    Flush(session->handle());

    // Swapped: the answer that another session got.
    session = Start(kind);
    EXPECT_EQ(FailureOf([&] { UnsealItem(session.get(), true); }).code, ErrorCode::kIntegrity);
    Flush(session->handle());

    // Dropped: the sessions are taken off, the parameters stay.
    session = Start(kind);
    faulty.TamperResponse([&](Buffer& bytes) {
      if (bytes[1] != 2) return;
      const size_t parameters = static_cast<size_t>(bytes[12]) << 8 | bytes[13];
      Buffer bare(bytes.begin() + 14, bytes.begin() + 14 + static_cast<std::ptrdiff_t>(parameters));
      bytes = ResponseOf(0, bare);
    });
    EXPECT_EQ(FailureOf([&] { UnsealItem(session.get(), true); }).code, ErrorCode::kIntegrity);
    Flush(session->handle());

    // In place of the session a password's empty entry.
    session = Start(kind);
    faulty.TamperResponse([&](Buffer& bytes) {
      if (bytes[1] != 2) return;
      const size_t parameters = static_cast<size_t>(bytes[12]) << 8 | bytes[13];
      bytes.resize(14 + parameters);
      for (uint8_t octet : {0, 0, 1, 0, 0}) bytes.push_back(octet);
      bytes[4] = static_cast<uint8_t>(bytes.size() >> 8);
      bytes[5] = static_cast<uint8_t>(bytes.size());
    });
    EXPECT_EQ(FailureOf([&] { UnsealItem(session.get(), true); }).code, ErrorCode::kIntegrity);
    Flush(session->handle());

    // Not encrypted, though that was asked for.
    session = Start(kind);
    faulty.TamperResponse(nullptr);
    faulty.TamperCommand([&](Buffer& bytes) {
      if (CodeOf(bytes) != static_cast<uint32_t>(CommandCode::kUnseal)) return;
      bytes[10 + 4 + 4 + 4 + 2 + 32] &= 0xbf;  // the attribute `encrypt`
    });
    EXPECT_NE(FailureOf([&] { UnsealItem(session.get(), true); }).message, "it did not fail");
    faulty.TamperCommand(nullptr);
    Flush(session->handle());
  }
}

// An altered command does not run: cpHash covers Names and parameters.
TEST_F(SessionTest, AnAlteredCommandIsRefusedByTheTpm) {
  item = MakeItem(nullptr, false);
  Flush(item.entity.handle);
  std::unique_ptr<Session> session = Start(Kinds()[1]);
  faulty.TamperCommand([](Buffer& bytes) {
    if (CodeOf(bytes) == static_cast<uint32_t>(CommandCode::kCreate)) bytes.back() ^= 1;
  });
  EXPECT_NE(FailureOf([&] { MakeItem(session.get(), true); }).message, "it did not fail");
  faulty.TamperCommand([](Buffer& bytes) {
    // An octet of the encrypted parameter.
    if (CodeOf(bytes) == static_cast<uint32_t>(CommandCode::kCreate))
      bytes[10 + 4 + 4 + 73 + 8] ^= 1;
  });
  const Error error = FailureOf([&] { MakeItem(session.get(), true); });
  EXPECT_EQ(error.code, ErrorCode::kAuthFailed) << error.message;
  faulty.TamperCommand(nullptr);
  item = MakeItem(session.get(), true);
  EXPECT_EQ(UnsealItem(session.get(), true), SecretOf(kData));
}

}  // namespace
}  // namespace tpm2::testing
