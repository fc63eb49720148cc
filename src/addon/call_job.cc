#include "addon/call_job.h"

#include <exception>
#include <string>
#include <utility>

#include "addon/convert.h"

namespace tpm2::addon {
namespace {

Napi::Value TraceToJs(Napi::Env env, const TraceEvent& event) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("command", std::string(event.command));
  object.Set("request", event.request);
  object.Set("response", event.response);
  object.Set("sessions", event.sessions);
  object.Set("rc", Napi::Number::New(env, event.rc));
  object.Set("rcName", std::string(event.rc_name));
  object.Set("microseconds", Napi::Number::New(env, static_cast<double>(event.duration.count())));
  object.Set("commandSize", Napi::Number::New(env, static_cast<double>(event.command_size)));
  object.Set("responseSize", Napi::Number::New(env, static_cast<double>(event.response_size)));
  return object;
}

}  // namespace

CallJob::CallJob(Napi::Env env, std::shared_ptr<const CallOptions> options, bool trace)
    : environment_(Environment::Of(env).shared_from_this()),
      options_(std::move(options)),
      deferred_(Napi::Promise::Deferred::New(env)),
      trace_(trace) {
  environment_->Begin();
}

void CallJob::Run(Client& client) {
  struct Tracing {
    Client& client;
    bool on;
    ~Tracing() {
      if (on) client.set_trace(nullptr);
    }
  } tracing{client, trace_};
  if (trace_) client.set_trace([this](const TraceEvent& event) { events_.push_back(event); });
  Ask(client, *options_);
}

void CallJob::Done(std::optional<Error> error) noexcept {
  error_ = std::move(error);
  environment_->Send(shared_from_this());
}

void CallJob::Deliver(Napi::Env env) {
  environment_->End();
  // What the trace says comes first: it was so before the promise settled.
  if (trace_) EmitTrace(env);
  if (error_) {
    deferred_.Reject(ToJsError(env, *error_).Value());
  } else {
    Settle(env);
  }
}

void CallJob::Settle(Napi::Env env) {
  Napi::Value reason;
  try {
    deferred_.Resolve(Answer(env));
    return;
  } catch (const Napi::Error& error) {
    reason = error.Value();
  } catch (const std::exception& error) {
    reason = ToJsError(env, UnexpectedError(error)).Value();
  }
  deferred_.Reject(reason);
}

void CallJob::EmitTrace(Napi::Env env) {
  auto events = Napi::Array::New(env, events_.size());
  for (uint32_t i = 0; i < events_.size(); ++i) events[i] = TraceToJs(env, events_[i]);
  environment_->Trace(events);
}

}  // namespace tpm2::addon
