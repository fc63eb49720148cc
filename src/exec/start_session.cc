#include <utility>

#include "crypto/crypto.h"
#include "crypto/key_convert.h"
#include "tpm2/commands/session.h"
#include "tpm2/executor.h"

namespace tpm2 {

std::unique_ptr<Session> StartSession(Executor& executor, const SessionOptions& options) {
  Session::Parameters parameters;
  parameters.type = options.type;
  parameters.hash = options.hash;
  parameters.aes_bits = options.aes_bits;
  crypto::Random(parameters.nonce_caller.Resize(DigestSizeOf(options.hash)));

  StartAuthSession command;
  command.tpm_key = Entity::Of(rh::kNull);
  command.bind = Entity::Of(rh::kNull);
  command.nonce_caller = Nonce(parameters.nonce_caller.view());
  command.session_type = options.type;
  if (options.aes_bits != 0) command.symmetric = SymDef::AesCfb(options.aes_bits);
  command.auth_hash = options.hash;

  // sessionKey = KDFa(authHash, bind.authValue || salt, "ATH", nonceTPM, nonceCaller), Part
  // 1 19.6.8
  SecretBytes secret;
  if (options.bind != nullptr) {
    ByteView auth = TrimAuth(options.bind_auth);
    secret.assign(auth.begin(), auth.end());
    command.bind = *options.bind;
    parameters.bound_to = options.bind->name;
    parameters.bound_auth = ToSecret(auth);
  }
  if (options.salt_key != nullptr) {
    crypto::SharedSecret salt = crypto::ShareSecret(*options.salt_public, "SECRET");
    secret.insert(secret.end(), salt.secret.begin(), salt.secret.end());
    command.tpm_key = *options.salt_key;
    command.encrypted_salt = std::move(salt.encrypted);
  }

  StartAuthSessionResponse started = executor.Run(command);
  parameters.handle = started.session_handle.value;
  parameters.nonce_tpm = SmallOctets(started.nonce_tpm.view());
  if (options.bind != nullptr || options.salt_key != nullptr) {
    parameters.key =
        crypto::KdfA(options.hash, secret, "ATH", started.nonce_tpm, parameters.nonce_caller.view(),
                     static_cast<uint32_t>(8 * DigestSizeOf(options.hash)));
  }
  return std::make_unique<Session>(std::move(parameters));
}

}  // namespace tpm2
