// Feeds the model reader damaged files for two seconds: bytes changed, cut, doubled, numbers made
// absurd. Whatever it accepts must also compile, score as the plain walk does, and have reasons
// that add up. Prints the seed of what fails.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "forest/compiled_forest.h"
#include "forest/forest_testing.h"
#include "forest/reasons.h"
#include "forest/xgboost_json.h"

namespace paywarden {
namespace {

std::string absurd_number(Random& random) {
  constexpr const char* numbers[] = {
      "-1",  "0",    "2147483647", "-2147483648", "1e999", "1e-999", "NaN",
      "1.5", "null", "true",       "[]",          "\"1\"", "3e38",   "99999999999999999999"};
  return numbers[random.below(std::size(numbers))];
}

// Replaces one of the file's numbers.
void damage_number(Random& random, std::string& text) {
  size_t at = text.find_first_of("0123456789-", random.below(text.size()));
  if (at == std::string::npos) return;
  size_t end = text.find_first_not_of("0123456789-+.E", at);
  text.replace(at, (end == std::string::npos ? text.size() : end) - at, absurd_number(random));
}

// Puts another small index into a column of children or features: cycles, shared nodes, orphans.
void damage_index(Random& random, std::string& text) {
  constexpr const char* columns[] = {"left_children", "right_children", "split_indices"};
  size_t at = text.find(columns[random.below(3)], random.below(text.size()));
  if (at == std::string::npos) return;
  size_t list = text.find('[', at), end = text.find(']', at);
  if (list == std::string::npos || end == std::string::npos) return;
  size_t comma = text.find(',', list + random.below(end - list));
  if (comma == std::string::npos || comma > end) return;
  size_t next = text.find_first_of(",]", comma + 1);
  if (next != std::string::npos)
    text.replace(comma + 1, next - comma - 1, std::to_string(random.below(16)));
}

void damage(Random& random, std::string& text) {
  size_t at = random.below(text.size());
  switch (random.below(6)) {
    case 0:
      text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at, random.below(40));
      break;
    case 2:
      text.insert(at, text.substr(random.below(text.size()), random.below(40)));
      break;
    case 3:
      text.resize(at + 1);
      break;
    case 4:
      damage_number(random, text);
      break;
    default:
      damage_index(random, text);
  }
}

void use(const TreeModel& model, Random& random) {
  auto forest = CompiledForest::compile(model), plain = CompiledForest::compile(model, Isa::scalar);
  auto reasons = Reasons::build(model);
  CHECK(forest && plain && reasons, "what the reader accepts can be used");
  if (model.trees.empty()) return;
  std::vector<float> row = random_row(random, model), out(model.feature_count + 1);
  Reasons::Scratch scratch = reasons->make_scratch();
  reasons->contributions(row.data(), out.data(), scratch);
  double want = naive_margin(model, row.data());
  CHECK(forest->margin(row.data()) == plain->margin(row.data()), "all paths give the same bits");
  // A damaged leaf may be as large as 1e38: bounded by the size of what was added.
  double size = 1;
  for (const Tree& tree : model.trees)
    for (const TreeNode& node : tree.nodes) size += std::fabs(node.value);
  CHECK(!(std::fabs(forest->margin(row.data()) - want) > 1e-5 * size) || size > 1e37,
        "the plain walk agrees");
}

// True: the damaged file was still a model.
bool one_round(uint64_t seed) {
  Random random(seed);
  TreeModel model = random_model(random, {.trees = 1 + static_cast<uint32_t>(random.below(4)),
                                          .depth = static_cast<uint32_t>(random.below(5)),
                                          .features = 1 + static_cast<uint32_t>(random.below(6))});
  std::string text = write_xgboost_json(model);
  for (uint64_t i = random.below(4); i > 0; --i) damage(random, text);
  // Few features, so that rows stay small; the rest as in service.
  auto read = read_xgboost_json(text, "damaged", {.features_max = 1000});
  if (read) use(*read, random);
  return read.has_value();
}

volatile std::sig_atomic_t current_seed = 0;

// Says which seed it was; then the signal takes its usual way.
void print_seed(int signal) {
  std::fprintf(stderr, "xgboost_json_fuzz: repeat with the argument %d\n",
               static_cast<int>(current_seed));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  using namespace paywarden;
  if (argc > 1) return one_round(std::strtoull(argv[1], nullptr, 10)) ? 0 : 1;
  std::signal(SIGABRT, print_seed);
  std::signal(SIGSEGV, print_seed);
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int seed = 0, accepted = 0;
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    current_seed = seed;
    accepted += one_round(static_cast<uint64_t>(seed));
  }
  std::printf("%d files, %d of them still models\n", seed, accepted);
  return accepted > 0 && accepted < seed ? 0 : 1;
}
