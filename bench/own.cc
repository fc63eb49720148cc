// The library's own time per command. The TPM's part is played by answers that were recorded from
// a real one; what playing it costs is measured and taken off.
#include <algorithm>
#include <map>
#include <memory>

#include "client/templates.h"
#include "contestants.h"
#include "crypto/crypto.h"
#include "objects.h"
#include "raw_socket.h"
#include "tpm2/client.h"
#include "tpm2/codec.h"
#include "tpm2/operations/keys.h"
#include "turns.h"

namespace tpm2::bench {
namespace {

constexpr int kCommandsPerSample = 200;
constexpr size_t kHeaderSize = 10;
constexpr size_t kNonceSize = 32;

// What one look at the clock costs: the part of two looks that is not inside their difference.
uint64_t ClockCost() {
  constexpr int kLooks = 10000;
  uint64_t all = Timed([] {
    for (int i = 0; i < kLooks; ++i) static_cast<void>(Clock::now());
  });
  return all / kLooks;
}

// Records while it has a TPM; answers from the recording once that is taken away. In a session it
// computes what a TPM would: encryption of the first parameter and the HMAC.
class ScriptedTpm final : public Transport {
 public:
  explicit ScriptedTpm(const std::string& path) : socket_(std::make_unique<RawSocket>(path)) {}

  void StopRecording() { socket_.reset(); }
  // The key of the session in which sessions' answers are given.
  void set_session_key(ByteView key) { session_key_ = ToSecret(key); }
  // Time spent in here, which is the TPM's.
  uint64_t nanoseconds() const { return nanoseconds_; }

  Buffer Transceive(ByteView command) override {
    Clock::time_point start = Clock::now();
    Reader reader(command);
    StructureTag tag{};
    Unmarshal(reader, tag);
    reader.Integer<uint32_t>();
    uint32_t code = reader.Integer<uint32_t>();
    Buffer answer;
    if (socket_ != nullptr) {
      answer = recording_[code] = socket_->Transceive(command);
    } else if (tag != StructureTag::kSessions || session_key_.empty()) {
      answer = recording_[code];
    } else {
      answer = InSession(reader, code);
    }
    nanoseconds_ += NanosecondsSince(start);
    return answer;
  }

  bool IsOpen() const override { return true; }
  void Interrupt() noexcept override {}
  const TransportTraits& traits() const override { return traits_; }

 private:
  // The parameters as they were recorded under a password, wrapped for the session. All commands
  // that are measured so have one handle and bring none.
  Buffer InSession(Reader& command, uint32_t code) {
    command.Integer<uint32_t>();  // the handle
    command.Integer<uint32_t>();  // size of the authorisations
    command.Integer<uint32_t>();  // the session
    Nonce nonce_caller;
    Unmarshal(command, nonce_caller);
    const uint8_t attributes = command.Integer<uint8_t>();

    const Buffer& recorded = recording_[code];
    Reader reader(recorded);
    reader.Raw(kHeaderSize);
    const uint32_t size = reader.Integer<uint32_t>();
    Buffer parameters = ToBuffer(reader.Raw(size));
    Buffer nonce(kNonceSize, 0x77);
    if ((attributes & static_cast<uint8_t>(SessionAttributes::kEncrypt)) != 0) {
      SecretBytes key = crypto::KdfA(AlgId::kSha256, session_key_, "CFB", nonce, nonce_caller, 256);
      size_t first = static_cast<size_t>(parameters[0]) << 8 | parameters[1];
      crypto::AesCfbEncrypt(ByteView(key).first(16), ByteView(key).subspan(16),
                            MutableBytes(parameters).subspan(2, first));
    }
    uint8_t codes[8];
    Writer codes_writer{MutableBytes(codes)};
    codes_writer.Integer<uint32_t>(0);
    codes_writer.Integer(code);
    Buffer rp_hash = crypto::Digest(AlgId::kSha256, {ByteView(codes), parameters});
    SecretBytes hmac =
        crypto::Hmac(AlgId::kSha256, session_key_,
                     {rp_hash, nonce, nonce_caller.view(), ByteView(&attributes, 1)});

    Buffer answer(recorded.size() + 3 * kNonceSize);
    Writer writer{MutableBytes(answer)};
    Marshal(writer, StructureTag::kSessions);
    writer.Integer<uint32_t>(0);
    writer.Integer<uint32_t>(0);
    writer.Integer(size);
    writer.Raw(parameters);
    writer.Integer<uint16_t>(kNonceSize);
    writer.Raw(nonce);
    writer.Integer(attributes);
    writer.Integer(static_cast<uint16_t>(hmac.size()));
    writer.Raw(hmac);
    writer.PatchTotalSize(2);
    answer.resize(writer.size());
    return answer;
  }

