// Two seconds of damaged decision files: reading them ends with a table or with an error that names
// a line, never otherwise. A failure prints the seed that repeats it.
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "report/decision_file.h"

namespace paywarden {
namespace {

std::string good_line(Random& random) {
  Decision decision;
  decision.payment_id = "p" + std::to_string(random.below(1'000'000));
  decision.score = static_cast<float>(random.unit());
  decision.outcome = static_cast<Outcome>(random.below(3));
  decision.reasons = {{"card_count_1h", 3, 1, 0.5}};
  std::string line;
  append_json(decision, line);
  return line + "\n";
}

// What a careless hand or a broken disk does.
void damage(std::string& text, Random& random) {
  size_t at = random.below(text.size());
  switch (random.below(5)) {
    case 0:
      text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at, random.below(20));
      break;
    case 2:
      text.insert(at, 1, "{}[]\",:\\\n0"[random.below(10)]);
      break;
    case 3:
      text.resize(at);
      break;
    case 4:
      text.insert(at, text.substr(random.below(text.size()), random.below(60)));
      break;
  }
}

std::string random_file(Random& random) {
  std::string text;
  for (uint64_t lines = 1 + random.below(8); lines > 0; --lines) text += good_line(random);
  for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) damage(text, random);
  return text;
}

bool judged_well(const std::string& path, const std::string& text) {
  std::filesystem::remove(path);  // ext4 flushes a file that is cut and written anew
  std::ofstream(path, std::ios::binary) << text;
  DecisionFileOptions options;
  options.bytes.decompress_ahead = false;  // a thread a file takes longer than the file
  options.line_bytes_max = 4'096;
  Result<DecisionFile> decisions = read_decisions(path, options);
  if (!decisions)
    return decisions.error().where.starts_with(path) && !decisions.error().what.empty();
  for (const ScoredPayment& p : decisions->table.take())
    if (!(p.score >= 0 && p.score <= 1)) return false;
  return true;
}

int run() {
  std::string pattern = (std::filesystem::temp_directory_path() / "report-fuzz-XXXXXX").string();
  std::string directory = ::mkdtemp(pattern.data());
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  uint64_t seed = 1;
  bool good = true;
  for (; good && std::chrono::steady_clock::now() < end; ++seed) {
    Random random(seed);
    good = judged_well(directory + "/D.ndjson", random_file(random));
  }
  std::filesystem::remove_all(directory);
  std::printf("%s after %lu files\n", good ? "good" : "FAILED",
              static_cast<unsigned long>(seed - 1));
  return good ? 0 : 1;
}

}  // namespace
}  // namespace paywarden

int main() {
  return paywarden::run();
}
