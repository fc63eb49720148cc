#include "turns.h"

#include <iostream>
#include <sstream>
#include <vector>

#include "tpm2/error.h"

namespace tpm2::bench {

int ServeTurns(const Operations& operations) {
  std::cout << "ready" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream fields(line);
    std::string name;
    size_t warm_ups = 0;
    size_t count = 0;
    fields >> name >> warm_ups >> count;
    auto found = operations.find(name);
    if (!fields || found == operations.end()) {
      std::cout << "! no such operation: " << line << std::endl;
      continue;
    }
    try {
      Operation operation = found->second();
      for (size_t i = 0; i < warm_ups; ++i) operation();
      std::vector<uint64_t> durations(count);
      for (uint64_t& duration : durations) duration = operation();
      for (size_t i = 0; i < count; ++i) std::cout << (i == 0 ? "" : " ") << durations[i];
      std::cout << std::endl;
    } catch (const Error& error) {
      std::cout << "! " << error.message << std::endl;
    }
  }
  return 0;
}

}  // namespace tpm2::bench
