// Labels come when they would have become known, between the right payments, and only to payments that were accepted.
#include "training/history.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "intake/test_schema.h"

namespace paywarden {
namespace {

using testing::ElementsAre;

// "id seconds fraud", one a line.
struct Row {
  int id, second;
  bool fraud = false;
};

std::string csv(const std::vector<Row>& rows) {
  std::string text = "id,at,pan,amount,fraud\n";
  for (const Row& row : rows)
    text += fmt::format("p{},2020-06-21 12:00:{:02},4111111111111111,1.50,{}\n", row.id, row.second,
                        row.fraud ? 1 : 0);
  return text;
}

// What came, in its order: "p1", "label p1".
struct Heard : HistorySink {
  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      if (conflicts && conflicts(row)) row.is_conflict = true;
      all.emplace_back(row.payment.id());
    }
    return {};
  }
  Status label(const Label& label, const Payment& payment) override {
    EXPECT_EQ(label.payment_id, payment.id());
    all.push_back("label " + label.payment_id);
    return {};
  }
  std::function<bool(const FileRow&)> conflicts;
  std::vector<std::string> all;
};

// The labels that were still to come are returned; `kept` is what was refused.
std::vector<std::string> play(const std::vector<Row>& rows, Duration delay, Heard& heard,
                              size_t batch_rows = 256, std::vector<std::string>* kept = nullptr) {
  test::TestFolder folder;
  Schema schema = *test::schema_of(test::kSmallSchema);
  Tokeniser tokeniser = test::tokeniser();
  test::RememberedRejects rejects;
  FileSourceOptions options;
  options.batch_rows = batch_rows;
  auto source =
      FileSource::open({folder.write("a.csv", csv(rows))}, schema, tokeniser, {}, options, rejects);
  EXPECT_TRUE(source) << source.error().line();
  auto rest = play_history(**source, delay, heard);
  EXPECT_TRUE(rest) << rest.error().line();
  for (const auto& entry : rejects.entries()) {
    std::string line = fmt::format("{} {}", entry.line, entry.rejection.line());
    kept ? kept->push_back(line) : ADD_FAILURE() << line;
    EXPECT_EQ(entry.source, folder / "a.csv");
  }
  std::vector<std::string> pending;
  for (const PendingLabel& p : *rest) pending.push_back(p.label.payment_id);
  return pending;
}

TEST(History, LabelsComeBeforeTheFirstPaymentThatIsNotOlder) {
  const std::vector<Row> rows = {{1, 0, true}, {2, 4},  {3, 5},
                                 {4, 6, true}, {5, 20}, {6, 21, true}};
  for (size_t batch_rows : {1u, 2u, 3u, 256u}) {
    Heard heard;
    EXPECT_THAT(play(rows, seconds(5), heard, batch_rows), ElementsAre("p6"));
    EXPECT_THAT(heard.all, ElementsAre("p1", "p2", "label p1", "p3", "p4", "label p4", "p5", "p6"))
        << batch_rows;
  }
}

TEST(History, ADelayOfNothingIsBeforeTheNextPayment) {
  for (size_t batch_rows : {1u, 2u, 256u}) {
    Heard heard;
    EXPECT_THAT(play({{1, 0, true}, {2, 0, true}, {3, 0}}, seconds(0), heard, batch_rows),
                ElementsAre());
    EXPECT_THAT(heard.all, ElementsAre("p1", "label p1", "p2", "label p2", "p3")) << batch_rows;
  }
}

TEST(History, WhatTheSinkCallsAConflictHasNoLabelAndIsKept) {
  for (size_t batch_rows : {1u, 2u, 256u}) {
    Heard heard;
    heard.conflicts = [](const FileRow& row) { return row.line == 3; };  // the second p1
    std::vector<std::string> kept;
    EXPECT_THAT(
        play({{1, 0}, {1, 1, true}, {2, 2, true}, {3, 30}}, seconds(5), heard, batch_rows, &kept),
        ElementsAre());
    EXPECT_THAT(kept, ElementsAre("3 id: is the id of another payment before it; each payment "
                                  "needs an id of its own (value 'p1')"));
    EXPECT_THAT(heard.all, ElementsAre("p1", "p1", "p2", "label p2", "p3")) << batch_rows;
  }
}

}  // namespace
}  // namespace paywarden
