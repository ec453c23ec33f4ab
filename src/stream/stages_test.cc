// Stages one behind the other compute what one core computes; records between them keep every bit; every input record has
// one outcome; replay publishes nothing and ends in the same state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/engine_testing.h"
#include "intake/payment_parser.h"
#include "intake/test_schema.h"
#include "stream/decide_stage.h"
#include "stream/intake_stage.h"

namespace paywarden {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kFeatureHash = 7;

StagePlan plan_of(const TestWorld& world) {
  auto plan =
      make_stage_plan({{"card", "card", "by-card"}, {"merchant", "merchant", "by-merchant"}},
                      world.features, world.fields, "test.toml");
  EXPECT_TRUE(plan) << plan.error().line();
  return *plan;
}

TEST(StagePlan, FeaturesStandWhereTheirPaymentsComeTogether) {
  TestWorld world;
  StagePlan plan = plan_of(world);
  EXPECT_THAT(plan.stages[0].features.names(),
              testing::ElementsAre("card_count_1h", "card_sum_1h"));
  EXPECT_THAT(plan.stages[1].features.names(), testing::ElementsAre("merchant_frauds_24h"));
  auto lacking = make_stage_plan({{"card", "card", "t"}}, world.features, world.fields, "c.toml");
  ASSERT_FALSE(lacking);
  EXPECT_EQ(lacking.error().line(),
            "c.toml: no stage has the payments together that 'merchant_frauds_24h' counts; add a "
            "[[kafka.stage]] that is keyed by 'merchant'");
  auto odd = make_stage_plan({{"x", "amount", "t"}}, world.features, world.fields, "c.toml");
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().line(), HasSubstr("keyed by 'amount', which is no text field"));
}

TEST(StageRecord, KeepsEveryBit) {
  CarriedFeatures carried{{1.5f, std::numeric_limits<float>::quiet_NaN(), -0.0f}, {0, 2}, true};
  std::string bytes;
  encode_stage_payment({kFeatureHash, "3:9f2c-99"}, "the payment", carried, bytes);
  StageRecord back;
  ASSERT_TRUE(decode_stage_record(bytes, back));
  EXPECT_EQ(back.kind, StageRecord::Kind::payment);
  EXPECT_EQ(back.feature_hash, kFeatureHash);
  EXPECT_EQ(back.reply, "3:9f2c-99");
  EXPECT_EQ(back.bytes, "the payment");
  ASSERT_EQ(back.carried.values.size(), 3u);
  EXPECT_EQ(std::memcmp(back.carried.values.data(), carried.values.data(), 12), 0);
  EXPECT_EQ(back.carried.approximate, carried.approximate);
  EXPECT_TRUE(back.carried.late);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_stage_record(std::string_view(bytes).substr(0, cut), back)) << cut;
  EXPECT_FALSE(decode_stage_record(bytes + "x", back));
  bytes.clear();
  encode_stage_label({kFeatureHash, ""}, "the label", bytes);
  ASSERT_TRUE(decode_stage_record(bytes, back));
  EXPECT_EQ(back.kind, StageRecord::Kind::label);
  EXPECT_EQ(back.bytes, "the label");
}

// Two cores with a part of the features each, and one with all: the same decisions.
TEST(Stages, PartsComputeWhatTheWholeComputes) {
  TestWorld world;
  StagePlan plan = plan_of(world);
  auto whole = world.core();
  auto make_part = [&](size_t i) {
    return std::move(
        *Core::create(world.fields, world.features, world.options, &plan.stages[i].features));
  };
  auto first = make_part(0), second = make_part(1);
  ASSERT_TRUE(second->apply({ChangeKind::model, "formula", "formula", "test", "", EventTime(0)},
                            std::make_shared<FormulaModel>("formula")));
  TestStream stream{world, Random(5)};
  std::vector<Payment> all;
  for (uint64_t i = 1; i <= 3'000; ++i) {
    Payment payment = stream.next(), a = payment, b = payment;
    all.push_back(payment);
    Decision expected, decided;
    CoreItem one{&payment, &expected, GuardEvent::none};
    whole->decide({&one, 1});
    CarriedFeatures carried;
    CoreItem part{&a, nullptr, GuardEvent::none, &carried};
    first->decide({&part, 1});
    part = {&b, &decided, GuardEvent::none, &carried};
    second->decide({&part, 1});
    std::string json, json_expected;
    append_json(decided, json);
    append_json(expected, json_expected);
    ASSERT_EQ(json, json_expected);
    if (!stream.random.chance(0.1)) continue;
    const Payment& about = all[stream.random.below(all.size())];
    Label label{std::string(about.id()), stream.random.chance(0.7), "test", about.event_time};
    for (Core* core : {whole.get(), first.get(), second.get()}) core->label(label, &about);
  }
}

