// One call from JavaScript on its way to the TPM's thread and back: what does not depend on the
// operation. operation_job.h has what does; there is one of it for each operation, so it is small.
#ifndef TPM2_SRC_ADDON_CALL_JOB_H_
#define TPM2_SRC_ADDON_CALL_JOB_H_

#include <memory>
#include <optional>
#include <vector>

#include "addon/environment.h"
#include "tpm2/connection.h"

namespace tpm2::addon {

class CallJob : public Job, public Delivery, public std::enable_shared_from_this<CallJob> {
 public:
  // JavaScript thread.
  CallJob(Napi::Env env, std::shared_ptr<const CallOptions> options, bool trace);

  Napi::Promise promise() const { return deferred_.Promise(); }

  // Connection's thread.
  void Run(Client& client) final;
  void Done(std::optional<Error> error) noexcept final;

  // JavaScript thread.
  void Deliver(Napi::Env env) final;

 private:
  // Connection's thread: asks the TPM and keeps the result.
  virtual void Ask(Client& client, const CallOptions& options) = 0;
  // JavaScript thread: that result. Called only if Ask() did not throw.
  virtual Napi::Value Answer(Napi::Env env) = 0;

  void Settle(Napi::Env env);
  void EmitTrace(Napi::Env env);

  std::shared_ptr<Environment> environment_;
  std::shared_ptr<const CallOptions> options_;
  Napi::Promise::Deferred deferred_;
  bool trace_;
  std::vector<TraceEvent> events_;
  std::optional<Error> error_;
};

}  // namespace tpm2::addon

#endif  // TPM2_SRC_ADDON_CALL_JOB_H_
