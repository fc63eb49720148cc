// The list of findings about one signed statement.
#ifndef TPM2_SRC_VERIFIER_CHECKS_H_
#define TPM2_SRC_VERIFIER_CHECKS_H_

#include <string>
#include <vector>

#include "tpm2/operations/verify.h"

namespace tpm2::verifier {

class Checks {
 public:
  // `reason` is for people; a failed check always has one.
  void Add(const char* name, bool ok, std::string reason = {}) {
    passed_ = passed_ && ok;
    op::CheckRecord& check = list_.emplace_back();
    check.name = name;
    check.ok = ok;
    if (!reason.empty()) check.reason = std::move(reason);
  }
  // Passed when there is nothing to complain about.
  void Complaint(const char* name, std::string complaint) {
    bool ok = complaint.empty();
    Add(name, ok, std::move(complaint));
  }
  void NotChecked(const char* name) {
    op::CheckRecord& check = list_.emplace_back();
    check.name = name;
    check.reason = "not checked";
  }

  // No check failed. Checks that must have been made are added with a verdict, never NotChecked().
  bool passed() const { return passed_ && !list_.empty(); }
  std::vector<op::CheckRecord> Take() { return std::move(list_); }

 private:
  std::vector<op::CheckRecord> list_;
  bool passed_ = true;
};

}  // namespace tpm2::verifier

#endif  // TPM2_SRC_VERIFIER_CHECKS_H_