TEST(Stages, ASnapshotOfAnotherPartIsRefused) {
  TestWorld world;
  StagePlan plan = plan_of(world);
  auto part = [&](size_t i) {
    return std::move(
        *Core::create(world.fields, world.features, world.options, &plan.stages[i].features));
  };
  std::string bytes;
  ChunkedWriter out([&](std::string_view chunk) {
    bytes += chunk;
    return Status();
  });
  part(0)->save(out);
  ASSERT_TRUE(out.finish());
  ByteReader same(bytes), other(bytes);
  EXPECT_TRUE(part(0)->load(same, TestWorld::models()));
  EXPECT_FALSE(part(1)->load(other, TestWorld::models()));
}

// Raw records of a small schema through stages in memory: what a topic between them would carry is carried by hand.
struct Way {
  Way() {
    schema = *test::schema_of(test::kSmallSchema);
    auto parsed = FeatureSet::parse(toml::parse(R"(
[[feature]]
name = "card_count_1d"
operation = "count"
by = "card"
over = "1d"
[[feature]]
name = "merchant_frauds_1d"
operation = "fraud_count"
by = "merchant"
over = "1d"
[[feature]]
name = "hour"
operation = "hour"
)"),
                                    schema.fields, "test.toml");
    EXPECT_TRUE(parsed) << parsed.error().line();
    features = *parsed;
    options.base_currency = *Currency::parse("EUR");
    plan = *make_stage_plan({{"card", "card", "by-card"}, {"merchant", "merchant", "by-merchant"}},
                            features, schema.fields, "test.toml");
  }
  PartitionState state(const FeatureSet* own = nullptr) {
    PartitionState out;
    out.core = std::move(*Core::create(schema.fields, features, options, own));
    return out;
  }
  DecideStage decider(std::optional<size_t> stage, FindPayment find = {}) {
    DecideOptions decide;
    if (stage) {
      decide.plan = &plan;
      decide.stage = *stage;
      decide.feature_hash = kFeatureHash;
    }
    return DecideStage(schema, tokeniser, decide, std::move(find), figures, log);
  }
  static std::string payment(const std::string& id, int minute,
                             const std::string& amount = "12.50") {
    return R"({"id":")" + id + R"(","at":"2026-01-01T10:)" + (minute < 10 ? "0" : "") +
           std::to_string(minute) +
           R"(:00Z","pan":"4111111111111111","shop":"Corner Shop","amount":")" + amount + R"("})";
  }
  // Offset by offset; the values of a topic, or all as "topic value".
  static std::vector<InputRecord> records(
      const std::vector<std::string>& values) {  // which must live on
    std::vector<InputRecord> out;
    for (const std::string& value : values)
      out.push_back({static_cast<int64_t>(out.size()), EventTime(1'767'262'000'000), value});
    return out;
  }
  static std::vector<std::string> values(const Outcomes& outcomes, OutcomeTopic topic) {
    std::vector<std::string> out;
    for (const auto& o : outcomes.all())
      if (o.topic == topic) out.emplace_back(outcomes.value(o));
    return out;
  }
  // How many outcomes each offset has; alerts repeat decisions, and labels go along.
  static std::map<int64_t, int> counts(const Outcomes& outcomes) {
    std::map<int64_t, int> out;
    for (const auto& o : outcomes.all())
      if (o.topic != OutcomeTopic::alerts && o.offset != kNoOutcome) ++out[o.offset];
    return out;
  }

  Schema schema;
  FeatureSet features;
  CoreOptions options;
  StagePlan plan;
  Tokeniser tokeniser = test::tokeniser();
  StageFigures figures;
  SilentLog log;
};

