// docs/rules.md stays true: its rules are compiled, and its payments decided.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "decision/decision_table.h"

namespace paywarden {
namespace {

struct Block {
  std::string kind;  // behind the opening fence
  std::string text;
};

std::string read_doc() {
  std::ifstream file("docs/rules.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Block> code_blocks(const std::string& doc) {
  std::vector<Block> blocks;
  for (size_t at = doc.find("```"); at != std::string::npos;) {
    size_t line_end = doc.find('\n', at), end = doc.find("\n```", line_end);
    blocks.push_back(
        {doc.substr(at + 3, line_end - at - 3), doc.substr(line_end + 1, end - line_end)});
    at = doc.find("```", end + 4);
  }
  return blocks;
}

TEST(RulesDoc, ExamplesAreTrue) {
  TestSchema schema;
  Policy policy = policy_with(schema, "");
  int rules = 0, tables = 0;
  for (const Block& block : code_blocks(read_doc())) {
    SCOPED_TRACE(block.text);
    if (block.kind == "rules") {
      must_apply(policy, ChangeKind::rules, "docs/rules.md", block.text);
      ++rules;
    } else if (block.kind == "decisions") {
      expect_decisions(schema, policy, block.text);
      ++tables;
    }
  }
  EXPECT_GE(rules, 4);
  EXPECT_EQ(tables, rules) << "each block of rules has its decisions";
}

TEST(RulesDoc, TheMissingValuesTableIsTrue) {
  std::string doc = read_doc();
  TestSchema schema;
  int rows = 0;
  for (size_t at = doc.find("\n| `", doc.find("`x` is missing |"));
       at != std::string::npos && doc[at] == '\n'; at = doc.find('\n', at + 1)) {
    std::string row = doc.substr(at + 1, doc.find('\n', at + 1) - at - 1);
    if (row.empty()) break;
    std::string condition = row.substr(3, row.find("` |") - 3), cells = row.substr(row.find("` |"));
    for (size_t x = condition.find('x'); x != std::string::npos; x = condition.find('x', x + 7))
      condition.replace(x, 1, "ip_risk");
    Policy policy = policy_with(schema, "rule it: review if " + condition);
    std::string found;
    for (const char* payment : {"ip_risk=3", "ip_risk=7", ""}) {
      Decision decision;
      (void)policy.decide(decision_table::payment_of(schema, payment).input(), decision);
      found += decision.outcome == Outcome::review ? "true " : "false ";
    }
    std::string told;
    for (size_t i = 0; i < cells.size(); ++i)
      if (cells[i] == 't' || cells[i] == 'f') told += cells[i] == 't' ? "true " : "false ", i += 4;
    EXPECT_EQ(found, told) << row;
    ++rows;
  }
  EXPECT_EQ(rows, 8);
}

TEST(RulesDoc, LimitsAreTheDefaults) {
  std::string doc = read_doc();
  RuleLimits rules;
  ListLimits lists;
  auto says = [&doc](const std::string& row) { return doc.find(row) != std::string::npos; };
  EXPECT_TRUE(says("| rules | 1,000 |") && rules.rules_max == 1000);
  EXPECT_TRUE(says("| text of all rules | 1 MiB |") && rules.text_bytes_max == 1 << 20);
  EXPECT_TRUE(says("| one rule | 16 KiB |") && rules.rule_bytes_max == 16 << 10);
  EXPECT_TRUE(says("operators | 64 (") && rules.depth_max == 64);
  EXPECT_TRUE(says("`in (...)` | 1,000 |") && rules.set_entries_max == 1000);
  EXPECT_TRUE(says("| lists | 256 |") && lists.lists_max == 256);
  EXPECT_TRUE(says("| 1,000,000, 64 MiB |") && lists.entries_max == 1'000'000 &&
              lists.bytes_max == 64 << 20);
  EXPECT_TRUE(says("| one entry | 256 bytes |") && lists.entry_bytes_max == 256);
}

TEST(RulesDoc, TheWrongRuleIsToldAsWritten) {
  TestSchema schema;
  Policy policy = policy_with(schema, "");
  RuleProblems problems =
      policy.problems_of({"fraud.rules", "\nrule big: decline if amonut > 2000"});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(read_doc().find(problems[0].text()), std::string::npos) << problems[0].text();
}

}  // namespace
}  // namespace paywarden
