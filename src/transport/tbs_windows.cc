#include "transport/tbs_windows.h"

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "transport/framing.h"
#include "transport/system_windows.h"
#include "transport/tbs_status.h"

namespace tpm2 {
namespace {

constexpr const char* kDescription = "tbs:";

// tbs.h of the Windows SDK; mingw-w64 has only a part of it.
using Result = UINT32;
using Context = void*;
struct ContextParams2 {
  UINT32 version;
  UINT32 flags;
};
constexpr UINT32 kVersion2 = 2;
constexpr UINT32 kIncludeTpm20 = 4;
constexpr UINT32 kLocality0 = 0;
constexpr UINT32 kPriorityNormal = 200;
constexpr UINT32 kCurrentBoot = 0;  // TBS_TCGLOG_SRTM_CURRENT
constexpr UINT32 kLongestLog = 16u << 20;

// Never freed: the process may end while another thread is in a call.
struct TbsApi {
  Result(WINAPI* create)(const ContextParams2*, Context*);
  Result(WINAPI* close)(Context);
  Result(WINAPI* submit)(Context, UINT32, UINT32, const BYTE*, UINT32, BYTE*, UINT32*);
  Result(WINAPI* cancel)(Context);
  Result(WINAPI* log)(Context, BYTE*, UINT32*);    // null before Vista SP1
  Result(WINAPI* log_of)(UINT32, BYTE*, UINT32*);  // null before Windows 10 1803

  static const TbsApi& Get() {
    static const TbsApi* api = new TbsApi();
    return *api;
  }

