// Bytes to a TPM and back. Nothing here knows what the bytes mean beyond the ten-byte header.
#ifndef TPM2_TRANSPORT_H_
#define TPM2_TRANSPORT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tpm2/bytes.h"

namespace tpm2 {

// What the layers above have to know about the way to the TPM.
struct TransportTraits {
  std::string description;        // the tcti string that was opened, e.g. "device:/dev/tpmrm0"
  bool resource_managed = false;  // objects are private to this transport and vanish when it closes
  bool swaps_every_command =
      false;            // /dev/tpmrm0: what is held costs a save and a load per command
  std::string warning;  // shown by info(), e.g. that /dev/tpm0 was taken for want of tpmrm0
};

// One way to one TPM. Transceive() is called by one thread at a time (the connection's own);
// Cancel() and Interrupt() come from any thread at any time while the object lives.
class Transport {
 public:
  virtual ~Transport() = default;

  // Sends one whole command and returns its whole response (at least the ten-byte header, exactly
  // the size that the header says, at most 4096 bytes; anything else is TRANSPORT_ERROR). Throws
  // tpm2::Error: INVALID_ARGUMENT, before anything is sent, if `command` is not one whole command;
  // CLOSED once interrupted; TRANSPORT_ERROR. After a throw the transport may be unusable; IsOpen()
  // tells.
  virtual Buffer Transceive(ByteView command) = 0;

  // False once the peer is gone or the stream is out of step: open a new transport then.
  virtual bool IsOpen() const = 0;

  // Asks the TPM to give up the command under way. Best effort; false where there is no way to ask.
  virtual bool Cancel() noexcept { return false; }

  // Makes a Transceive() that waits for an answer fail with CLOSED, now and from now on.
  virtual void Interrupt() noexcept = 0;

  virtual const TransportTraits& traits() const = 0;

  // True once it has had to begin anew with its peer, for the sake of the command under way. What
  // was loaded before is gone, and its handles may be another's by now: open a new transport soon.
  virtual bool renewed() const { return false; }
};

// A parsed tcti string: "swtpm:host=127.0.0.1,port=2321" is {"swtpm", {{"host",..},{"port",..}}}.
// For "device" and "module" the rest of the string is kept whole in `path` / `config`.
struct Tcti {
  std::string name;  // "device", "swtpm", "mssim", "tbs", "tabrmd", "module"
  std::string path;  // device: file; module: library
  std::map<std::string, std::string> options;  // swtpm, mssim: either path, or host and port
  std::string config;                          // module, tabrmd: passed through
  std::string text;                            // as given
};

// Throws INVALID_ARGUMENT that names what is wrong with the string. Understands the bare names of
// tpm2-tools ("device", "tabrmd", a library's file name); bare "device" has an empty path and means
// the platform's own TPM. A simulator's host and port are filled in (localhost, 2321), and the
// brackets of an IPv6 host are taken off.
Tcti ParseTcti(std::string_view text);

// The same string for every spelling of one TPM: "swtpm" is "swtpm:host=localhost,port=2321".
std::string CanonicalTcti(const Tcti& tcti);

// The platform's own TPM when `tcti` is empty: Linux /dev/tpmrm0, then /dev/tpm0 with a warning;
// Windows TBS; elsewhere TPM_UNAVAILABLE. Throws TPM_UNAVAILABLE, ACCESS_DENIED, TRANSPORT_ERROR,
// NOT_SUPPORTED or INVALID_ARGUMENT, each with a remedy. Waits at most `connect_timeout` to
// connect.
std::unique_ptr<Transport> OpenTransport(
    std::string_view tcti, std::chrono::milliseconds connect_timeout = std::chrono::seconds(5));

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_H_
