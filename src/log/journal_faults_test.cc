// A thousand disks as a power cut may leave them: any subset of the last group's sectors, on real
// files.
#include <gtest/gtest.h>

#include "log/journal_testing.h"

namespace paywarden {
namespace {

using namespace testing_journal;

constexpr int kImages = 1000;
constexpr uint64_t kSector = 512;

class TornGroup : public ::testing::Test {
 protected:
  void SetUp() override {
    TemporaryDirectory directory;
    auto journal = std::move(open(directory.path()).value());
    for (int i = 0; i < 4; ++i) append(*journal, random_group(random_, 3, 900));
    acknowledged_ = truth_.end();
    segment_ = "/" + segment_name(1);
    durable_ = *read_whole(files_, directory.path() + segment_);
    append(*journal, random_group(random_, 12, 2500));
    written_ = *read_whole(files_, directory.path() + segment_);
    ASSERT_GT(written_.size(), durable_.size() + 8 * kSector);
  }
  Result<std::unique_ptr<Journal>> open(const std::string& directory) {
    JournalOptions options;
    options.directory = directory;
    return Journal::open(files_, log_, options);
  }
  void append(Journal& journal, const TestGroup& group) {
    ASSERT_TRUE(journal.append(group.records()));
    truth_.add(group);
  }

  // The durable bytes, and of the last group's sectors those that chance kept; lost ones hold zeros
  // or what was there before.
  std::string image(Random& random) {
    std::string bytes = durable_;
    bytes.resize(random.chance(0.5)
                     ? written_.size()
                     : durable_.size() + random.below(written_.size() - durable_.size() + 1),
                 '\0');
    bool rubbish = random.chance(0.5);
    for (size_t i = durable_.size(); rubbish && i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(random.next());
    double kept = random.chance(0.1) ? 1.0 : random.unit();
    for (uint64_t begin = durable_.size() / kSector * kSector; begin < bytes.size();
         begin += kSector)
      if (random.chance(kept))
        bytes.replace(begin, kSector,
                      written_.substr(begin, std::min<uint64_t>(kSector, bytes.size() - begin)));
    return bytes;
  }

  PosixFiles files_;
  SilentLog log_;
  Random random_{11};
  Truth truth_;
  uint64_t acknowledged_ = 0;
  std::string segment_, durable_, written_;
};

TEST_F(TornGroup, AThousandSubsetsOfItsSectors) {
  int whole = 0;
  for (int i = 0; i < kImages; ++i) {
    Random random(static_cast<uint64_t>(i));
    TemporaryDirectory directory(fast_directory());  // some ten syncs an image
    std::string bytes = image(random);
    ASSERT_TRUE(replace_whole(files_, directory.path() + segment_, bytes));
    auto journal = open(directory.path());
    ASSERT_TRUE(journal) << "image " << i << ": " << journal.error().line();
    uint64_t end = (*journal)->durable_end();
    ASSERT_EQ(end, bytes == written_ ? truth_.end() : acknowledged_) << "image " << i;
    ASSERT_EQ(truth_.compare(**journal), "") << "image " << i;
    whole += end == truth_.end();
    journal->reset();
    journal = open(directory.path());
    ASSERT_TRUE(journal) << "image " << i << ": " << journal.error().line();
    ASSERT_EQ((*journal)->durable_end(), end) << "image " << i << ": shown, then gone";
    ASSERT_EQ(truth_.compare(**journal), "") << "image " << i;
  }
  EXPECT_GT(whole, kImages / 50);
  EXPECT_LT(whole, kImages / 2);
}

}  // namespace
}  // namespace paywarden