 private:
  TbsApi() {
    const SystemLibrary library(L"tbs.dll", "Windows with TPM Base Services is needed.");
    library.Bind(create, "Tbsi_Context_Create");
    library.Bind(close, "Tbsip_Context_Close");
    library.Bind(submit, "Tbsip_Submit_Command");
    library.Bind(cancel, "Tbsip_Cancel_Commands");
    library.BindOptional(log, "Tbsi_Get_TCG_Log");
    library.BindOptional(log_of, "Tbsi_Get_TCG_Log_Ex");
  }
};

Context CreateContext(const TbsApi& api) {
  constexpr int kTries = 6;
  std::chrono::milliseconds pause{10};
  const ContextParams2 params{kVersion2, kIncludeTpm20};
  for (int attempt = 1;; ++attempt) {
    Context context = nullptr;
    const Result status = api.create(&params, &context);
    if (status == 0) return context;
    if (!TbsPasses(status) || attempt == kTries) {
      throw TbsFailure(status, {TbsSituation::Call::kOpen, {}, IsElevated()});
    }
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

// A response that consists of its header.
Buffer CodeOnly(uint32_t response_code) {
  Buffer response = {0x80, 0x01, 0, 0, 0, kHeaderSize, 0, 0, 0, 0};
  StoreU32(response_code, MutableBytes(response).subspan(6));
  return response;
}

class TbsTransport final : public Transport {
 public:
  TbsTransport(const TbsApi& api, Context context, bool owned)
      : api_(api), context_(context), owned_(owned) {
    traits_.description = kDescription;
    traits_.resource_managed = true;
  }
  ~TbsTransport() override { CloseContext(); }

  Buffer Transceive(ByteView command) override {
    CheckCommand(command);
    if (interrupted_.load()) ThrowInterrupted();
    if (!IsOpen()) {
      throw Error(ErrorCode::kTransportError, "The connection to Windows' TPM is broken",
                  "Open the TPM again");
    }
    Buffer response(kMaxMessageSize);
    UINT32 size = static_cast<UINT32>(response.size());
    Result status = Submit(command, response, size);
    if (status == tbs::kInvalidContext && owned_) {
      // Windows refused the context itself, so nothing has run. The new one has nothing loaded yet,
      // and says so if this command names something.
      Reopen();
      if (interrupted_.load()) ThrowInterrupted();
      size = static_cast<UINT32>(response.size());
      status = Submit(command, response, size);
    }
    if (interrupted_.load()) ThrowInterrupted();
    if (status != 0) return Explain(status, command);
    if (size < kHeaderSize) ThrowBrokenOff(size);
    if (size > response.size()) ThrowOutOfStep(size - response.size());
    response.resize(size);
    if (ResponseSize(response) != size) {
      CloseContext();
      throw Error(ErrorCode::kTransportError, "Windows handed over a part of the TPM's answer");
    }
    // What TBS itself has to say may come in the TPM's place, as an HRESULT.
    const uint32_t code = LoadU32(ByteView(response).subspan(6));
    return (code & 0x80000000) != 0 ? Explain(code, command) : response;
  }

  // An interrupted one is of no use any more, also where no command noticed.
  bool IsOpen() const override {
    return open_.load(std::memory_order_acquire) && !interrupted_.load();
  }

  bool Cancel() noexcept override {
    const std::lock_guard lock(mutex_);
    return open_.load() && api_.cancel(context_) == 0;
  }

  // The command that is under way ends when the TPM has given it up: TBS knows no other way.
  void Interrupt() noexcept override {
    interrupted_.store(true);
    Cancel();
  }

  const TransportTraits& traits() const override { return traits_; }
  bool renewed() const override { return renewed_; }

 private:
  Result Submit(ByteView command, Buffer& response, UINT32& size) {
    return api_.submit(context_, kLocality0, kPriorityNormal, command.data(),
                       static_cast<UINT32>(command.size()), response.data(), &size);
  }

  Buffer Explain(uint32_t status, ByteView command) {
    if (TbsIsResponseCode(status)) return CodeOnly(status);
    Error error = TbsFailure(status, {TbsSituation::Call::kSubmit, command, IsElevated()});
    // The command has run, or may have: what it left in the TPM goes with the context.
    if (status == tbs::kInsufficientBuffer || status == tbs::kInvalidContext) CloseContext();
    throw error;
  }

  void Reopen() {
    const Context fresh = CreateContext(api_);
    const std::lock_guard lock(mutex_);
    api_.close(std::exchange(context_, fresh));
    renewed_ = true;
  }

  void CloseContext() noexcept {
    const std::lock_guard lock(mutex_);
    if (!open_.exchange(false)) return;
    if (owned_) api_.close(context_);
  }

  [[noreturn]] void ThrowInterrupted() {
    CloseContext();
    throw Error(ErrorCode::kClosed, "The connection to the TPM was closed");
  }

  const TbsApi& api_;
  std::mutex mutex_;  // Cancel() comes while Transceive() may put another context in place
  Context context_;
  const bool owned_;
  TransportTraits traits_;
  bool renewed_ = false;
  std::atomic<bool> open_{true};
  std::atomic<bool> interrupted_{false};
};

// Calls read(bytes, size) until the log has come whole; it may grow between two calls.
template <typename Read>
Buffer WholeLog(Read read) {
  Buffer log;
  for (int attempt = 0; attempt < 5; ++attempt) {
    UINT32 size = static_cast<UINT32>(log.size());
    const Result status = read(log.empty() ? nullptr : log.data(), &size);
    if (status != 0 && status != tbs::kInsufficientBuffer) {
      throw TbsFailure(status, {TbsSituation::Call::kEventLog, {}, IsElevated()});
    }
    if (size == 0) throw TbsFailure(tbs::kNoEventLog, {TbsSituation::Call::kEventLog, {}, true});
    if (status == 0 && size <= log.size()) {
      log.resize(size);
      return log;
    }
    if (size > kLongestLog) break;
    log.resize(size);
  }
  throw Error(ErrorCode::kTransportError, "The measurement log could not be read as a whole");
}

}  // namespace

std::unique_ptr<Transport> OpenTbs() {
  const TbsApi& api = TbsApi::Get();
  return std::make_unique<TbsTransport>(api, CreateContext(api), true);
}

std::unique_ptr<Transport> BorrowTbs(void* context) {
  return std::make_unique<TbsTransport>(TbsApi::Get(), context, false);
}

Buffer ReadTbsEventLog() {
  const TbsApi& api = TbsApi::Get();
  if (api.log_of != nullptr) {
    return WholeLog([&](BYTE* out, UINT32* size) { return api.log_of(kCurrentBoot, out, size); });
  }
  if (api.log == nullptr) {
    throw Error(ErrorCode::kNotSupported, "This Windows gives no measurement log");
  }
  struct Closing {
    const TbsApi& api;
    Context context;
    ~Closing() { api.close(context); }
  } closing{api, CreateContext(api)};
  return WholeLog([&](BYTE* out, UINT32* size) { return api.log(closing.context, out, size); });
}

}  // namespace tpm2
