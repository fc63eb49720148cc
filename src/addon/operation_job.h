// One operation asked for by JavaScript: the request copied in, one job, one promise.
#ifndef TPM2_SRC_ADDON_OPERATION_JOB_H_
#define TPM2_SRC_ADDON_OPERATION_JOB_H_

#include <memory>
#include <optional>
#include <utility>

#include "addon/call_job.h"
#include "addon/convert.h"

namespace tpm2::addon {

// The operation's own Run(), found by the operation's type where a job of it is made.
template <typename Operation>
typename Operation::Result RunOn(Client& client, const CallOptions& options,
                                 const Operation& request) {
  return Run(client, options, request);
}

template <typename Operation>
class OperationJob : public CallJob {
 public:
  // JavaScript thread. Everything that the job needs is copied here.
  OperationJob(Napi::Env env, std::shared_ptr<const CallOptions> options, Operation request,
               bool trace)
      : CallJob(env, std::move(options), trace), request_(std::move(request)) {}

 private:
  void Ask(Client& client, const CallOptions& options) override {
    result_.emplace(RunOn(client, options, request_));
  }
  Napi::Value Answer(Napi::Env env) override { return ToJs(env, *result_); }

  Operation request_;
  std::optional<typename Operation::Result> result_;
};

}  // namespace tpm2::addon

#endif  // TPM2_SRC_ADDON_OPERATION_JOB_H_