const std::vector<std::string> kRaw = {
    Way::payment("p1", 0),
    Way::payment("p1", 0),           // again
    Way::payment("p1", 0, "99.00"),  // another body
    "rubbish 4111111111111111",
    R"({"label":{"payment_id":"p1","is_fraud":true,"payment":)" + Way::payment("p1", 0) + "}}",
    R"({"label":{"payment_id":"p9","is_fraud":true}})",
    R"({"label":{"payment_id":"p1"}})",
    Way::payment("p2", 5),
};

TEST(DecideStage, EveryRecordHasOneOutcome) {
  Way way;
  PartitionState state = way.state();
  Outcomes out;
  auto stage = way.decider(std::nullopt);
  auto records = Way::records(kRaw);
  ASSERT_TRUE(stage.process(state, records, &out));
  auto counts = Way::counts(out);
  ASSERT_EQ(counts.size(), kRaw.size());
  for (auto [offset, count] : counts) EXPECT_EQ(count, 1) << offset;
  EXPECT_EQ(out.input.at(0), (std::pair<int64_t, int64_t>(0, 8)));
  EXPECT_EQ(state.next, 8);
  auto decisions = Way::values(out, OutcomeTopic::decisions);
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_THAT(decisions[0], HasSubstr(R"("payment_id":"p1")"));
  EXPECT_THAT(Way::values(out, OutcomeTopic::others),
              testing::ElementsAre(R"({"what":"duplicate","payment_id":"p1"})",
                                   R"({"what":"conflict","payment_id":"p1"})",
                                   R"({"what":"label","payment_id":"p1"})",
                                   R"({"what":"label_waiting","payment_id":"p9"})"));
  auto rejects = Way::values(out, OutcomeTopic::rejects);
  ASSERT_EQ(rejects.size(), 2u);
  EXPECT_THAT(rejects[0], testing::Not(HasSubstr("4111111111111111")));
  EXPECT_THAT(rejects[1], HasSubstr(R"("field":"is_fraud")"));
}

TEST(DecideStage, OfAPaymentWithoutARateTheIdIsKeptMasked) {
  Way way;
  PartitionState state = way.state();
  Outcomes out;
  auto stage = way.decider(std::nullopt);
  std::string payment = Way::payment("d4242424242424242", 0);
  payment.insert(payment.size() - 1, R"(,"currency":"GBP")");
  ASSERT_TRUE(stage.process(state, Way::records({payment}), &out));
  auto rejects = Way::values(out, OutcomeTopic::rejects);
  ASSERT_EQ(rejects.size(), 1u);
  EXPECT_THAT(rejects[0], HasSubstr(R"("reason":"no_rate")"));
  EXPECT_THAT(rejects[0], HasSubstr("d424242******4242"));
  EXPECT_THAT(rejects[0], testing::Not(HasSubstr("4242424242424242")));
}

TEST(DecideStage, AShadowsWordStandsInTheDecisionAndIsCounted) {
  Way way;
  PartitionState state = way.state();
  state.core->set_shadow(std::make_shared<FormulaModel>("challenger"));
  Outcomes out;
  auto stage = way.decider(std::nullopt);
  auto records = Way::records(kRaw);
  ASSERT_TRUE(stage.process(state, records, &out));
  for (const std::string& decision : Way::values(out, OutcomeTopic::decisions))
    EXPECT_THAT(decision, HasSubstr(R"("shadow":{"model":"challenger",)"));
  EXPECT_EQ(way.figures.shadow.of(Outcome::approve, Outcome::approve), 2u);
}

TEST(DecideStage, ReplayPublishesNothingAndEndsInTheSameState) {
  Way way;
  PartitionState live = way.state(), replayed = way.state();
  Outcomes out;
  auto stage = way.decider(std::nullopt);
  auto records = Way::records(kRaw);
  for (const InputRecord& record : records) ASSERT_TRUE(stage.process(live, {&record, 1}, &out));
  ASSERT_TRUE(stage.process(replayed, records, nullptr));
  EXPECT_EQ(replayed.next, live.next);
  EXPECT_EQ(replayed.core->state_hash(), live.core->state_hash());
  EXPECT_EQ(way.figures.replayed, kRaw.size());
}

