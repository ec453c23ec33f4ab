// Random and mutated rules texts, lists and states: the compiler, the machine and the decoders may
// refuse, never fail. Seeded, about two seconds; PAYWARDEN_FUZZ_SEED starts elsewhere. A failure
// aborts and prints its seed.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "decision/card_numbers.h"
#include "decision/policy.h"

namespace {

using namespace paywarden;

constexpr std::chrono::milliseconds kRunTime{2000};

const std::vector<std::string> kPieces = {"rule",
                                          "a",
                                          "b1",
                                          ":",
                                          "approve",
                                          "review",
                                          "decline",
                                          "always",
                                          "if",
                                          "and",
                                          "or",
                                          "not",
                                          "in",
                                          "is",
                                          "missing",
                                          "present",
                                          "true",
                                          "false",
                                          "list(\"l\")",
                                          "list(",
                                          "(",
                                          ")",
                                          ",",
                                          "==",
                                          "!=",
                                          "<",
                                          "<=",
                                          ">",
                                          ">=",
                                          "+",
                                          "-",
                                          "*",
                                          "/",
                                          "1",
                                          "0",
                                          "2.5",
                                          "10m",
                                          "1e308",
                                          "\"text\"",
                                          "\"2026-01-01\"",
                                          "\"",
                                          "\\",
                                          "#",
                                          "\n",
                                          "\t",
                                          "amount",
                                          "amount_base",
                                          "score",
                                          "card",
                                          "currency",
                                          "merchant",
                                          "event_time",
                                          "latitude",
                                          "f1",
                                          "f2",
                                          "flag",
                                          "when",
                                          "amonut",
                                          "\xc3\xa9",
                                          "\xff",
                                          "'",
                                          "=",
                                          "&&",
                                          "4111111111111111",
                                          "\"00112233445566778899aabbccddeeff\""};

const std::string kGood =
    "rule a: decline if amount > 2000 and f1 >= 5\nreview if merchant in (\"x\", \"y\") and not "
    "(currency == \"EUR\")\n"
    "approve always if card in list(\"l\") or flag\nreview if event_time - when < 7d and (latitude "
    "+ 1) / f2 * -3 is missing\n";

std::string soup(Random& random) {
  std::string text;
  for (uint64_t i = 0, n = random.below(60); i < n; ++i)
    text += kPieces[random.below(kPieces.size())] + (random.chance(0.8) ? " " : "");
  return text;
}

std::string mutated(std::string text, Random& random) {
  for (uint64_t i = 0, n = 1 + random.below(4); i < n && !text.empty(); ++i) {
    size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, 1 + random.below(8));
        break;
      case 2:
        text.insert(at, kPieces[random.below(kPieces.size())]);
        break;
      default:
        text.insert(at, text.substr(random.below(text.size()), random.below(30)));
        break;
    }
  }
  return text;
}

struct World {
  FieldTable fields;
  std::vector<std::string> features = {"f1", "f2"};
  FieldIndex flag = *fields.add("flag", FieldType::boolean);
  FieldIndex when = *fields.add("when", FieldType::time);
  Policy policy() const {
    Policy made =
        std::move(*Policy::create(RuleVocabulary(fields, features, *Currency::parse("EUR")), {}));
    CHECK(
        made.apply({ChangeKind::list_replace, "l", "00112233445566778899aabbccddeeff", "", "", {}}),
        "the list is fine");
    return made;
  }
};

void decide_some(const World& world, Policy& policy, Random& random) {
  Payment payment;
  Decision decision;
  payment.reset(world.fields.size());
  payment.amount_minor = random.between(0, 500'000);
  if (random.chance(0.5)) payment.set_text(field::merchant, random.chance(0.5) ? "x" : "");
  if (random.chance(0.5)) payment.set_integer(world.flag, 1);
  if (random.chance(0.5)) payment.set_integer(world.when, random.between(-5, 5));
  float features[2] = {static_cast<float>(random.between(-1, 9)),
                       random.chance(0.5) ? 1.0f / 0.0f : 0};
  for (float score : {0.0f, 0.6f, 1.0f}) (void)policy.decide({score, features, payment}, decision);
  CHECK(decision.rules.size() <= policy.rules().size(), "a rule fires once at most");
}

void check_problems(const RuleProblems& problems, const std::string& text) {
  CHECK(!problems.empty() && problems.size() <= RuleLimits{}.problems_max, "a refusal says why");
  size_t lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const RuleProblem& problem : problems) {
    CHECK(problem.line >= 1 && problem.line <= lines && problem.column >= 1,
          "a problem has a place in the text");
    CHECK(!problem.what.empty(), "a problem says what it is");
  }
  if (find_card_number(text))
    CHECK(!find_card_number(problems[0].text()), "no card number is told");
}

void fuzz_rules(const World& world, Policy& policy, Random& random) {
  std::string text = random.chance(0.3) ? soup(random) : mutated(kGood, random);
  Hash128 before = policy.hash();
  if (policy.apply({ChangeKind::rules, "fuzz", text, "", "", {}})) {
    decide_some(world, policy, random);
  } else {
    check_problems(policy.problems_of({"fuzz", text}), text);
    CHECK(policy.hash() == before, "a refused change changes nothing");
  }
}

void fuzz_states(const World& world, const Policy& policy, Random& random) {
  std::string bytes, change_bytes;
  policy.encode(bytes);
  Policy other = world.policy();
  if (other.restore(random.chance(0.2) ? bytes : mutated(bytes, random)))
    decide_some(world, other, random);
  encode_change({ChangeKind::list_add, "l", "x\ny", "a", "b", {}}, change_bytes);
  if (auto change = decode_change(mutated(change_bytes, random))) (void)other.apply(*change);
  std::string edit = mutated("aa\nbb\n00112233445566778899aabbccddeeff\n", random);
  (void)other.apply(
      {random.chance(0.5) ? ChangeKind::list_add : ChangeKind::list_remove, "l", edit, "", "", {}});
}

uint64_t seed_now = 0;

void print_seed(int signal) {
  std::fprintf(stderr, "PAYWARDEN_FUZZ_SEED=%llu repeats it\n",
               static_cast<unsigned long long>(seed_now));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main() {
  for (int signal : {SIGABRT, SIGSEGV}) std::signal(signal, print_seed);
  const char* start = std::getenv("PAYWARDEN_FUZZ_SEED");
  uint64_t seed = start ? std::strtoull(start, nullptr, 10) : 1, rounds = 0, compiled = 0;
  World world;
  Policy policy = world.policy();
  auto end = std::chrono::steady_clock::now() + kRunTime;
  for (; std::chrono::steady_clock::now() < end; ++rounds, ++seed) {
    Random random(seed_now = seed);
    fuzz_rules(world, policy, random);
    compiled += policy.rules().size() > 0;
    if (rounds % 8 == 0) fuzz_states(world, policy, random);
  }
  CHECK(compiled > 0, "some of the texts are rules");
  std::printf("%llu rounds, up to seed %llu\n", static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(seed - 1));
}
