// One call from JavaScript: the request copied in, one job, one promise.
#ifndef TPM2_SRC_ADDON_OPERATION_JOB_H_
#define TPM2_SRC_ADDON_OPERATION_JOB_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "addon/convert.h"
#include "addon/environment.h"
#include "tpm2/connection.h"

namespace tpm2::addon {

Napi::Value TraceToJs(Napi::Env env, const TraceEvent& event);

// The operation's own Run(), found by the operation's type where a job of it is made.
template <typename Operation>
typename Operation::Result RunOn(Client& client, const CallOptions& options,
                                 const Operation& request) {
  return Run(client, options, request);
}

template <typename Operation>
class OperationJob : public Job,
                     public Delivery,
                     public std::enable_shared_from_this<OperationJob<Operation>> {
 public:
  using Result = typename Operation::Result;

  // JavaScript thread. Everything that the job needs is copied here.
  OperationJob(Napi::Env env, std::shared_ptr<const CallOptions> options, Operation request,
               bool trace)
      : environment_(Environment::Of(env).shared_from_this()),
        options_(std::move(options)),
        request_(std::move(request)),
        deferred_(Napi::Promise::Deferred::New(env)),
        trace_(trace) {
    environment_->Begin();
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  // Connection's thread.
  void Run(Client& client) override {
    struct Tracing {
      Client& client;
      bool on;
      ~Tracing() {
        if (on) client.set_trace(nullptr);
      }
    } tracing{client, trace_};
    if (trace_) client.set_trace([this](const TraceEvent& event) { events_.push_back(event); });
    result_.emplace(RunOn(client, *options_, request_));
  }

  void Done(std::optional<Error> error) noexcept override {
    error_ = std::move(error);
    environment_->Send(this->shared_from_this());
  }

  // JavaScript thread.
  void Deliver(Napi::Env env) override {
    environment_->End();
    // What the trace says comes first: it was so before the promise settled.
    if (trace_) EmitTrace(env);
    if (error_) {
      deferred_.Reject(ToJsError(env, *error_).Value());
    } else {
      deferred_.Resolve(ToJs(env, *result_));
    }
  }

 private:
  void EmitTrace(Napi::Env env) {
    auto events = Napi::Array::New(env, events_.size());
    for (uint32_t i = 0; i < events_.size(); ++i) events[i] = TraceToJs(env, events_[i]);
    environment_->Trace(events);
  }

  std::shared_ptr<Environment> environment_;
  std::shared_ptr<const CallOptions> options_;
  Operation request_;
  Napi::Promise::Deferred deferred_;
  bool trace_;
  std::vector<TraceEvent> events_;
  std::optional<Result> result_;
  std::optional<Error> error_;
};

}  // namespace tpm2::addon

#endif  // TPM2_SRC_ADDON_OPERATION_JOB_H_
