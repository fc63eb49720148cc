// F: what the socket and the TPM cost. The commands are made once by the library's executor, and
// then the same bytes are sent again and again. What a session makes new for each command is made
// outside of the time that counts.
#include <map>
#include <memory>
#include <optional>

#include "contestants.h"
#include "objects.h"
#include "raw_socket.h"
#include "turns.h"

namespace tpm2::bench {
namespace {

constexpr int kAtOnce = 100;

class Floor {
 public:
  explicit Floor(const std::string& path) : socket_(path), executor_(socket_) {
    CreatePrimary primary = StorageParentCommand();
    CreatePrimaryResponse created = executor_.Run(primary);
    create_parent_ = socket_.last_command();
    parent_ = {created.object_handle.value, Name(created.name.view())};
    parent_public_ = *created.out_public;
    for (Leaf leaf : {Leaf::kKey, Leaf::kAttestationKey, Leaf::kSealed}) {
      CreateResponse response = executor_.Run(CreateCommand(parent_, leaf));
      if (leaf == Leaf::kKey) create_key_ = socket_.last_command();
      // Loading once gives the bytes of the command.
      LoadCommandOf(leaf, response);
    }
    Use(Leaf::kKey);
    executor_.Run(SignCommand(*leaf_));
    use_[Leaf::kKey] = socket_.last_command();
    Use(Leaf::kAttestationKey);
    executor_.Run(QuoteCommand(*leaf_));
    use_[Leaf::kAttestationKey] = socket_.last_command();
    Use(Leaf::kSealed);
    Unseal unseal;
    unseal.item_handle = *leaf_;
    executor_.Run(unseal);
    use_[Leaf::kSealed] = socket_.last_command();
    GetRandom random;
    random.bytes_requested = kRandomBytes;
    executor_.Run(random);
    random_ = socket_.last_command();
    PcrRead pcrs;
    pcrs.selection = EightPcrs();
    executor_.Run(pcrs);
    pcr_read_ = socket_.last_command();
    DropLeaf();
  }

  Operations All() {
    return {
        {"random", [this] { return Replay(random_); }},
        {"pcr", [this] { return Replay(pcr_read_); }},
        {"sign", [this] { return ReplayUse(Leaf::kKey); }},
        {"quote", [this] { return ReplayUse(Leaf::kAttestationKey); }},
        {"create", [this] { return Replay(create_key_); }},
        {"load", [this] { return ReplayAndFlush(load_[Leaf::kKey]); }},
        {"primary", [this] { return ReplayAndFlush(create_parent_); }},
        {"cold-sign", [this] { return Sequence(Leaf::kKey, false); }},
        {"unseal", [this] { return SessionUnseal(); }},
        {"salted", [this] { return SaltedUnseal(); }},
        {"random100", [this] { return ReplayMany(random_); }},
        {"sign100",
         [this] {
           ReplayUse(Leaf::kKey);
           return ReplayMany(use_[Leaf::kKey]);
         }},
        {"old-sign", [this] { return Sequence(Leaf::kKey, true); }},
        {"old-quote", [this] { return Sequence(Leaf::kAttestationKey, true); }},
        {"old-unseal", [this] { return Sequence(Leaf::kSealed, true); }},
    };
  }

 private:
  void LoadCommandOf(Leaf leaf, const CreateResponse& created) {
    Entity loaded = RunLoad(executor_, LoadCommand(parent_, created));
    load_[leaf] = socket_.last_command();
    names_[leaf] = loaded.name;
    Flush(executor_, loaded.handle);
    flush_ = socket_.last_command();
  }

  void DropLeaf() {
    if (leaf_) FlushRaw(leaf_->handle);
    leaf_.reset();
  }
  void Use(Leaf leaf) {
    DropLeaf();
    leaf_ = Entity{HandleIn(socket_.Exchange(load_[leaf])), names_[leaf]};
  }
  void FlushRaw(uint32_t handle) {
    SetHandle(flush_, handle);
    socket_.Exchange(flush_);
  }

  Operation Replay(const Buffer& command) {
    return [this, &command] { return Timed([&] { socket_.Exchange(command); }); };
  }
  Operation ReplayUse(Leaf leaf) {
    Use(leaf);
    SetHandle(use_[leaf], leaf_->handle);
    return Replay(use_[leaf]);
  }
  Operation ReplayMany(const Buffer& command) {
    return [this, &command] {
      uint64_t all = Timed([&] {
        for (int i = 0; i < kAtOnce; ++i) socket_.Exchange(command);
      });
      return all / kAtOnce;
    };
  }
  Operation ReplayAndFlush(const Buffer& command) {
    DropLeaf();
    return [this, &command] {
      uint32_t handle = 0;
      uint64_t time = Timed([&] { handle = HandleIn(socket_.Exchange(command)); });
      FlushRaw(handle);
      return time;
    };
  }

  // (CreatePrimary,) Load, use, FlushContext (twice): how a program works that keeps nothing.
  Operation Sequence(Leaf leaf, bool with_parent) {
    DropLeaf();
    return [this, leaf, with_parent] {
      uint32_t parent = parent_.handle;
      uint64_t time = Timed([&] {
        if (with_parent) parent = HandleIn(socket_.Exchange(create_parent_));
        SetHandle(load_[leaf], parent);
        uint32_t object = HandleIn(socket_.Exchange(load_[leaf]));
        SetHandle(use_[leaf], object);
        socket_.Exchange(use_[leaf]);
        FlushRaw(object);
        if (with_parent) FlushRaw(parent);
      });
      SetHandle(load_[leaf], parent_.handle);
      return time;
    };
  }

  std::unique_ptr<Session> StartSalted() {
    SessionOptions options;
    options.salt_key = &parent_;
    options.salt_public = &parent_public_;
    return StartSession(executor_, options);
  }
  void UnsealIn(Session& session) {
    Authorization authorization{&session, {}, true, true};
    Unseal command;
    command.item_handle = *leaf_;
    executor_.Run(command, {&authorization, 1});
  }
  // An HMAC answers a nonce, so these bytes cannot be sent twice: the executor makes them anew, and
  // what counts is the time on the socket.
  Operation SessionUnseal() {
    Use(Leaf::kSealed);
    if (session_ == nullptr) session_ = StartSalted();
    return [this] {
      uint64_t before = socket_.nanoseconds();
      UnsealIn(*session_);
      return socket_.nanoseconds() - before;
    };
  }
  Operation SaltedUnseal() {
    Use(Leaf::kSealed);
    return [this] {
      uint64_t before = socket_.nanoseconds();
      std::unique_ptr<Session> session = StartSalted();
      UnsealIn(*session);
      Flush(executor_, session->handle());
      return socket_.nanoseconds() - before;
    };
  }

  RawSocket socket_;
  Executor executor_;
  Entity parent_;
  Public parent_public_;
  Buffer create_parent_, create_key_, random_, pcr_read_, flush_;
  std::map<Leaf, Buffer> load_;
  std::map<Leaf, Buffer> use_;
  std::map<Leaf, Name> names_;
  std::optional<Entity> leaf_;
  std::unique_ptr<Session> session_;
};

}  // namespace

int ServeFloor(const std::string& path) {
  Floor floor(path);
  return ServeTurns(floor.All());
}

}  // namespace tpm2::bench
