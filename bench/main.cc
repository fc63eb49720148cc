// tpm2_bench floor|core|own SOCKET: one contestant of `npm run bench` (docs/performance.md).
#include <iostream>
#include <string_view>

#include "contestants.h"
#include "tpm2/error.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: tpm2_bench floor|core|own SOCKET\n";
    return 2;
  }
  const std::string_view contestant = argv[1];
  try {
    if (contestant == "floor") return tpm2::bench::ServeFloor(argv[2]);
    if (contestant == "core") return tpm2::bench::ServeCore(argv[2]);
    if (contestant == "own") return tpm2::bench::ServeOwn(argv[2]);
  } catch (const tpm2::Error& error) {
    std::cout << "! " << error.message << std::endl;
    return 1;
  }
  std::cerr << "no such contestant: " << contestant << "\n";
  return 2;
}
