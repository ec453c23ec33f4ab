// Hurts journals at random for about two seconds: bytes changed, blocks moved, files cut,
// lengthened, swapped, removed. Whatever is left, a start refuses in one line or shows true
// records; verify never calls a hurt journal that start refuses good; after a cut it starts. Prints
// the seed and aborts on failure.
//
//   journal_fuzz [first seed]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/simulated_files.h"
#include "log/journal_repair.h"
#include "log/journal_testing.h"

using namespace paywarden;
using namespace paywarden::testing_journal;

namespace {

const std::string kDirectory = "j";

class Fuzz {
 public:
  explicit Fuzz(uint64_t seed) : seed_(seed), random_(seed), files_(seed) {
    options_.directory = kDirectory;
    options_.segment_bytes = 300 + random_.below(5000);
    options_.seal_in_background = false;
  }

  void run() {
    write();
    for (uint64_t n = 1 + random_.below(3); n > 0; --n) hurt();
    auto verified = journal_verify(files_, kDirectory);
    need(verified.has_value(), "verify reads any directory");
    bool opened = look("start");
    need(opened || verified->damage, "verify found no damage, yet the start is refused");
    if (!opened) repair();
  }

 private:
  void need(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "journal_fuzz: seed %llu: %s\n", static_cast<unsigned long long>(seed_),
                 what.c_str());
    std::abort();
  }

  void write() {
    auto journal = Journal::open(files_, log_, options_);
    need(journal.has_value(), "a new journal opens");
    for (uint64_t n = random_.below(20); n > 0; --n) {
      TestGroup group = random_group(random_, 4, 600);
      need((*journal)->append(group.records()).has_value(), "append");
      truth_.add(group);
    }
  }

  std::string any_file() {
    auto names = *files_.list(kDirectory);
    return kDirectory + "/" + names[random_.below(names.size())];
  }

  void hurt() {
    if (files_.list(kDirectory)->empty()) return;  // all of them are removed
    std::string path = any_file();
    std::string bytes = *read_whole(files_, path);
    size_t at = random_.below(bytes.size() + 1), length = random_.below(700);
    switch (random_.below(7)) {
      case 0:
        bytes = bytes.substr(0, at);
        break;
      case 1:
        bytes += random_text(random_, length);
        break;
      case 2:
        bytes.insert(at, random_text(random_, length));
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes += bytes.substr(at, length);
        break;  // a block again
      case 5:
        bytes = *read_whole(files_, any_file());
        break;
      default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_.below(8)));
    }
    if (random_.chance(0.05)) {
      need(files_.remove(path).has_value(), "remove");
    } else {
      need(replace_whole(files_, path, bytes).has_value(), "replace");
    }
  }

  bool look(const char* when) {
    auto journal = Journal::open(files_, log_, options_);
    if (!journal) {
      std::string line = journal.error().line();
      need(!line.empty() && line.find('\n') == line.npos, "an error is one line");
      return false;
    }
    uint64_t expected = (*journal)->first_sequence();
    need((*journal)->durable_end() <= truth_.end(),
         fmt::format("{}: shows more than was written", when));
    auto read = (*journal)->read(expected, [&](const RecordView& record) {
      need(record.sequence == expected && record.bytes == truth_.at(expected).bytes,
           fmt::format("{}: record {} is not true", when, record.sequence));
      ++expected;
      return true;
    });
    need(!read || expected == (*journal)->durable_end(), fmt::format("{}: ends early", when));
    return true;
  }

  void repair() {
    auto cut = journal_cut(files_, log_, kDirectory, {});
    need(cut.has_value(), cut ? "" : "cut: " + cut.error().line());
    need(look("after a cut"), "does not start after a cut");
  }

  uint64_t seed_;
  Random random_;
  SimulatedFiles files_;
  SilentLog log_;
  JournalOptions options_;
  Truth truth_;
};

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  uint64_t runs = 0;
  for (; std::chrono::steady_clock::now() < until; ++runs) Fuzz(seed++).run();
  std::printf("%llu journals hurt, none lied\n", static_cast<unsigned long long>(runs));
}
