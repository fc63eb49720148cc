// Strings that name a TPM, as tpm2-tools users know them: NAME, NAME:CONF or LIBRARY:CONF.
#include <charconv>
#include <optional>

#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2 {
namespace {

constexpr size_t kMaxSocketPath = 107;  // Linux: sun_path has 108 bytes with the closing NUL
constexpr std::string_view kControlSuffix = ".ctrl";

constexpr std::string_view kNamesHint =
    "Use device:/dev/tpmrm0, swtpm:host=HOST,port=PORT, swtpm:path=SOCKET, "
    "mssim:host=HOST,port=PORT, tabrmd:bus_type=system, tbs: or "
    "module:libtss2-tcti-NAME.so.0:CONF";

// For messages: short, and without characters that could garble a terminal.
std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string quoted = "'";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    quoted += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return quoted + (text.size() > kLongest ? "...'" : "'");
}

[[noreturn]] void Reject(std::string what, std::string_view hint = kNamesHint) {
  throw Error(ErrorCode::kInvalidArgument, std::move(what), std::string(hint));
}

// 1 to 65535 in decimal digits and nothing else.
std::optional<unsigned> ParsePort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (port < 1 || port > 65535) return {};
  return port;
}

// "::1" from "[::1]".
std::string_view WithoutBrackets(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

void CheckSocketPath(const Tcti& tcti, std::string_view path) {
  // mssim cannot do without its second socket, swtpm can.
  const size_t longest = kMaxSocketPath - (tcti.name == "mssim" ? kControlSuffix.size() : 0);
  if (path.size() > longest) {
    Reject("The socket path of tcti " + Quoted(tcti.text) + " has " + std::to_string(path.size()) +
               " bytes, more than the " + std::to_string(longest) + " that a socket can have",
           "Use a shorter path, for instance one under /run or /tmp");
  }
}

void CheckPort(const Tcti& tcti, std::string_view text) {
  const std::optional<unsigned> port = ParsePort(text);
  if (!port) {
    Reject("The port " + Quoted(text) + " of tcti " + Quoted(tcti.text) +
               " is not a number from 1 to 65535",
           "The usual port of a TPM simulator is 2321");
  }
  if (tcti.name == "mssim" && *port == 65535) {
    Reject("mssim: needs the port after " + Quoted(text) + " too, which is beyond 65535",
           "The usual port of a TPM simulator is 2321");
  }
}

// "key=value,key=value" with the keys host, port and path.
void ParseSimulatorOptions(std::string_view rest, Tcti& tcti) {
  const std::string hint =
      "Write " + tcti.name + ":host=HOST,port=PORT or " + tcti.name + ":path=SOCKET";
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view option = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const bool dangling = comma != std::string_view::npos && rest.empty();
    if (option.empty() || dangling) {
      Reject("Tcti " + Quoted(tcti.text) + " has an empty option (a comma too many)", hint);
    }
    const size_t equals = option.find('=');
    const std::string key(option.substr(0, equals));
    if (key != "host" && key != "port" && key != "path") {
      Reject("Tcti " + Quoted(tcti.text) + " has the unknown option " + Quoted(key) +
                 "; known are host, port and path",
             hint);
    }
    std::string_view value =
        equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    if (key == "host") value = WithoutBrackets(value);
    if (value.empty()) {
      Reject("The option " + Quoted(key) + " of tcti " + Quoted(tcti.text) + " has no value", hint);
    }
    if (key == "port") CheckPort(tcti, value);
    if (key == "path") CheckSocketPath(tcti, value);
    if (!tcti.options.emplace(key, value).second) {
      Reject("Tcti " + Quoted(tcti.text) + " gives the option " + Quoted(key) + " twice", hint);
    }
  }
  if (tcti.options.contains("path")) {
    if (tcti.options.size() > 1) {
      Reject("Tcti " + Quoted(tcti.text) + " gives both a path and a host or port", hint);
    }
    return;
  }
  tcti.options.emplace("host", "localhost");
  tcti.options.emplace("port", "2321");
  // "02321" is the same port.
  std::string& port = tcti.options["port"];
  port = std::to_string(*ParsePort(port));
}

// A file name such as "libtss2-tcti-swtpm.so.0", with or without folders; not "/run/tpm.sock".
bool LooksLikeLibrary(std::string_view name) {
  if (name.starts_with("libtss2-tcti-")) return true;
  const size_t at = name.find(".so");
  return at != std::string_view::npos && (name.size() == at + 3 || name[at + 3] == '.');
}

void ParseModule(std::string_view rest, Tcti& tcti) {
  const size_t colon = rest.find(':');
  tcti.name = "module";
  tcti.path = rest.substr(0, colon);
  if (colon != std::string_view::npos) tcti.config = rest.substr(colon + 1);
  if (tcti.path.empty()) {
    Reject("Tcti " + Quoted(tcti.text) + " names no library",
           "Write module:libtss2-tcti-NAME.so.0:CONF");
  }
}

[[noreturn]] void RejectName(std::string_view text, std::string_view name) {
  if (name.empty()) Reject("Tcti " + Quoted(text) + " has no name before the colon");
  if (name.front() == '/') {
    Reject("Tcti " + Quoted(text) + " is a path without the name of a transport",
           "Write device:PATH for a TPM device, swtpm:path=PATH for the socket of swtpm");
  }
  Reject("Tcti " + Quoted(text) + " has the unknown name " + Quoted(name) +
         "; known are device, swtpm, mssim, tabrmd, tbs and module");
}

}  // namespace

Tcti ParseTcti(std::string_view text) {
  if (text.empty()) Reject("The tcti string is empty");
  if (text.find('\0') != std::string_view::npos) {
    Reject("Tcti " + Quoted(text) + " contains a NUL byte");
  }
  Tcti tcti;
  tcti.text = text;
  const size_t colon = text.find(':');
  const bool bare = colon == std::string_view::npos;
  const std::string_view name = text.substr(0, colon);
  const std::string_view rest = bare ? std::string_view() : text.substr(colon + 1);
  tcti.name = name;

  if (name == "device") {
    if (!bare && rest.empty()) {
      Reject("Tcti " + Quoted(text) + " names no device file",
             "Write device:/dev/tpmrm0, or device alone for the platform's own TPM");
    }
    tcti.path = rest;
  } else if (name == "swtpm" || name == "mssim") {
    ParseSimulatorOptions(rest, tcti);
  } else if (name == "tabrmd") {
    tcti.config = rest;
  } else if (name == "tbs") {
    if (!rest.empty()) Reject("tbs: takes no options, but the tcti is " + Quoted(text));
  } else if (name == "module") {
    ParseModule(rest, tcti);
  } else if (LooksLikeLibrary(name)) {
    ParseModule(text, tcti);
  } else {
    RejectName(text, name);
  }
  return tcti;
}

std::string CanonicalTcti(const Tcti& tcti) {
  std::string text = tcti.name;
  if (tcti.name == "device") return tcti.path.empty() ? text : text + ":" + tcti.path;
  if (tcti.name == "module") return text + ":" + tcti.path + ":" + tcti.config;
  text += ":" + tcti.config;
  const char* separator = "";
  for (const auto& [key, value] : tcti.options) {
    text.append(separator).append(key).append("=").append(value);
    separator = ",";
  }
  return text;
}

}  // namespace tpm2
