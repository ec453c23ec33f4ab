// The language as tables: what fires, and what is said about rules that are wrong.
#include "decision/rules.h"

#include <gtest/gtest.h>

#include "decision/decision_table.h"

namespace paywarden {
namespace {

void expect_rule(std::string rule, std::string_view table) {
  SCOPED_TRACE(rule);
  TestSchema schema;
  Policy policy = policy_with(schema, "rule it: review if " + rule, {.thresholds = {2, 2}});
  expect_decisions(schema, policy, table);
}

TEST(Rules, Numbers) {
  expect_rule("amount > 2000 and card_count_10m >= 5", R"(
    amount=2000.01 card_count_10m=5 -> review it
    amount=2000    card_count_10m=5 -> approve
    amount=2001    card_count_10m=4 -> approve
    amount=2001                     -> approve)");
  expect_rule("amount == 19.99", "amount=19.99 -> review it\namount=19.98 -> approve");
  expect_rule("amount != 5", "amount=5 -> approve\namount=0 -> review it");
  expect_rule("-account_age_days <= -30",
              "account_age_days=30 -> review it\naccount_age_days=29 -> approve");
  expect_rule("amount - tip * 2 + 1 < 10 / 4", R"(
    amount=10 tip=5 -> review it
    amount=10 tip=4 -> approve
    amount=10       -> approve)");
  expect_rule("amount / 2 / 5 == 1", "amount=10 -> review it\namount=100 -> approve");
  expect_rule("2 + 3 * 4 - (1 - 5) == amount", "amount=18 -> review it\namount=24 -> approve");
  expect_rule("ip_risk in (0.5, -1, 3)", R"(
    ip_risk=0.5 -> review it
    ip_risk=-1  -> review it
    ip_risk=1   -> approve
                -> approve)");
  expect_rule("ip_risk not in (1,2,3,4,5,6,7,8,9,10,11)", R"(
    ip_risk=11   -> approve
    ip_risk=0    -> review it
    ip_risk=11.5 -> review it
                 -> approve)");
}

TEST(Rules, MoneyIsInMajorUnitsOfItsCurrency) {
  expect_rule("amount >= 1000 and currency == \"JPY\"", R"(
    currency=JPY amount=1000 -> review it
    currency=JPY amount=999  -> approve
    currency=EUR amount=1000 -> approve)");
  expect_rule("amount_base > 8 and tip > 1.5", R"(
    currency=KWD amount=2 amount_base=8.01 tip=1.501 -> review it
    currency=KWD amount=9 amount_base=8.00 tip=1.501 -> approve
    currency=KWD amount=2 amount_base=8.01 tip=1.500 -> approve)");
}

TEST(Rules, FloatsCompareAsTheyAreWritten) {
  expect_rule("score >= 0.9", "score=0.9 -> review it\nscore=0.8999999 -> approve");
  expect_rule("0.1 == merchant_fraud_rate_30d", "merchant_fraud_rate_30d=0.1 -> review it");
  expect_rule("distance_km in (0.1, 0.7)",
              "distance_km=0.7 -> review it\ndistance_km=0.3 -> approve");
  expect_rule("card_amount_sum_24h < 1e300", "card_amount_sum_24h=3e38 -> review it");
}

TEST(Rules, Texts) {
  expect_rule("category in (\"travel\", \"gambling\") and not (country == \"PT\")", R"(
    category=travel   country=ES -> review it
    category=gambling            -> review it
    category=travel   country=PT -> approve
    category=grocery  country=ES -> approve
                      country=ES -> approve)");
  expect_rule("country != merchant_country", R"(
    country=PT merchant_country=ES -> review it
    country=PT merchant_country=PT -> approve
    country=PT                     -> approve
                                   -> approve)");
  expect_rule("merchant == \"Rock \\\"n\\\" Roll \\\\\"", R"(merchant=x -> approve)");
  expect_rule("country not in (\"PT\", \"ES\")", R"(
    country=FR -> review it
    country=ES -> approve
               -> approve)");
  expect_rule("device >= \"b\" and device < \"c\"", R"(
    device=b  -> review it
    device=bz -> review it
    device=a  -> approve
    device=c  -> approve
    device=Ä  -> approve
              -> approve)");
  expect_rule("\"PT\" == country or country == \"ES\" or country == \"\"", R"(
    country=PT -> review it
    country="" -> review it
               -> approve)");
  expect_rule("device in list(\"risky_devices\")", R"(
    device="emulator x86" -> review it
    device=D-1            -> approve
                          -> approve)");
  expect_rule("device not in list(\"risky_devices\")", R"(
    device=D-13 -> approve
    device=D-14 -> review it
                -> approve)");
}

TEST(Rules, Cards) {
  expect_rule("card in list(\"blocked\")", R"(
    card=00112233445566778899aabbccddeeff -> review it
    card=10112233445566778899aabbccddeeff -> approve)");
  expect_rule(
      "card == \"0a000000000000000000000000000000\" or card in "
      "(\"0b000000000000000000000000000000\")",
      R"(
    card=0a000000000000000000000000000000 -> review it
    card=0b000000000000000000000000000000 -> review it
    card=0c000000000000000000000000000000 -> approve)");
}

TEST(Rules, TimesAndDurations) {
  expect_rule("event_time - registered_at < 7d", R"(
    registered_at=2026-01-08T12:00:00.001Z -> review it
    registered_at=2026-01-08T12:00:00Z     -> approve
                                           -> approve)");
  expect_rule("event_time >= \"2026-01-15T12:00:00+01:00\" and event_time < \"2026-01-16\"", R"(
    event_time=2026-01-15T11:00:00Z     -> review it
    event_time=2026-01-15T23:59:59.999Z -> review it
    event_time=2026-01-16               -> approve
    event_time=2026-01-15T10:59:59Z     -> approve)");
  expect_rule(
      "registered_at + 1.5h == event_time or 500ms + registered_at == event_time or event_time - "
      "10m == registered_at",
      R"(
    registered_at=2026-01-15T10:30:00Z     -> review it
    registered_at=2026-01-15T11:59:59.500Z -> review it
    registered_at=2026-01-15T11:50:00Z     -> review it
    registered_at=2026-01-15T11:00:00Z     -> approve)");
  expect_rule("\"2026-01-20\" - event_time > 4d", "event_time=2026-01-15T12:00:00Z -> review it");
}

TEST(Rules, Booleans) {
  expect_rule("card_present",
              "card_present=true -> review it\ncard_present=false -> approve\n-> approve");
  expect_rule("not card_present",
              "card_present=true -> approve\ncard_present=false -> review it\n-> review it");
  expect_rule("card_present == false",
              "card_present=true -> approve\ncard_present=false -> review it\n-> approve");
  expect_rule("card_present != (amount > 10)", R"(
    card_present=true  amount=5  -> review it
    card_present=true  amount=15 -> approve
    card_present=false amount=15 -> review it
                       amount=15 -> approve)");
  expect_rule("true and not false", "amount=1 -> review it");
}

TEST(Rules, MissingValues) {
  struct Row {
    const char *condition, *without, *with_zero;
  };
  for (Row row :
       {Row{"ip_risk > 1", "approve", "approve"}, Row{"ip_risk <= 1", "approve", "review it"},
        Row{"ip_risk == ip_risk", "approve", "review it"},
        Row{"ip_risk != 1", "approve", "review it"},
        Row{"not (ip_risk > 1)", "review it", "review it"},
        Row{"not ip_risk != 1", "review it", "approve"},
        Row{"ip_risk not in (1)", "approve", "review it"},
        Row{"not ip_risk in (1)", "review it", "review it"},
        Row{"ip_risk is missing", "review it", "approve"},
        Row{"ip_risk is present", "approve", "review it"},
        Row{"not (ip_risk is missing)", "approve", "review it"},
        Row{"-ip_risk + 1 is missing", "review it", "approve"},
        Row{"1 / ip_risk is missing", "review it", "review it"},
        Row{"1 / ip_risk > 0", "approve", "approve"},
        Row{"ip_risk * 1e308 * 1e308 is missing", "review it", "approve"},
        Row{"(ip_risk > 1) is missing", "approve", "approve"},
        Row{"ip_risk > 1 or amount == 0", "review it", "review it"}})
    expect_rule(row.condition,
                std::string("-> ") + row.without + "\nip_risk=0 -> " + row.with_zero);
  expect_rule("device is missing", "-> review it\ndevice=\"\" -> approve");
  expect_rule("distance_km is present", "-> approve\ndistance_km=0 -> review it");
  expect_rule("card is present and amount is present", "-> review it");
  expect_rule("1e308 * amount * 10 is missing", "amount=2 -> review it\namount=0 -> approve");
}

TEST(Rules, AndBindsTighterThanOr) {
  expect_rule("amount == 1 or amount == 2 and card_present", R"(
    amount=1                   -> review it
    amount=2 card_present=true -> review it
    amount=2                   -> approve)");
  expect_rule("not amount == 1 and not amount == 2",
              "amount=1 -> approve\namount=2 -> approve\namount=3 -> review it");
}

TEST(Rules, SeverityAndAlways) {
  TestSchema schema;
  Policy policy = policy_with(schema, R"(
    # cards that we know
    rule vip: approve always if card in list("trusted")
    rule blocked: decline if card in list("blocked")
    review if amount > 100   # no name
    rule large: decline if amount > 1000)");
  expect_decisions(schema, policy, R"(
    amount=50   score=0.1 -> approve
    amount=50   score=0.5 -> review
    amount=50   score=0.9 -> decline
    amount=101  score=0.1 -> review line_5
    amount=101  score=0.9 -> decline line_5
    amount=1001 score=0.5 -> decline line_5, large
    amount=1001 score=0.9 card=ffeeddccbbaa99887766554433221100 -> approve vip, line_5, large
    card=00112233445566778899aabbccddeeff -> decline blocked)");
}

TEST(Rules, RulesMayStandAnyhow) {
  TestSchema schema;
  Policy policy = policy_with(
      schema,
      "review if amount>1\ndecline if\r\n\tamount\n> 2 # x\n  and true rule c:review if true");
  expect_decisions(schema, policy,
                   "amount=3 -> decline line_1, line_2, c\namount=2 -> review line_1, c");
}

// ---- What is said about wrong rules

std::string problems_of(std::string text, RuleLimits limits = {}) {
  TestSchema schema;
  Policy policy = policy_with(schema, "", {.rule_limits = limits});
  std::string said;
  for (const RuleProblem& problem : policy.problems_of({"f.rules", std::move(text)}))
    said += problem.text();
  return said;
}

TEST(RuleProblems, PointAtThePlace) {
  EXPECT_EQ(
      problems_of("rule a: review if amount > 5\n\trule b: decline if amonut > 2000 and true\n"),
      "f.rules:2:21: there is no field or feature 'amonut'; did you mean 'amount'?\n"
      "  \trule b: decline if amonut > 2000 and true\n"
      "  \t                   ^~~~~~\n");
  EXPECT_EQ(problems_of("review if merchant == \"Café\" and categorie == 5"),
            "f.rules:1:34: there is no field or feature 'categorie'; did you mean 'category'?\n"
            "  review if merchant == \"Café\" and categorie == 5\n"
            "                                   ^~~~~~~~~\n");
  EXPECT_EQ(problems_of("review if (amount > 5"),
            "f.rules:1:22: expected ')', found the end\n"
            "  review if (amount > 5\n"
            "                       ^\n");
}

TEST(RuleProblems, TellEachRulesFirstOne) {
  EXPECT_EQ(problems_of(
                "review if x > 1 and y > 1\nreview if amount > \"5\"\nreview if amount > 5\nfoo\n"),
            "f.rules:1:11: there is no field or feature 'x'; if it is a text, write \"x\"\n"
            "  review if x > 1 and y > 1\n"
            "            ^\n"
            "f.rules:2:11: 'amount' is a number and '\"5\"' is text: they do not compare; a number "
            "stands without quotes\n"
            "  review if amount > \"5\"\n"
            "            ^~~~~~~~~~~~\n"
            "f.rules:4:1: expected 'and', 'or' or another rule, found 'foo'\n"
            "  foo\n"
            "  ^~~\n");
}

TEST(RuleProblems, EachKind) {
  struct Row {
    const char *text, *line;
  };
  for (Row row : {
           Row{"amount > 5",
               "1:1: expected a rule, found 'amount'; a rule starts with 'rule NAME:', 'review "
               "if', 'decline if' or 'approve always if'"},
           Row{"approve if amount < 5",
               "1:1: 'approve if' would change nothing: what nothing stops is approved; write "
               "'approve always if' to override all other rules and the score"},
           Row{"decline always if true",
               "1:1: 'always' goes with 'approve' alone; leave it out: the most severe outcome "
               "wins"},
           Row{"review amount > 5", "1:8: expected 'if', found 'amount'"},
           Row{"review if", "1:10: expected a value, found the end"},
           Row{"review if amount > review if true",
               "1:20: expected a value, found 'review', which starts another rule"},
           Row{"rule Big: review if true",
               "1:6: expected a name for the rule, found 'Big'; use a-z, 0-9 and _, a letter "
               "first, at most 64, no word of the language"},
           Row{"rule big review if true",
               "1:10: expected ':' behind the rule's name, found 'review', which starts another "
               "rule"},
           Row{"rule big: amount > 5",
               "1:11: expected 'review', 'decline' or 'approve always', found 'amount'"},
           Row{"rule a: review if true\nrule a: review if true",
               "2:6: a rule 'a' stands on line 1 already; give each rule a name of its own"},
           Row{"review if amount = 5", "1:18: '=' is not part of the language; compare with '=='"},
           Row{"review if amount > 5 && true",
               "1:22: '&&' is not part of the language; write 'and'"},
           Row{"review if category == 'x'",
               "1:23: ''' is not part of the language; texts stand in double quotes"},
           Row{"review if category == \"x",
               "1:23: the text has no closing '\"' on its line; add it"},
           Row{"review if category == \"\\n\"",
               "1:24: a text has no such escape; a backslash is '\\\\', a quote '\\\"'"},
           Row{"review if amount > 5 AND true",
               "1:22: expected 'and', 'or' or another rule, found 'AND'; did you mean 'and'?"},
           Row{"review if amount > 10k",
               "1:20: 'k' is no unit; a duration is 500ms, 30s, 10m, 24h or 7d"},
           Row{"review if amount > 1e999", "1:20: the number is too large or too small"},
           Row{"review if amount > €5", "1:20: '€' is not part of the language"},
           Row{"review if 1 < amount < 5",
               "1:22: comparisons do not chain; join two of them with 'and'"},
           Row{"review if amount",
               "1:11: the condition is a number, not true or false; compare it with something"},
           Row{"review if not category",
               "1:15: 'and', 'or' and 'not' join conditions: 'category' is text; compare it with "
               "something"},
           Row{"review if category + 1 > 2", "1:11: arithmetic needs numbers: 'category' is text"},
           Row{"review if event_time * 2 > 2",
               "1:11: arithmetic needs numbers: 'event_time' is a time; with times: time - time "
               "(in seconds), time + seconds, time - seconds"},
           Row{"review if -category == 5", "1:12: '-' needs a number: 'category' is text"},
           Row{"review if category == travel",
               "1:23: there is no field or feature 'travel'; if it is a text, write \"travel\""},
           Row{"review if category == 5411",
               "1:11: 'category' is text and '5411' is a number: they do not compare; a text "
               "stands in double quotes"},
           Row{"review if card_present > false",
               "1:11: 'card_present' is true or false: it has no order; use '==' or '!='"},
           Row{"review if card < \"00112233445566778899aabbccddeeff\"",
               "1:11: 'card' is a card: it has no order; use '==' or '!='"},
           Row{"review if card == \"4111\"",
               "1:19: '\"4111\"' is not a card token; a token is 32 hex digits in lower case, as "
               "the decision page shows it"},
           Row{"review if card == device",
               "1:11: 'card' is a card and 'device' is text: they do not compare; a card compares "
               "with its token alone"},
           Row{"review if event_time > \"yesterday\"",
               "1:24: '\"yesterday\"' is not a time; write \"2026-01-31\" or "
               "\"2026-01-31T08:00:00Z\""},
           Row{"review if event_time > 5",
               "1:11: 'event_time' is a time and '5' is a number: they do not compare; write a "
               "time as \"2026-01-31T08:00:00Z\""},
           Row{"review if amount in (\"5\")",
               "1:22: 'amount' is a number, so the set cannot hold '\"5\"'; a number stands "
               "without quotes"},
           Row{"review if amount in (5, tip)",
               "1:25: expected a number or a text in double quotes, found 'tip'"},
           Row{"review if amount in 5", "1:21: expected '(' or 'list(' behind 'in', found '5'"},
           Row{"review if card_present in (1)",
               "1:11: 'in' looks for numbers, texts and cards: 'card_present' is true or false"},
           Row{"review if card in list(blocked)",
               "1:24: expected the list's name in double quotes, found 'blocked'"},
           Row{"review if card in list(\"blokced\")",
               "1:24: there is no list 'blokced'; did you mean 'blocked'?"},
           Row{"review if card in list(\"risky_devices\")",
               "1:24: the list 'risky_devices' holds entries that are no card tokens; look for "
               "another field in it"},
           Row{"review if amount in list(\"blocked\")",
               "1:11: a list holds texts or cards: 'amount' is a number; use a set: in (1, 2)"},
           Row{"review if list(\"blocked\") == card",
               "1:11: expected a value, found 'list'; a list stands behind 'in': card in "
               "list(\"blocked\")"},
           Row{"review if amount is not missing",
               "1:21: expected 'missing' or 'present' behind 'is', found 'not'; write 'is "
               "present'"},
           Row{"review if amount not > 5",
               "1:22: expected 'in' behind 'not', found '>'; 'not' stands before what it negates: "
               "not x > 1"},
           Row{"review if true == not true",
               "1:19: expected a value, found 'not'; put 'not' and what it negates into "
               "parentheses"},
           Row{"review if amount > 1 / 0",
               "1:20: '1 / 0' has no value (division by zero or overflow); a rule on it could "
               "never fire"},
           Row{"# fine\nreview if device == \"4111 1111-1111/1111\"",
               "2:22: this looks like a card number; rules hold card tokens, never card numbers"},
       }) {
    std::string said = problems_of(row.text);
    EXPECT_EQ(said.substr(0, said.find('\n')), std::string("f.rules:") + row.line) << row.text;
  }
}

TEST(RuleProblems, OneMistakeIsToldOnce) {
  for (const char* text :
       {"foo review if amount > 1", "review foo review if amount > 1\nreview if true"}) {
    std::string said = problems_of(text);
    EXPECT_EQ(std::count(said.begin(), said.end(), '^'), 1) << said;
  }
}

TEST(RuleProblems, ACardNumberIsNeverRepeated) {
  std::string said = problems_of("review if device == 4111111111111111");
  EXPECT_EQ(said.find("4111"), std::string::npos) << said;
}

TEST(RuleProblems, Limits) {
  auto first = [](std::string text, RuleLimits limits = {}) {
    std::string said = problems_of(std::move(text), limits);
    return said.substr(0, said.find('\n'));
  };
  auto repeated = [](std::string text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  EXPECT_EQ(first("review if " + repeated("(", 63) + "true" + repeated(")", 63)), "");
  EXPECT_EQ(first("review if " + repeated("(", 64) + "true" + repeated(")", 64)),
            "f.rules:1:75: the condition is nested more than 64 deep; make several rules of it");
  EXPECT_NE(first("review if " + repeated("not ", 64) + "true"), "");
  EXPECT_NE(first("review if " + repeated("-", 64) + "amount > 1"), "");
  EXPECT_NE(first("review if " + repeated("(", 100'000), {.rule_bytes_max = 1 << 20}), "");
  EXPECT_EQ(first("review if amount > 1" + repeated(" + tip", 61)), "");
  EXPECT_NE(first("review if amount > 1" + repeated(" + tip", 64)), "");
  EXPECT_EQ(first("review if true" + repeated(" or true", 2000)), "") << "chains are not deep";
  EXPECT_EQ(first("review if true" + repeated(" or true", 3000)),
            "f.rules:1:1: the rule has more than 16384 bytes; make a list of its constants, or "
            "several rules of it");
  EXPECT_EQ(first(repeated("review if true\n", 1000)), "");
  EXPECT_EQ(first(repeated("review if true\n", 1001)),
            "f.rules:1001:1: more than 1000 rules; join rules with 'or', or use lists");
  EXPECT_EQ(first("review if amount in (1" + repeated(",1", 999) + ")"), "");
  EXPECT_EQ(first("review if amount in (1" + repeated(",1", 1000) + ")"),
            "f.rules:1:2022: the set has more than 1000 entries; make a list of it");
  EXPECT_EQ(first(repeated(" ", 2 << 20)),
            "f.rules: the rules have more than 1048576 bytes; move constants into lists");
  std::string many = problems_of(repeated("review if x\n", 100));
  EXPECT_EQ(std::count(many.begin(), many.end(), '^'), 20);
}

TEST(RuleProblems, OneLineForTheOperator) {
  TestSchema schema;
  Policy policy = policy_with(schema, "");
  Status done =
      policy.apply(change_of(ChangeKind::rules, "f.rules", "review if x > 1\nreview if y > 1"));
  ASSERT_FALSE(done);
  EXPECT_EQ(
      done.error().line(),
      "f.rules:1:11: there is no field or feature 'x' (and 1 more); if it is a text, write \"x\"");
}

}  // namespace
}  // namespace paywarden
