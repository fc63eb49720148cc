// Keys under the storage parent: create, sign, decrypt.
#include "client/keys.h"

#include <string>
#include <utility>

#include "client/templates.h"
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/operations/keys.h"

namespace tpm2 {
namespace {

AlgId RequireHash(const std::string& name) {
  AlgId hash = HashFromName(name);
  if (hash == AlgId::kError) throw Error(ErrorCode::kInvalidArgument, "hash: unknown algorithm");
  return hash;
}

Scheme SigningScheme(bool rsa, const std::optional<std::string>& name, AlgId hash) {
  if (!rsa) {
    if (name && *name != "ecdsa") {
      throw Error(ErrorCode::kInvalidArgument, "scheme: an ECC key signs with 'ecdsa'");
    }
    return Scheme::Ecdsa(hash);
  }
  if (!name || *name == "rsassa") return Scheme::RsaSsa(hash);
  if (*name == "rsapss") return Scheme::RsaPss(hash);
  throw Error(ErrorCode::kInvalidArgument, "scheme: an RSA key signs with 'rsassa' or 'rsapss'");
}

}  // namespace

op::CreatedKey ToCreatedKey(const CreateResponse& created) {
  op::CreatedKey key;
  key.blob.public_area = ToBytes(created.out_public, "TPM2B_PUBLIC");
  key.blob.private_area = ToBytes(created.out_private, "TPM2B_PRIVATE");
  key.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(*created.out_public));
  key.name = ToBuffer(crypto::NameOf(*created.out_public).view());
  return key;
}

CreateResponse CreateUnderParent(Client& client, const CallOptions& options, const Public& area,
                                 ByteView auth, ByteView data) {
  return client.WithParent(options, [&](const LoadedObject& parent) {
    Create command;
    command.parent_handle = parent.entity;
    command.in_sensitive->user_auth = TrimAuth(auth);
    command.in_sensitive->data = data;
    *command.in_public = area;
    bool secret = !auth.empty() || !data.empty();
    Authorization authorization = client.AuthorizeParent(options, secret);
    return client.Run(command, {&authorization, 1});
  });
}

op::CreatedKey Run(Client& client, const CallOptions& options, const op::KeyCreate& request) {
  // A key that decrypts leaves its scheme open: Part 2 12.2.3.5 wants it of one that signs as well,
  // and OAEP takes its hash at each use.
  if (request.decrypt && (request.scheme || request.hash)) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(request.scheme ? "scheme" : "hash") +
                    ": cannot be fixed in a key that decrypts; it is chosen at each use");
  }
  templates::KeyTemplate wanted;
  wanted.rsa = request.type == "rsa";
  wanted.sign = request.sign;
  wanted.decrypt = request.decrypt;
  wanted.has_auth = !TrimAuth(request.auth).empty();
  if (request.hash || request.scheme) {
    wanted.scheme =
        SigningScheme(wanted.rsa, request.scheme, RequireHash(request.hash.value_or("sha256")));
  }
  return ToCreatedKey(
      CreateUnderParent(client, options, templates::ApplicationKey(wanted), request.auth, {}));
}

Buffer Run(Client& client, const CallOptions& options, const op::KeySign& request) {
  AlgId hash = RequireHash(request.hash);
  bool has_auth = !TrimAuth(request.auth).empty();
  auto needs = has_auth ? Client::Needs::kEncryptingSession : Client::Needs::kNothing;
  return client.WithObject(request.blob, options, needs, [&](const LoadedObject& key) {
    const Scheme& fixed = key.area.scheme();
    bool rsa = key.area.rsa() != nullptr;
    Sign command;
    command.key_handle = key.entity;
    command.digest = request.digest;
    if (fixed.scheme == AlgId::kNull) command.in_scheme = SigningScheme(rsa, request.scheme, hash);
    command.validation = NullHashCheck();
    // The result is no secret; only an auth value is.
    Authorization authorization = client.Authorize(request.auth, options, false);
    SignResponse response = client.Run(command, {&authorization, 1});
    EccCurve curve = rsa ? EccCurve::kNone : key.area.ecc()->curve;
    return crypto::RawSignature(response.signature, curve);
  });
}

SecretBytes Run(Client& client, const CallOptions& options, const op::KeyDecrypt& request) {
  AlgId hash = RequireHash(request.hash);
  auto needs = Client::Needs::kEncryptingSession;
  return client.WithObject(request.blob, options, needs, [&](const LoadedObject& key) {
    RsaDecrypt command;
    command.key_handle = key.entity;
    command.cipher_text = request.cipher;
    if (key.area.scheme().scheme == AlgId::kNull) command.in_scheme = Scheme::Oaep(hash);
    Authorization authorization = client.Authorize(request.auth, options, true);
    return client.Run(command, {&authorization, 1}).message.Take();
  });
}

Nothing Run(Client& client, const CallOptions&, const op::KeyRelease& request) {
  client.Release(request.blob);
  return {};
}

}  // namespace tpm2
