#include "rpc.h"

#include <cstdlib>
#include <cstring>

namespace tpm2_double {
namespace {

constexpr std::uint32_t kNull = 0xffffffff;
constexpr std::uint32_t kMaxFrame = 4 * 1024 * 1024;

void PutU32(Bytes* out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out->push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t LittleEndian(const Value& value, std::size_t width) {
  std::uint64_t result = 0;
  if (!value || value->size() < width) return 0;
  for (std::size_t i = width; i > 0; --i) result = result << 8 | (*value)[i - 1];
  return result;
}

Value Number(std::uint64_t value, std::size_t width) {
  Bytes bytes(width);
  for (std::size_t i = 0; i < width; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return bytes;
}

Value Copy(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  const auto* begin = static_cast<const std::uint8_t*>(data);
  return Bytes(begin, begin + size);
}

void PutValues(Bytes* out, const std::vector<Value>& values) {
  out->push_back(static_cast<std::uint8_t>(values.size()));
  for (const Value& value : values) {
    PutU32(out, value ? static_cast<std::uint32_t>(value->size()) : kNull);
    if (value) out->insert(out->end(), value->begin(), value->end());
  }
}

// A cursor over one frame that remembers whether it ran off the end.
struct Cursor {
  const Bytes& frame;
  std::size_t at = 0;
  bool ok = true;

  Bytes Take(std::size_t size) {
    if (!ok || frame.size() - at < size) {
      ok = false;
      return {};
    }
    Bytes taken(frame.begin() + at, frame.begin() + at + size);
    at += size;
    return taken;
  }
  std::uint32_t U32() { return static_cast<std::uint32_t>(LittleEndian(Take(4), 4)); }
  std::uint8_t U8() {
    Bytes one = Take(1);
    return ok ? one[0] : 0;
  }
  std::vector<Value> Values() {
    std::vector<Value> values;
    for (int left = U8(); ok && left > 0; --left) {
      std::uint32_t size = U32();
      values.push_back(size == kNull ? Value() : Value(Take(size)));
    }
    return values;
  }
};

bool SendAll(SOCKET socket, const Bytes& body) {
  Bytes frame;
  PutU32(&frame, static_cast<std::uint32_t>(body.size()));
  frame.insert(frame.end(), body.begin(), body.end());
  for (std::size_t sent = 0; sent < frame.size();) {
    int n = send(socket, reinterpret_cast<const char*>(frame.data()) + sent,
                 static_cast<int>(frame.size() - sent), 0);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool ReceiveExactly(SOCKET socket, Bytes* out, std::size_t size) {
  out->resize(size);
  for (std::size_t got = 0; got < size;) {
    int n =
        recv(socket, reinterpret_cast<char*>(out->data()) + got, static_cast<int>(size - got), 0);
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

bool ReceiveFrame(SOCKET socket, Bytes* frame) {
  Bytes prefix;
  if (!ReceiveExactly(socket, &prefix, 4)) return false;
  auto size = static_cast<std::uint32_t>(LittleEndian(prefix, 4));
  return size <= kMaxFrame && ReceiveExactly(socket, frame, size);
}

std::string Environment(const char* name) {
  char text[64];
  DWORD size = GetEnvironmentVariableA(name, text, sizeof text);
  return size > 0 && size < sizeof text ? std::string(text, size) : std::string();
}

// Idle connections to the broker. Never torn down: DllMain must not close sockets, and the end of
// the process does.
struct Pool {
  SRWLOCK lock = SRWLOCK_INIT;
  std::vector<SOCKET> idle;
};
Pool& ThePool() {
  static auto* pool = new Pool;
  return *pool;
}

SOCKET TakeConnection(const char* library) {
  Pool& pool = ThePool();
  AcquireSRWLockExclusive(&pool.lock);
  SOCKET socket = INVALID_SOCKET;
  if (!pool.idle.empty()) {
    socket = pool.idle.back();
    pool.idle.pop_back();
  }
  ReleaseSRWLockExclusive(&pool.lock);
  if (socket != INVALID_SOCKET) return socket;

  int port = std::atoi(Environment("NODE_TPM2_TEST_BROKER").c_str());
  if (port <= 0 || port > 65535) return INVALID_SOCKET;
  socket = Connect(static_cast<std::uint16_t>(port));
  if (socket == INVALID_SOCKET) return INVALID_SOCKET;
  Request hello{"hello", {}};
  hello.AddU32(GetCurrentProcessId()).AddBytes(library, std::strlen(library));
  Reply welcome;
  if (Write(socket, hello) && Read(socket, &welcome) && welcome.status == 0) return socket;
  closesocket(socket);
  return INVALID_SOCKET;
}

void GiveBack(SOCKET socket) {
  Pool& pool = ThePool();
  AcquireSRWLockExclusive(&pool.lock);
  pool.idle.push_back(socket);
  ReleaseSRWLockExclusive(&pool.lock);
}

}  // namespace

Request& Request::AddU32(std::uint32_t value) {
  arguments.push_back(Number(value, 4));
  return *this;
}
Request& Request::AddU64(std::uint64_t value) {
  arguments.push_back(Number(value, 8));
  return *this;
}
Request& Request::AddBytes(const void* data, std::size_t size) {
  arguments.push_back(Copy(data, size));
  return *this;
}
Request& Request::AddText(const wchar_t* text) {
  return AddBytes(text, text == nullptr ? 0 : std::wcslen(text) * sizeof(wchar_t));
}
std::uint32_t Request::U32(std::size_t index) const {
  return index < arguments.size() ? static_cast<std::uint32_t>(LittleEndian(arguments[index], 4))
                                  : 0;
}
std::uint64_t Request::U64(std::size_t index) const {
  return index < arguments.size() ? LittleEndian(arguments[index], 8) : 0;
}
Bytes Request::Data(std::size_t index) const { return IsNull(index) ? Bytes() : *arguments[index]; }
bool Request::IsNull(std::size_t index) const {
  return index >= arguments.size() || !arguments[index];
}
std::wstring Request::Text(std::size_t index) const {
  Bytes bytes = Data(index);
  std::wstring text(bytes.size() / sizeof(wchar_t), L'\0');
  std::memcpy(text.data(), bytes.data(), text.size() * sizeof(wchar_t));
  return text;
}

Reply& Reply::AddU32(std::uint32_t value) {
  values.push_back(Number(value, 4));
  return *this;
}
Reply& Reply::AddU64(std::uint64_t value) {
  values.push_back(Number(value, 8));
  return *this;
}
Reply& Reply::AddBytes(const void* data, std::size_t size) {
  values.push_back(Copy(data, size));
  return *this;
}
std::uint32_t Reply::U32(std::size_t index) const {
  return index < values.size() ? static_cast<std::uint32_t>(LittleEndian(values[index], 4)) : 0;
}
std::uint64_t Reply::U64(std::size_t index) const {
  return index < values.size() ? LittleEndian(values[index], 8) : 0;
}
const Bytes& Reply::Data(std::size_t index) const {
  static const Bytes kEmpty;
  return index < values.size() && values[index] ? *values[index] : kEmpty;
}

SOCKET Connect(std::uint16_t port) {
  WSADATA data;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return INVALID_SOCKET;
  SOCKET connection = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (connection == INVALID_SOCKET) return INVALID_SOCKET;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    closesocket(connection);
    return INVALID_SOCKET;
  }
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof on);
  return connection;
}

bool Write(SOCKET socket, const Request& request) {
  Bytes body;
  body.push_back(static_cast<std::uint8_t>(request.function.size()));
  body.insert(body.end(), request.function.begin(), request.function.end());
  PutValues(&body, request.arguments);
  return SendAll(socket, body);
}

bool Write(SOCKET socket, const Reply& reply) {
  Bytes body;
  PutU32(&body, reply.status);
  PutValues(&body, reply.values);
  return SendAll(socket, body);
}

bool Read(SOCKET socket, Request* request) {
  Bytes frame;
  if (!ReceiveFrame(socket, &frame)) return false;
  Cursor cursor{frame};
  Bytes name = cursor.Take(cursor.U8());
  request->function.assign(name.begin(), name.end());
  request->arguments = cursor.Values();
  return cursor.ok;
}

bool Read(SOCKET socket, Reply* reply) {
  Bytes frame;
  if (!ReceiveFrame(socket, &frame)) return false;
  Cursor cursor{frame};
  reply->status = cursor.U32();
  reply->values = cursor.Values();
  return cursor.ok;
}

std::optional<Reply> CallBroker(const char* library, Request request) {
  SOCKET socket = TakeConnection(library);
  if (socket == INVALID_SOCKET) return std::nullopt;
  std::string elevated = Environment("NODE_TPM2_TEST_ELEVATED");
  request.arguments.insert(request.arguments.begin(), Copy(elevated.data(), elevated.size()));
  Reply reply;
  if (!Write(socket, request) || !Read(socket, &reply)) {
    closesocket(socket);
    return std::nullopt;
  }
  GiveBack(socket);
  return reply;
}

}  // namespace tpm2_double