// A label with an id alone: its payment is read from the input again; until that can be, the partition waits there.
TEST(DecideStage, ALabelsPaymentIsLookedUp) {
  Way way;
  PartitionState state = way.state();
  Outcomes out;
  bool away = true;
  auto stage = way.decider(std::nullopt, [&](int32_t, int64_t offset) -> Result<std::string> {
    EXPECT_EQ(offset, 0);
    if (away) return fail("the broker is away");
    return kRaw[0];
  });
  const std::vector<std::string> values = {kRaw[0],
                                           R"({"label":{"payment_id":"p1","is_fraud":true}})"};
  auto records = Way::records(values);
  EXPECT_FALSE(stage.process(state, records, &out));
  EXPECT_EQ(state.next, 1);
  EXPECT_EQ(out.input.at(0), (std::pair<int64_t, int64_t>(0, 1)));
  EXPECT_EQ(Way::values(out, OutcomeTopic::decisions).size(), 1u);
  away = false;
  ASSERT_TRUE(stage.process(state, {&records[1], 1}, &out));
  EXPECT_EQ(state.next, 2);
  EXPECT_EQ(Way::values(out, OutcomeTopic::others).back(), R"({"what":"label","payment_id":"p1"})");
}

// What came over HTTP stands among what senders wrote; who waits for it is told what became of it.
TEST(DecideStage, WhoWaitsIsToldWhatBecameOfARecord) {
  Way way;
  PartitionState state = way.state();
  Outcomes out;
  Payment payment;
  PaymentParser parser(way.schema, way.tokeniser, {});
  auto sent = [&](const std::string& json, const std::string& tag) {
    EXPECT_FALSE(parser.parse_json(json, EventTime(1'767'262'000'123), payment));
    std::string bytes, value;
    encode_payment(payment, way.schema.fields, bytes);
    encode_stage_payment({kFeatureHash + 1, tag}, bytes, {}, value);  // it carries no features
    return value;
  };
  auto label = [&](const std::string& id, const std::string& tag) {
    std::string bytes, value;
    encode_label({{id, true, "shop", EventTime(1'767'262'000'000)}, {}}, bytes);
    encode_stage_label({kFeatureHash, tag}, bytes, value);
    return value;
  };
  const std::vector<std::string> values = {
      sent(Way::payment("p1", 0), "3:n-1"),
      Way::payment("p1", 0),  // by topic: nobody waits
      sent(Way::payment("p1", 0), "2:n-2"),
      sent(Way::payment("p1", 0, "99.00"), "2:n-3"),
      label("p1", "2:n-4"),
      label("p9", "0:n-5"),
      sent(Way::payment("p2", 1), "not a tag"),
      "\x02 no record of ours",
  };
  auto stage = way.decider(std::nullopt, [&](int32_t, int64_t offset) -> Result<std::string> {
    return values.at(static_cast<size_t>(offset));
  });
  ASSERT_TRUE(stage.process(state, Way::records(values), &out));
  for (auto [offset, count] : Way::counts(out)) EXPECT_EQ(count, 1) << offset;
  std::vector<std::string> replies;
  for (const auto& o : out.all())
    if (o.topic == OutcomeTopic::replies) {
      EXPECT_EQ(o.offset, kNoOutcome);
      replies.push_back(std::to_string(o.to) + " " + std::string(out.payment(o)) + " " +
                        std::string(out.value(o)));
    }
  auto decisions = Way::values(out, OutcomeTopic::decisions);
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_THAT(replies,
              testing::UnorderedElementsAre(
                  "3 n-1 " + decisions[0], R"(2 n-2 {"what":"duplicate","partition":0,"offset":0})",
                  R"(2 n-3 {"what":"conflict","partition":0,"offset":0})",
                  R"(2 n-4 {"what":"label"})", R"(0 n-5 {"what":"label_waiting"})"));
  for (const auto& o : out.all())
    if (o.topic == OutcomeTopic::decisions) {
      EXPECT_EQ(o.timestamp, EventTime(1'767'262'000'123)) << "its payment's receipt";
    }
  EXPECT_EQ(Way::values(out, OutcomeTopic::rejects).size(), 1u);
}

