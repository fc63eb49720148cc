// Byte strings: plain, viewed, and secret (wiped when they die).
#ifndef TPM2_BYTES_H_
#define TPM2_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace tpm2 {

using Buffer = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// Overwrites memory in a way that the optimiser must not drop.
inline void SecureWipe(void* data, size_t size) noexcept {
  if (size == 0) return;
  std::memset(data, 0, size);
  __asm__ __volatile__("" : : "r"(data) : "memory");
}

// Wipes every block before it goes back to the heap, including the blocks that a growing
// vector leaves behind.
template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* block, size_t count) noexcept {
    SecureWipe(block, count * sizeof(T));
    std::allocator<T>().deallocate(block, count);
  }
  template <typename U>
  bool operator==(const WipingAllocator<U>&) const noexcept {
    return true;
  }
};

// Auth values, session keys, sealed data, seeds.
using SecretBytes = std::vector<uint8_t, WipingAllocator<uint8_t>>;

inline Buffer ToBuffer(ByteView view) { return Buffer(view.begin(), view.end()); }
inline SecretBytes ToSecret(ByteView view) { return SecretBytes(view.begin(), view.end()); }

}  // namespace tpm2

#endif  // TPM2_BYTES_H_
