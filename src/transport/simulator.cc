#include "transport/simulator.h"

#include <charconv>

#include "tpm2/error.h"
#include "transport/framing.h"

namespace tpm2 {

SimulatorEndpoints EndpointsOf(const Tcti& tcti) {
  SimulatorEndpoints ends;
  if (const auto path = tcti.options.find("path"); path != tcti.options.end()) {
    ends.command.path = path->second;
    ends.control = Endpoint{.path = path->second + ".ctrl"};
    return ends;
  }
  const std::string& port = tcti.options.at("port");  // ParseTcti has checked and defaulted it
  ends.command.host = tcti.options.at("host");
  std::from_chars(port.data(), port.data() + port.size(), ends.command.port);
  if (ends.command.port < 65535) {
    ends.control =
        Endpoint{.host = ends.command.host, .port = static_cast<uint16_t>(ends.command.port + 1)};
  }
  return ends;
}

SimulatorTransport::SimulatorTransport(std::unique_ptr<Stream> data, std::string description)
    : data_(std::move(data)), traits_{.description = std::move(description)} {}

Buffer SimulatorTransport::Transceive(ByteView command) {
  CheckCommand(command);
  if (interrupted_.load(std::memory_order_acquire)) {
    throw Error(ErrorCode::kClosed, "The connection to the TPM was closed");
  }
  if (!IsOpen()) {
    throw Error(ErrorCode::kTransportError, "The connection to the TPM is broken",
                "Open the TPM again");
  }
  // A peer that has gone, or bytes that nobody asked for, are found before the command is sent:
  // then it is certain that it did not run.
  switch (data_->Peek()) {
    case Stream::Pending::kNothing:
      break;
    case Stream::Pending::kBytes:
      Close();
      ThrowOutOfStep(1);
    case Stream::Pending::kEnd:
      Close();
      throw Error(ErrorCode::kTransportError,
                  "The TPM simulator has closed the connection; the command was not sent",
                  "Check that the simulator still runs, then open the TPM again");
  }

  CommandStarts();
  struct AtEnd {
    SimulatorTransport* transport;
    bool answered = false;
    ~AtEnd() {
      transport->CommandEnded(answered);
      if (!answered) transport->Close();
    }
  } at_end{this};
  Buffer response = Exchange(command);
  at_end.answered = true;
  return response;
}

void SimulatorTransport::Interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  open_.store(false, std::memory_order_release);
  data_->Interrupt();
}

void SimulatorTransport::Close() noexcept {
  open_.store(false, std::memory_order_release);
  data_->Shutdown();
}

}  // namespace tpm2
