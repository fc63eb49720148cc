// TPM simulators behind a byte stream: swtpm's raw socket and the TCG reference simulator's
// protocol. Portable: the platform is in stream.h's leaf.
#ifndef TPM2_TRANSPORT_SIMULATOR_H_
#define TPM2_TRANSPORT_SIMULATOR_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "tpm2/transport.h"
#include "transport/stream.h"

namespace tpm2 {

// The two sockets of a simulator: commands, and what is not a command (cancel, power). The second
// is `path` + ".ctrl" or `port` + 1; swtpm can do without it, and at port 65535 there is none.
struct SimulatorEndpoints {
  Endpoint command;
  std::optional<Endpoint> control;
};
SimulatorEndpoints EndpointsOf(const Tcti& tcti);

// "swtpm:": each message goes over the data socket as it is. The control socket serves one client
// at a time, so it is connected only while a command is being cancelled.
std::unique_ptr<Transport> OpenSwtpm(const Tcti& tcti, Deadline deadline);

// "mssim:": messages are framed, and the platform socket is held from the start; the TPM is
// powered on through it, as libtss2-tcti-mssim does.
std::unique_ptr<Transport> OpenMssim(const Tcti& tcti, Deadline deadline);

// What both have in common: the state of one data stream, and the rules by which it ends.
class SimulatorTransport : public Transport {
 public:
  Buffer Transceive(ByteView command) final;
  bool IsOpen() const final { return open_.load(std::memory_order_acquire); }
  void Interrupt() noexcept final;
  const TransportTraits& traits() const final { return traits_; }

 protected:
  SimulatorTransport(std::unique_ptr<Stream> data, std::string description);

  // One command out, one response in, with the protocol's framing.
  virtual Buffer Exchange(ByteView command) = 0;
  // Before a command goes out, and after its answer has come or (not `answered`) never will.
  virtual void CommandStarts() noexcept = 0;
  virtual void CommandEnded(bool answered) noexcept = 0;

  Stream& data() { return *data_; }
  void Close() noexcept;

 private:
  const std::unique_ptr<Stream> data_;
  const TransportTraits traits_;
  std::atomic<bool> open_{true};
  std::atomic<bool> interrupted_{false};
};

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_SIMULATOR_H_
