#include "addon/environment.h"

#include <utility>

namespace tpm2::addon {
namespace {

// Kept by node per environment; holds the reference that the environment itself has.
struct InstanceData {
  std::shared_ptr<Environment> environment;
};

Error EnvironmentEnded() {
  return Error(ErrorCode::kClosed, "the JavaScript environment that asked has ended");
}

}  // namespace

std::shared_ptr<Environment> Environment::Create(Napi::Env env) {
  auto environment = std::make_shared<Environment>();
  environment->env_ = env;
  napi_value name = Napi::String::New(env, "node-tpm2");
  napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                      environment.get(), CallJs, &environment->wake_);
  if (status != napi_ok) throw Napi::Error::New(env, "node-tpm2: no thread-safe function");
  napi_unref_threadsafe_function(env, environment->wake_);
  env.SetInstanceData(new InstanceData{environment});
  env.AddCleanupHook([environment] { environment->OnExit(); });
  return environment;
}

Environment& Environment::Of(Napi::Env env) {
  return *env.GetInstanceData<InstanceData>()->environment;
}

void Environment::Send(std::shared_ptr<Delivery> delivery) {
  std::lock_guard lock(mutex_);
  if (ended_) return;
  deliveries_.push_back(std::move(delivery));
  // Under the lock: OnExit() must not release the function between the check and the call.
  if (deliveries_.size() == 1) {
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

void Environment::Begin() {
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, wake_);
}

void Environment::End() {
  if (--pending_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Environment::CallJs(napi_env env, napi_value, void* context, void*) {
  // node calls with no environment when it is being torn down.
  if (env == nullptr) return;
  static_cast<Environment*>(context)->DeliverAll(Napi::Env(env));
}

void Environment::DeliverAll(Napi::Env env) {
  std::vector<std::shared_ptr<Delivery>> batch;
  {
    std::lock_guard lock(mutex_);
    batch = std::exchange(deliveries_, {});
  }
  for (const auto& delivery : batch) {
    try {
      Napi::HandleScope scope(env);
      delivery->Deliver(env);
    } catch (const Napi::Error&) {
      // A worker thread that is being terminated makes no JavaScript values any more, and there is
      // nobody left who waits. Its cleanup hook follows.
    }
  }
}

void Environment::Trace(const Napi::Array& events) {
  if (trace_listener_.IsEmpty()) return;
  // A listener that throws must not keep the job's promise from settling.
  try {
    trace_listener_.Call({events});
  } catch (const Napi::Error&) {
  }
}

void Environment::Leave(const std::shared_ptr<Share>& share, std::function<void()> stopped) {
  share->open = false;
  shares_.erase(share);
  share->connection->CancelQueued(
      share.get(),
      Error(ErrorCode::kClosed, "this TPM handle was closed", "Call Tpm.open() again."));
  ConnectionRegistry::Instance().Release(share->connection, std::move(stopped));
}

void Environment::OnExit() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    deliveries_.clear();
    napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  }
  trace_listener_.Reset();
  auto shares = std::exchange(shares_, {});
  for (const auto& share : shares) {
    share->open = false;  // finalizers of handles come after this
    share->connection->Abandon(share.get(), EnvironmentEnded());
    bool last = ConnectionRegistry::Instance().Release(share->connection, nullptr);
    // The last one out waits for the chip, so that nothing of ours is left in it.
    if (last) share->connection->WaitStopped();
  }
}

}  // namespace tpm2::addon