  std::unique_ptr<RawSocket> socket_;
  std::map<uint32_t, Buffer> recording_;
  SecretBytes session_key_;
  uint64_t nanoseconds_ = 0;
  TransportTraits traits_;
};

class Own {
 public:
  explicit Own(const std::string& path) : tpm_(std::make_shared<ScriptedTpm>(path)) {
    client_ = std::make_unique<Client>([this] { return tpm_; });
    client_->EnsureOpen();
    Executor& executor = client_->executor();
    parent_ = RunCreatePrimary(executor, StorageParentCommand());
    CreateResponse sealed = executor.Run(CreateCommand(parent_, Leaf::kSealed));
    unseal_.item_handle = RunLoad(executor, LoadCommand(parent_, sealed));
    executor.Run(unseal_);
    Flush(executor, unseal_.item_handle.entity.handle);
    CreateResponse key = executor.Run(CreateCommand(parent_, Leaf::kKey));
    load_ = LoadCommand(parent_, key);
    Entity loaded = RunLoad(executor, load_);
    sign_ = SignCommand(loaded);
    executor.Run(sign_);
    Flush(executor, loaded.handle);
    Flush(executor, parent_.handle);
    random_.bytes_requested = kRandomBytes;
    executor.Run(random_);
    pcr_read_.selection = EightPcrs();
    executor.Run(pcr_read_);
    use_case_.blob = Run(*client_, options_, op::KeyCreate{}).blob;
    use_case_.digest = Buffer(32, 0xd1);
    Run(*client_, options_, use_case_);
    tpm_->StopRecording();
    clock_cost_ = ClockCost();
  }

  Operations All() {
    return {
        {"own-random", [this] { return Plain(random_); }},
        {"own-pcr", [this] { return Plain(pcr_read_); }},
        {"own-sign", [this] { return Plain(sign_); }},
        {"own-load", [this] { return Plain(load_); }},
        {"own-unseal", [this] { return Encrypted(unseal_); }},
        {"own-create", [this] { return Encrypted(CreateCommand(parent_, Leaf::kSealed)); }},
        {"own-use-sign",
         [this] {
           tpm_->set_session_key({});
           return PerCommand([this] { Run(*client_, options_, use_case_); });
         }},
    };
  }

 private:
  Operation PerCommand(std::function<void()> command) {
    return [this, command = std::move(command)] {
      uint64_t tpm_before = tpm_->nanoseconds();
      uint64_t all = Timed([&] {
        for (int i = 0; i < kCommandsPerSample; ++i) command();
      });
      uint64_t own = (all - (tpm_->nanoseconds() - tpm_before)) / kCommandsPerSample;
      return own - std::min(own, clock_cost_);
    };
  }
  template <typename Command>
  Operation Plain(const Command& command) {
    tpm_->set_session_key({});
    return PerCommand([this, command] { client_->executor().Run(command); });
  }
  template <typename Command>
  Operation Encrypted(const Command& command) {
    Buffer key(32, 0x4b);
    tpm_->set_session_key(key);
    Session::Parameters parameters;
    parameters.handle = 0x02000000;
    parameters.key = ToSecret(key);
    parameters.nonce_tpm = SmallOctets(Buffer(kNonceSize, 0x11));
    session_ = std::make_unique<Session>(std::move(parameters));
    return PerCommand([this, command] {
      Authorization authorization{session_.get(), {}, true, true};
      client_->executor().Run(command, {&authorization, 1});
    });
  }

  std::shared_ptr<ScriptedTpm> tpm_;
  std::unique_ptr<Client> client_;
  CallOptions options_;
  Entity parent_;
  GetRandom random_;
  PcrRead pcr_read_;
  Sign sign_;
  Load load_;
  Unseal unseal_;
  op::KeySign use_case_;
  std::unique_ptr<Session> session_;
  uint64_t clock_cost_ = 0;
};

}  // namespace

int ServeOwn(const std::string& path) {
  Own own(path);
  return ServeTurns(own.All());
}

}  // namespace tpm2::bench
