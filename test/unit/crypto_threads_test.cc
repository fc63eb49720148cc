// For ThreadSanitizer above all: the pools, the one library and libcrypto itself, from more threads
// than a pool has room for.
#include <atomic>
#include <thread>

#include "crypto_keys.h"

namespace tpm2::crypto {
namespace {

// One round of everything that has shared state; true if every answer was right.
bool Round(const EccVector& ecc, const Buffer& digest, const Buffer& signature) {
  if (Digest(AlgId::kSha256, {Text("sample")}) != digest) return false;
  if (Plain(Hmac(AlgId::kSha256, Text("Jefe"), {Text("what do ya want for nothing?")})) !=
      Hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")) {
    return false;
  }
  if (Plain(Hmac(AlgId::kSha256, {}, {})) !=
      Hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")) {
    return false;
  }
  Buffer data = digest;
  AesCfbEncrypt(Buffer(16, 1), Buffer(16, 2), data);
  AesCfbDecrypt(Buffer(16, 1), Buffer(16, 2), data);
  if (data != digest) return false;
  if (!VerifyDigest(ecc.key, AlgId::kEcdsa, ecc.hash, digest, signature)) return false;
  const EccEncapsulated ours = EncapsulateEcc(ecc.key, AlgId::kSha256, "SECRET");
  if (DecapsulateEcc(ecc.key, ecc.scalar, AlgId::kSha256, "SECRET", ours.ephemeral) !=
      ours.secret) {
    return false;
  }
  try {
    DecodeSpki(Text("no key"));
    return false;
  } catch (const Error&) {
    return true;
  }
}

TEST(CryptoThreads, EveryThreadGetsTheRightAnswers) {
  const EccVector ecc = Rfc6979Keys()[0];
  const Buffer digest = Digest(ecc.hash, {Text("sample")});
  const Buffer signature = Join({ecc.r, ecc.s});
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 25; ++round) right += Round(ecc, digest, signature) ? 1 : 0;
      if (i % 2 == 0) ReleaseThread();  // the others leave it to the thread's end
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8 * 25);
}

TEST(CryptoThreads, AReleasedThreadCanStartAgain) {
  ReleaseThread();
  const EccVector ecc = Rfc6979Keys()[0];
  const Buffer digest = Digest(ecc.hash, {Text("sample")});
  std::thread([&] {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(Round(ecc, digest, Join({ecc.r, ecc.s})));
      ReleaseThread();
    }
  }).join();
  EXPECT_TRUE(Round(ecc, digest, Join({ecc.r, ecc.s})));
}

TEST(CryptoThreads, AKeyMayMoveToAnotherThread) {
  HmacKey key(AlgId::kSha256, Text("Jefe"));
  Buffer out(32);
  std::thread([&out, moved = std::move(key)] {
    moved.Into({Text("what do ya want for nothing?")}, out);
  }).join();
  EXPECT_EQ(out, Hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

}  // namespace
}  // namespace tpm2::crypto
