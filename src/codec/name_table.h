// A table from numbers to names, searched by bisection.
#ifndef TPM2_CODEC_NAME_TABLE_H_
#define TPM2_CODEC_NAME_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace tpm2 {

template <typename Key>
struct NameRow {
  Key key;
  std::string_view name;
};

template <typename Key>
constexpr bool IsAscending(std::span<const NameRow<Key>> rows) {
  for (size_t i = 1; i < rows.size(); ++i) {
    if (!(rows[i - 1].key < rows[i].key)) return false;
  }
  return true;
}

// Empty when no row has the key.
template <typename Key>
constexpr std::string_view FindName(std::span<const NameRow<Key>> rows, Key key) {
  const auto row = std::lower_bound(rows.begin(), rows.end(), key,
                                    [](const NameRow<Key>& r, Key k) { return r.key < k; });
  return row != rows.end() && row->key == key ? row->name : std::string_view();
}

}  // namespace tpm2

#endif  // TPM2_CODEC_NAME_TABLE_H_
