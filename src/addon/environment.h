// What belongs to one JavaScript environment (the main thread's or a worker's): the way back to
// its thread, and the shares that it holds in connections.
#ifndef TPM2_SRC_ADDON_ENVIRONMENT_H_
#define TPM2_SRC_ADDON_ENVIRONMENT_H_

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "addon/napi_setup.h"
#include "tpm2/connection.h"

namespace tpm2::addon {

// Something to be done on the JavaScript thread.
class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual void Deliver(Napi::Env env) = 0;
};

class Environment;

// One handle's share in a connection.
struct Share {
  std::shared_ptr<Connection> connection;
  std::shared_ptr<const CallOptions> options;
  bool open = true;  // JavaScript thread only
};

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  // Made once per environment, on its thread. Its cleanup hook leaves the connections; the
  // Environment itself lives on while a job of it is under way.
  static Environment& Of(Napi::Env env);
  static std::shared_ptr<Environment> Create(Napi::Env env);

  // Any thread. What comes after the environment's end is dropped.
  void Send(std::shared_ptr<Delivery> delivery);
  // JavaScript thread: between these the event loop is kept alive.
  void Begin();
  void End();

  // JavaScript thread. The one listener of an environment gets the events of each traced job.
  void set_trace_listener(const Napi::Function& listener) {
    trace_listener_ = Napi::Persistent(listener);
  }
  void Trace(const Napi::Array& events);

  // JavaScript thread.
  void Add(const std::shared_ptr<Share>& share) { shares_.insert(share); }
  // Gives the share up; `stopped` as ConnectionRegistry::Release().
  void Leave(const std::shared_ptr<Share>& share, std::function<void()> stopped);

 private:
  void OnExit();
  void DeliverAll(Napi::Env env);
  static void CallJs(napi_env env, napi_value callback, void* context, void* data);

  napi_env env_ = nullptr;
  napi_threadsafe_function wake_ = nullptr;
  int pending_ = 0;  // JavaScript thread only
  std::set<std::shared_ptr<Share>> shares_;
  Napi::FunctionReference trace_listener_;

  std::mutex mutex_;
  bool ended_ = false;
  std::vector<std::shared_ptr<Delivery>> deliveries_;
};

}  // namespace tpm2::addon

#endif  // TPM2_SRC_ADDON_ENVIRONMENT_H_