TEST(Stages, APaymentPassesAllOfThem) {
  Way way;
  StageFigures figures;
  IntakeStage intake(way.schema, way.tokeniser, {}, way.plan, kFeatureHash, figures);
  PartitionState first, card = way.state(&way.plan.stages[0].features),
                        merchant = way.state(&way.plan.stages[1].features);
  Outcomes raw, handed, decided;
  ASSERT_TRUE(intake.process(first, Way::records(kRaw), &raw));
  EXPECT_EQ(Way::counts(raw).size(), kRaw.size());
  for (auto [offset, count] : Way::counts(raw)) EXPECT_EQ(count, 1) << offset;
  EXPECT_EQ(Way::values(raw, OutcomeTopic::rejects).size(), 3u) << "a label needs its payment";

  auto by_card = Way::values(raw, forward_to(0));
  ASSERT_EQ(by_card.size(), 5u);  // four payments and the label
  for (const std::string& value : by_card)
    EXPECT_EQ(value.find("4111111111111111"), std::string::npos);
  auto card_stage = way.decider(0);
  ASSERT_TRUE(card_stage.process(card, Way::records(by_card), &handed));
  for (auto [offset, count] : Way::counts(handed)) EXPECT_EQ(count, 1) << offset;
  auto by_merchant = Way::values(raw, forward_to(1));  // the label
  ASSERT_EQ(by_merchant.size(), 1u);
  for (std::string& value : Way::values(handed, forward_to(1))) by_merchant.push_back(value);
  ASSERT_EQ(by_merchant.size(), 3u) << "the repeat and the conflict end at the card stage";
  auto merchant_stage = way.decider(1);
  ASSERT_TRUE(merchant_stage.process(merchant, Way::records(by_merchant), &decided));
  EXPECT_EQ(Way::values(decided, OutcomeTopic::decisions).size(), 2u);

  StageRecord record;
  auto last = Way::values(handed, forward_to(1));
  ASSERT_TRUE(decode_stage_record(last[1], record));
  EXPECT_EQ(record.carried.values.at(0), 2.0f) << "card_count_1d";
}

TEST(Stages, LabelsMayHaveATopicOfTheirOwn) {
  Way way;
  StageFigures figures;
  IntakeStage intake(way.schema, way.tokeniser, {}, way.plan, kFeatureHash, figures,
                     IntakeOf::labels);
  PartitionState state;
  Outcomes out;
  const std::vector<std::string> values = {
      R"({"payment_id":"p1","is_fraud":true,"payment":)" + Way::payment("p1", 0) + "}",
      R"({"payment_id":"p1","is_fraud":true})",
      R"({"payment_id":"p2","is_fraud":true,"payment":)" + Way::payment("p1", 0) + "}",
      Way::payment("p3", 0),
  };
  ASSERT_TRUE(intake.process(state, Way::records(values), &out));
  EXPECT_EQ(Way::values(out, forward_to(0)).size(), 1u);
  EXPECT_EQ(Way::values(out, forward_to(1)).size(), 1u);
  EXPECT_THAT(Way::values(out, OutcomeTopic::others),
              testing::ElementsAre(R"({"what":"label_forwarded","payment_id":"p1"})"));
  EXPECT_EQ(Way::values(out, OutcomeTopic::rejects).size(), 3u);
}

TEST(Stages, RecordsOfOtherFeaturesStopThePartition) {
  Way way;
  PartitionState card = way.state(&way.plan.stages[0].features);
  Outcomes out;
  std::vector<std::string> other(1), rubbish = {"something else"};
  encode_stage_payment({kFeatureHash + 1, ""}, "", {}, other[0]);
  auto stage = way.decider(0);
  auto done = stage.process(card, Way::records(other), &out);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().line(), HasSubstr("made with other features"));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(card.next, 0);
  done = stage.process(card, Way::records(rubbish), &out);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().line(), HasSubstr("none that a stage writes"));
}

}  // namespace
}  // namespace paywarden
