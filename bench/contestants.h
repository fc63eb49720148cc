// The programs in this executable. Each has a swtpm of its own, behind the unix socket `path`.
#ifndef TPM2_BENCH_CONTESTANTS_H_
#define TPM2_BENCH_CONTESTANTS_H_

#include <string>

namespace tpm2::bench {

// F: recorded bytes over the bare socket.
int ServeFloor(const std::string& path);
// C: the library in C++, without Node.
int ServeCore(const std::string& path);
// The library's own time per command: it talks to answers that were recorded beforehand.
int ServeOwn(const std::string& path);

}  // namespace tpm2::bench

#endif  // TPM2_BENCH_CONTESTANTS_H_
