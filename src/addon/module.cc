// The addon's exports: open, run, cancel, close, and the pure functions. api.js is their only user.
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/napi_setup.h"
#include "addon/operation_job.h"
#include "addon/operation_table.h"
#include "addon/pure_table.h"
#include "crypto/crypto.h"

namespace tpm2::addon {

namespace {

// The share behind the object that open() gave out. Garbage collection of that object gives the
// share up as close() does.
using SharePointer = std::shared_ptr<Share>;

SharePointer ShareOf(const Napi::Value& value) {
  if (!value.IsExternal()) ThrowMismatch("handle", "an open TPM handle");
  SharePointer share = *value.As<Napi::External<SharePointer>>().Data();
  if (!share->open) {
    throw Error(ErrorCode::kClosed, "this TPM handle was closed", "Call Tpm.open() again.");
  }
  return share;
}

template <typename Body>
Napi::Value Guarded(const Napi::CallbackInfo& info, Body body) {
  try {
    return body();
  } catch (const Error& error) {
    throw ToJsError(info.Env(), error);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw ToJsError(info.Env(), UnexpectedError(error));
  }
}

// open(tcti, options) -> handle
Napi::Value Open(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    auto tcti = FromJs<std::string>(info[0], "tcti");
    auto options = std::make_shared<const CallOptions>(FromJs<CallOptions>(info[1], "options"));
    auto share = std::make_shared<Share>();
    share->connection = ConnectionRegistry::Instance().Acquire(tcti);
    share->options = std::move(options);
    Environment::Of(env).Add(share);
    return Napi::External<SharePointer>::New(env, new SharePointer(share),
                                             [](Napi::Env env, SharePointer* pointer) {
                                               if ((*pointer)->open)
                                                 Environment::Of(env).Leave(*pointer, nullptr);
                                               delete pointer;
                                             });
  });
}

class CloseDelivery : public Delivery {
 public:
  explicit CloseDelivery(Napi::Env env)
      : environment_(Environment::Of(env).shared_from_this()),
        deferred_(Napi::Promise::Deferred::New(env)) {
    environment_->Begin();
  }
  Napi::Promise promise() const { return deferred_.Promise(); }
  void Deliver(Napi::Env env) override {
    environment_->End();
    deferred_.Resolve(env.Undefined());
  }
  Environment& environment() { return *environment_; }

 private:
  std::shared_ptr<Environment> environment_;
  Napi::Promise::Deferred deferred_;
};

// close(handle) -> Promise<void>, settled when the TPM is let go of
Napi::Value Close(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    SharePointer share = ShareOf(info[0]);
    auto delivery = std::make_shared<CloseDelivery>(info.Env());
    Environment::Of(info.Env()).Leave(share, [delivery] {
      delivery->environment().Send(delivery);
    });
    return delivery->promise();
  });
}

// cancel(handle, ticket)
Napi::Value Cancel(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    SharePointer share = ShareOf(info[0]);
    uint32_t ticket = FromJs<uint32_t>(info[1], "ticket");
    share->connection->Cancel(share.get(), ticket,
                              Error(ErrorCode::kAborted, "the operation was aborted"));
    return info.Env().Undefined();
  });
}

// answered(handle) -> boolean: a TPM has answered on this connection and it is still open
Napi::Value Answered(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    return Napi::Boolean::New(info.Env(), ShareOf(info[0])->connection->Answered());
  });
}

// busy(handle) -> boolean: a job of this or another handle runs or waits on this connection
Napi::Value Busy(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    return Napi::Boolean::New(info.Env(), ShareOf(info[0])->connection->Busy());
  });
}

// run(handle, name, request, ticket, trace) -> Promise<result>
using Starter = Napi::Value (*)(const Napi::CallbackInfo& info, const SharePointer& share);

template <typename Operation>
Napi::Value Start(const Napi::CallbackInfo& info, const SharePointer& share) {
  auto request = FromJs<Operation>(info[2], "request");
  uint32_t ticket = FromJs<uint32_t>(info[3], "ticket");
  bool trace = FromJs<bool>(info[4], "trace");
  auto job = std::make_shared<OperationJob<Operation>>(info.Env(), share->options,
                                                       std::move(request), trace);
  Napi::Promise promise = job->promise();
  share->connection->Post(std::move(job), share.get(), ticket);
  return promise;
}

template <typename... Operations>
std::map<std::string, Starter, std::less<>> MakeStarters(OperationList<Operations...>) {
  return {{Operations::kName, Start<Operations>}...};
}

Napi::Value RunOperation(const Napi::CallbackInfo& info) {
  static const auto* const kStarters = new auto(MakeStarters(Operations()));
  return Guarded(info, [&]() -> Napi::Value {
    SharePointer share = ShareOf(info[0]);
    auto found = kStarters->find(FromJs<std::string>(info[1], "name"));
    if (found == kStarters->end()) ThrowMismatch("name", "a known operation");
    return found->second(info, share);
  });
}

// pure(name, request) -> result, at once and without a TPM
using PureFunction = Napi::Value (*)(const Napi::CallbackInfo& info);

template <typename Operation>
Napi::Value RunPure(const Napi::CallbackInfo& info) {
  auto request = FromJs<Operation>(info[1], "request");
  return ToJs(info.Env(), tpm2::Run(request));
}

template <typename... Operations>
std::map<std::string, PureFunction, std::less<>> MakePure(OperationList<Operations...>) {
  return {{Operations::kName, RunPure<Operations>}...};
}

Napi::Value Pure(const Napi::CallbackInfo& info) {
  static const auto* const kFunctions = [] {
    auto* all = new auto(MakePure(PureOperations()));
    all->merge(MakePure(BlobOperations()));
    return all;
  }();
  return Guarded(info, [&]() -> Napi::Value {
    auto found = kFunctions->find(FromJs<std::string>(info[0], "name"));
    if (found == kFunctions->end()) ThrowMismatch("name", "a known function");
    return found->second(info);
  });
}

// setTraceListener(function)
Napi::Value SetTraceListener(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    if (!info[0].IsFunction()) ThrowMismatch("listener", "a function");
    Environment::Of(info.Env()).set_trace_listener(info[0].As<Napi::Function>());
    return info.Env().Undefined();
  });
}

// checkTcti(text): throws INVALID_ARGUMENT for a string that is none
Napi::Value CheckTcti(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    ParseTcti(FromJs<std::string>(info[0], "tcti"));
    return info.Env().Undefined();
  });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Environment::Create(env);
  exports.Set("open", Napi::Function::New(env, Open));
  exports.Set("close", Napi::Function::New(env, Close));
  exports.Set("cancel", Napi::Function::New(env, Cancel));
  exports.Set("answered", Napi::Function::New(env, Answered));
  exports.Set("busy", Napi::Function::New(env, Busy));
  exports.Set("run", Napi::Function::New(env, RunOperation));
  exports.Set("pure", Napi::Function::New(env, Pure));
  exports.Set("setTraceListener", Napi::Function::New(env, SetTraceListener));
  exports.Set("checkTcti", Napi::Function::New(env, CheckTcti));
  exports.Set("opensslVersion", crypto::OpenSslVersion());
  return exports;
}

}  // namespace

}  // namespace tpm2::addon

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  return tpm2::addon::Init(env, exports);
}
NODE_API_MODULE(node_tpm2, InitAddon)
