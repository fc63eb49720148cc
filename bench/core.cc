// C: the library in C++ as the addon uses it, without Node and without its thread.
#include <optional>

#include "contestants.h"
#include "objects.h"
#include "tpm2/client.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/system.h"
#include "turns.h"

namespace tpm2::bench {
namespace {

class Core {
 public:
  explicit Core(const std::string& path)
      : client_([tcti = "swtpm:path=" + path] { return OpenTransport(tcti); }) {
    client_.EnsureOpen();
    random_.count = kRandomBytes;
    pcr_read_.selection = {{"sha256", {0, 1, 2, 3, 4, 5, 6, 7}}};
    sign_.blob = Do(op::KeyCreate{}).blob;
    sign_.digest = Buffer(32, 0xd1);
    quote_.blob = Do(op::ProvisionAk{}).blob;
    quote_.selection = pcr_read_.selection;
    quote_.qualifying_data = Buffer(20, 0x9c);
    op::Seal seal;
    seal.data = SecretBytes(32, 0x5a);
    unseal_.blob = Do(seal);
    client_.WithParent(options_, [this](const LoadedObject& parent) {
      created_ = client_.Run(CreateCommand(parent.entity, Leaf::kKey));
      return Nothing();
    });
  }

  Operations All() {
    return {
        {"random", [this] { return Repeat(random_); }},
        {"pcr", [this] { return Repeat(pcr_read_); }},
        {"sign", [this] { return Repeat(sign_); }},
        {"quote", [this] { return Repeat(quote_); }},
        {"create", [this] { return Repeat(op::KeyCreate{}); }},
        {"unseal", [this] { return Repeat(unseal_); }},
        {"cold-sign", [this] { return ColdSign(); }},
        {"salted", [this] { return SaltedUnseal(); }},
        {"load", [this] { return LoadOnce(); }},
        {"primary", [this] { return PrimaryOnce(); }},
    };
  }

 private:
  template <typename Request>
  typename Request::Result Do(const Request& request) {
    return Run(client_, options_, request);
  }
  template <typename Request>
  Operation Repeat(const Request& request) {
    return [this, request] { return Timed([&] { Do(request); }); };
  }

  Operation ColdSign() {
    client_.Release(sign_.blob);
    return [this] {
      return Timed([&] {
        Do(sign_);
        client_.Release(sign_.blob);
      });
    };
  }

  // StartAuthSession, Unseal, FlushContext: the object stays loaded.
  Operation SaltedUnseal() {
    Do(unseal_);
    client_.DropSessions();
    return [this] {
      return Timed([&] {
        Do(unseal_);
        client_.DropSessions();
      });
    };
  }

  Operation LoadOnce() {
    return [this] {
      return client_.WithParent(options_, [this](const LoadedObject& parent) {
        Load command = LoadCommand(parent.entity, created_);
        Entity loaded;
        uint64_t time = Timed([&] { loaded = RunLoad(client_.executor(), command); });
        client_.Flush(loaded.handle);
        return time;
      });
    };
  }

  Operation PrimaryOnce() {
    client_.MakeRoom();
    return [this] {
      CreatePrimary command = StorageParentCommand();
      Entity made;
      uint64_t time = Timed([&] { made = RunCreatePrimary(client_.executor(), command); });
      client_.Flush(made.handle);
      return time;
    };
  }

  Client client_;
  CallOptions options_;
  op::RandomBytes random_;
  op::PcrReadOp pcr_read_;
  op::KeySign sign_;
  op::QuoteOp quote_;
  op::UnsealOp unseal_;
  CreateResponse created_;
};

}  // namespace

int ServeCore(const std::string& path) {
  Core core(path);
  return ServeTurns(core.All());
}

}  // namespace tpm2::bench
