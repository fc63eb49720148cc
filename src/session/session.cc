#include "tpm2/session.h"

#include <utility>

#include "crypto/crypto.h"

namespace tpm2 {
namespace {

constexpr size_t kAesBlock = 16;

// sessionKey || authValue without a heap block: both are at most a digest long.
class KeyWithAuth {
 public:
  KeyWithAuth(ByteView key, ByteView auth) : size_(key.size() + auth.size()) {
    std::copy(key.begin(), key.end(), bytes_.begin());
    std::copy(auth.begin(), auth.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(key.size()));
  }
  ~KeyWithAuth() { SecureWipe(bytes_.data(), bytes_.size()); }
  KeyWithAuth(const KeyWithAuth&) = delete;
  KeyWithAuth& operator=(const KeyWithAuth&) = delete;
  ByteView view() const { return ByteView(bytes_).first(size_); }

 private:
  std::array<uint8_t, 2 * kMaxDigestSize> bytes_{};
  size_t size_;
};

// An AES key and its IV, wiped and without a heap block.
class KeyAndIv {
 public:
  KeyAndIv() = default;
  ~KeyAndIv() { SecureWipe(octets_.data(), octets_.size()); }
  KeyAndIv(const KeyAndIv&) = delete;
  KeyAndIv& operator=(const KeyAndIv&) = delete;
  MutableBytes First(size_t size) { return MutableBytes(octets_).first(size); }

 private:
  std::array<uint8_t, 32 + kAesBlock> octets_{};
};

ByteView CheckedAuth(ByteView auth_value) {
  ByteView trimmed = TrimAuth(auth_value);
  if (trimmed.size() > kMaxDigestSize) {
    throw Error(ErrorCode::kInvalidArgument, "an auth value is longer than any TPM digest");
  }
  return trimmed;
}

}  // namespace

ByteView TrimAuth(ByteView auth_value) {
  while (!auth_value.empty() && auth_value.back() == 0) {
    auth_value = auth_value.first(auth_value.size() - 1);
  }
  return auth_value;
}

Session::Session(Parameters parameters) : parameters_(std::move(parameters)) {}

Session::~Session() = default;

const crypto::HmacKey& Session::KeyWith(ByteView auth_value) const {
  if (hmac_key_ == nullptr || !crypto::ConstantTimeEqual(hmac_key_auth_, auth_value)) {
    hmac_key_.reset();
    KeyWithAuth key(parameters_.key, auth_value);
    hmac_key_auth_.assign(auth_value.begin(), auth_value.end());
    hmac_key_ = std::make_unique<crypto::HmacKey>(parameters_.hash, key.view());
  }
  return *hmac_key_;
}

void Session::BeginCommand() {
  crypto::Random(parameters_.nonce_caller.Resize(DigestSizeOf(parameters_.hash)));
}

bool Session::HmacIncludesAuth(const Name& entity, ByteView auth_value) const {
  if (parameters_.type == SessionType::kPolicy) return policy_auth_ == PolicyAuth::kAuthValue;
  // Bound to this very entity with this very auth value: it is in the session key already.
  return parameters_.bound_to.empty() || !(parameters_.bound_to == entity) ||
         !crypto::ConstantTimeEqual(TrimAuth(parameters_.bound_auth), auth_value);
}

SmallOctets Session::Hmac(const Name& entity, ByteView auth_value, ByteView digest,
                          ByteView nonce_newer, ByteView nonce_older, ByteView decrypt_nonce,
                          ByteView encrypt_nonce, SessionAttributes attributes) const {
  ByteView auth = HmacIncludesAuth(entity, auth_value) ? auth_value : ByteView();
  SmallOctets hmac;
  // A policy session without any key sends none and gets none (Part 1 19.6.5).
  if (parameters_.type == SessionType::kPolicy && parameters_.key.empty() && auth.empty()) {
    return hmac;
  }
  uint8_t attribute_octet = static_cast<uint8_t>(attributes);
  KeyWith(auth).Into({digest, nonce_newer, nonce_older, decrypt_nonce, encrypt_nonce,
                      ByteView(&attribute_octet, 1)},
                     hmac.Resize(DigestSizeOf(parameters_.hash)));
  return hmac;
}

SmallOctets Session::CommandHmac(const Name& entity, ByteView auth_value, ByteView cp_hash,
                                 ByteView decrypt_nonce, ByteView encrypt_nonce,
                                 SessionAttributes attributes) const {
  ByteView auth = CheckedAuth(auth_value);
  if (parameters_.type == SessionType::kPolicy && policy_auth_ == PolicyAuth::kPassword) {
    return SmallOctets(auth);
  }
  return Hmac(entity, auth, cp_hash, parameters_.nonce_caller.view(), parameters_.nonce_tpm.view(),
              decrypt_nonce, encrypt_nonce, attributes);
}

bool Session::AcceptResponse(const Name& entity, ByteView auth_value, ByteView rp_hash,
                             ByteView new_nonce_tpm, SessionAttributes attributes, ByteView hmac) {
  SmallOctets expected;
  if (parameters_.type != SessionType::kPolicy || policy_auth_ != PolicyAuth::kPassword) {
    expected = Hmac(entity, CheckedAuth(auth_value), rp_hash, new_nonce_tpm,
                    parameters_.nonce_caller.view(), {}, {}, attributes);
  }
  if (!crypto::ConstantTimeEqual(expected.view(), hmac)) return false;
  parameters_.nonce_tpm = SmallOctets(new_nonce_tpm);
  return true;
}

void Session::Crypt(ByteView auth_value, ByteView nonce_newer, ByteView nonce_older,
                    MutableBytes data, bool encrypt) const {
  KeyAndIv key_and_iv;
  MutableBytes octets = key_and_iv.First(parameters_.aes_bits / 8u + kAesBlock);
  crypto::KdfAInto(KeyWith(CheckedAuth(auth_value)), "CFB", nonce_newer, nonce_older,
                   static_cast<uint32_t>(8 * octets.size()), octets);
  ByteView all(octets);
  ByteView key = all.first(parameters_.aes_bits / 8);
  ByteView iv = all.subspan(key.size());
  encrypt ? crypto::AesCfbEncrypt(key, iv, data) : crypto::AesCfbDecrypt(key, iv, data);
}

void Session::EncryptCommandParameter(ByteView auth_value, MutableBytes data) const {
  Crypt(auth_value, parameters_.nonce_caller.view(), parameters_.nonce_tpm.view(), data, true);
}

void Session::DecryptResponseParameter(ByteView auth_value, MutableBytes data) const {
  Crypt(auth_value, parameters_.nonce_tpm.view(), parameters_.nonce_caller.view(), data, false);
}

}  // namespace tpm2
