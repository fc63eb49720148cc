// What authorises a command: password, HMAC session, policy session (TPM 2.0 Part 1, 19 and 21).
#ifndef TPM2_SESSION_H_
#define TPM2_SESSION_H_

#include <array>
#include <cstdint>
#include <memory>

#include "tpm2/structures/basic.h"

namespace tpm2 {

namespace crypto {
class HmacKey;
}

// A nonce or an HMAC without allocation.
class SmallOctets {
 public:
  SmallOctets() = default;
  explicit SmallOctets(ByteView bytes) : size_(std::min(bytes.size(), bytes_.size())) {
    std::copy_n(bytes.begin(), size_, bytes_.begin());
  }
  ByteView view() const { return ByteView(bytes_).first(size_); }
  MutableBytes Resize(size_t size) {
    size_ = std::min(size, bytes_.size());
    return MutableBytes(bytes_).first(size_);
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::array<uint8_t, kMaxDigestSize> bytes_{};
  size_t size_ = 0;
};

// The host's half of a session that the TPM holds. Belongs to one connection's thread.
class Session {
 public:
  struct Parameters {
    uint32_t handle = 0;
    SessionType type = SessionType::kHmac;
    AlgId hash = AlgId::kSha256;
    uint16_t aes_bits = 128;  // 0: started with TPM_ALG_NULL, cannot encrypt
    SecretBytes key;          // sessionKey; empty when neither salted nor bound
    SmallOctets nonce_caller;
    SmallOctets nonce_tpm;
    Name bound_to;  // the bind entity, if any, and its auth value at that time
    SecretBytes bound_auth;
  };
  explicit Session(Parameters parameters);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  uint32_t handle() const { return parameters_.handle; }
  SessionType type() const { return parameters_.type; }
  AlgId hash() const { return parameters_.hash; }
  bool can_encrypt() const { return parameters_.aes_bits != 0; }
  const SmallOctets& nonce_tpm() const { return parameters_.nonce_tpm; }
  const SmallOctets& nonce_caller() const { return parameters_.nonce_caller; }

  // What the policy has asserted so far decides what the authorisation must hold:
  // PolicyAuthValue wants the entity's auth value in the HMAC, PolicyPassword wants it in plain.
  enum class PolicyAuth { kNone, kAuthValue, kPassword };
  void set_policy_auth(PolicyAuth value) { policy_auth_ = value; }
  PolicyAuth policy_auth() const { return policy_auth_; }

  // --- for the executor ---
  // Rolls nonceCaller. Once per command, before anything is computed from it.
  void BeginCommand();
  // The authorisation's hmac field. `other_nonces` are nonceTPM of a decrypt and of an encrypt
  // session other than this one, for the first session of the command.
  SmallOctets CommandHmac(const Name& entity, ByteView auth_value, ByteView cp_hash,
                          ByteView decrypt_nonce, ByteView encrypt_nonce,
                          SessionAttributes attributes) const;
  // Takes nonceTPM of a response; false when the HMAC is not the one that a TPM that holds the
  // session key would have sent. Compared in constant time.
  bool AcceptResponse(const Name& entity, ByteView auth_value, ByteView rp_hash,
                      ByteView new_nonce_tpm, SessionAttributes attributes, ByteView hmac);
  // First parameter, in place. `auth_value` is empty when the session authorises no handle.
  void EncryptCommandParameter(ByteView auth_value, MutableBytes data) const;
  void DecryptResponseParameter(ByteView auth_value, MutableBytes data) const;

 private:
  SmallOctets Hmac(const Name& entity, ByteView auth_value, ByteView digest, ByteView nonce_newer,
                   ByteView nonce_older, ByteView decrypt_nonce, ByteView encrypt_nonce,
                   SessionAttributes attributes) const;
  bool HmacIncludesAuth(const Name& entity, ByteView auth_value) const;
  void Crypt(ByteView auth_value, ByteView nonce_newer, ByteView nonce_older, MutableBytes data,
             bool encrypt) const;

  // For sessionKey || authValue. The last one is kept: setting a key costs more than a MAC, and one
  // encrypted command needs up to four MACs with the same.
  const crypto::HmacKey& KeyWith(ByteView auth_value) const;

  Parameters parameters_;
  PolicyAuth policy_auth_ = PolicyAuth::kNone;
  mutable std::unique_ptr<crypto::HmacKey> hmac_key_;
  mutable SecretBytes hmac_key_auth_;  // the auth value that is in it
};

// One entry of a command's authorisation area. Without a session it is a password authorisation.
struct Authorization {
  Session* session = nullptr;
  ByteView auth_value;   // of the entity whose handle stands at the same place
  bool encrypt = false;  // encrypt the first parameters, where the command has such
  bool keep = true;      // continueSession: the session survives the command
};

// Part 1 19.6.4.3: trailing zero octets of an auth value do not count.
ByteView TrimAuth(ByteView auth_value);

}  // namespace tpm2

#endif  // TPM2_SESSION_H_
