// Holds the stream to its contract: the same bytes, valid card numbers, order, and lines as
// documented.
#include "simulator/simulator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/digest.h"
#include "simulator/live_simulator.h"

namespace paywarden {
namespace {

Simulator make(const SimulatorOptions& options) {
  auto simulator = Simulator::create(options);
  if (!simulator) throw std::runtime_error(simulator.error().line());
  return std::move(*simulator);
}

std::string lines(Simulator& simulator, int count) {
  SimulatedPayment payment;
  std::string out;
  for (int i = 0; i < count; ++i) {
    simulator.next(payment);
    payment.append_json(out);
  }
  return out;
}

bool passes_luhn(std::string_view pan) {  // from the right, every second digit doubled
  int sum = 0, position = 0;
  for (auto it = pan.rbegin(); it != pan.rend(); ++it, ++position) {
    int digit = *it - '0';
    if (position % 2 == 1) digit *= 2;
    sum += digit / 10 + digit % 10;
  }
  return sum % 10 == 0;
}

// If this changes on purpose, pin the new one; if it differs between two machines, draws have
// become unportable.
TEST(Simulator, BytesArePinnedForSeedOne) {
  Simulator simulator = make({.seed = 1});
  EXPECT_EQ(sha256_hex(lines(simulator, 10'000)),
            "f458ec80766186c018eec6358d9bd41b106aaebe717834c103f4f8db50ae95e6");
  EXPECT_EQ(
      sha256_hex(lines(simulator, 190'000)),
      "3e91973cfc1e49089b6f744762a138776f1db7d4224efff117a6a01c73e5ff9d");  // three weeks: every
                                                                            // scenario is there
}

TEST(Simulator, SameSeedSameBytesAlsoWhenMoved) {
  Simulator a = make({.seed = 7}), b = make({.seed = 7}), other = make({.seed = 8});
  std::string first = lines(a, 9'000);
  EXPECT_EQ(first, lines(b, 9'000));
  EXPECT_NE(first, lines(other, 9'000));
  Simulator moved = std::move(a);
  EXPECT_EQ(lines(moved, 9'000), lines(b, 9'000));
}

TEST(Simulator, OrderedWithUniqueIdsAndValidCards) {
  Simulator simulator = make({.seed = 3, .start = EventTime(days(20'000).ms())});
  SimulatedPayment payment;
  EventTime last(days(20'000).ms());
  std::set<std::string> ids;
  for (int i = 0; i < 40'000; ++i) {
    simulator.next(payment);
    ASSERT_LE(last, payment.event_time);
    last = payment.event_time;
    ASSERT_TRUE(ids.insert(payment.payment_id()).second);
    ASSERT_TRUE(passes_luhn({payment.pan.data(), payment.pan.size()}));
    ASSERT_EQ(std::string_view(payment.pan.data(), 4), "9999");
  }
}

TEST(Simulator, NoTwoCardsShareANumber) {
  std::unordered_set<std::string> pans;
  char pan[16];
  for (uint32_t serial = 0; serial < 200'000; ++serial) {
    write_pan(serial, 5, pan);
    ASSERT_TRUE(pans.insert(std::string(pan, 16)).second) << serial;
  }
}

SimulatedPayment example(const Merchant& merchant) {
  SimulatedPayment p;
  p.number = 42;
  p.id_prefix = "t-";
  p.event_time = *parse_rfc3339("2026-03-04T05:06:07.089Z");
  write_pan(0, 0, p.pan.data());
  p.merchant = &merchant;
  p.amount_minor = 1'205;
  p.place = {525'001, -7};
  p.device = 0xabcull << 16;
  p.entry = EntryMode::ecom;
  p.scenario = Scenario::card_testing;
  return p;
}

TEST(SimulatedPayment, WritesEveryField) {
  Merchant merchant{"Nova Apps Online 9", {-10'500, 139'000}, 1, category::digital, 35, true, true};
  SimulatedPayment p = example(merchant);
  std::string pan(p.pan.data(), 16), json, csv;
  p.append_json(json);
  EXPECT_EQ(
      json,
      "{\"payment_id\":\"t-42\",\"event_time\":\"2026-03-04T05:06:07.089Z\",\"card\":\"" + pan +
          "\",\"merchant\":\"Nova Apps Online 9\",\"category\":\"digital\",\"amount\":\"12.05\","
          "\"currency\":\"USD\",\"latitude\":52.5001,\"longitude\":-0.0007,\"merchant_latitude\":"
          "-1.0500,\"merchant_longitude\":13.9000,\"device\":\"dev-000000000abc\",\"channel\":"
          "\"online\",\"country\":\"US\",\"entry_mode\":\"ecom\",\"is_fraud\":1,"
          "\"fraud_scenario\":\"card_testing\"}\n");
  p.append_csv(csv);
  EXPECT_EQ(csv, "t-42,2026-03-04T05:06:07.089Z," + pan +
                     ",Nova Apps Online 9,digital,12.05,USD,52.5001,-0.0007,-1.0500,13.9000,"
                     "dev-000000000abc,online,US,ecom,1,card_testing\n");
}

TEST(SimulatedPayment, LeavesOutWhatIsNotThere) {
  Merchant merchant{"Nova Market Berlin 1", {1, 2}, 1, category::groceries, 0, false, false};
  SimulatedPayment p = example(merchant);
  p.device = 0;
  p.scenario = Scenario::none;
  std::string json, unlabelled, csv(SimulatedPayment::csv_header());
  p.append_json(json);
  EXPECT_EQ(json.find("device"), std::string::npos);
  EXPECT_NE(json.find("\"is_fraud\":0,\"fraud_scenario\":\"\"}"), std::string::npos);
  p.append_json(unlabelled, Labels::left_out);
  EXPECT_EQ(unlabelled, json.substr(0, json.find(",\"is_fraud\"")) + "}\n");
  p.append_csv(csv);
  std::string_view row = std::string_view(csv).substr(csv.find('\n'));
  EXPECT_EQ(std::count(row.begin(), row.end(), ','), 16);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), ','), 32);
  EXPECT_NE(csv.find(",0.0002,,pos,DE,ecom,0,\n"), std::string::npos);
}

TEST(Simulator, TextNeedsNoEscapes) {
  World world({.seed = 9, .customers = 1, .merchants = 3'000, .payments_per_day_per_customer = 1});
  std::set<std::string> names;
  for (const Merchant& merchant : world.merchants()) {
    EXPECT_LE(merchant.name.size(), 64u);
    EXPECT_TRUE(names.insert(merchant.name).second) << merchant.name;
    for (char c : merchant.name)
      EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == ' ') << merchant.name;
  }
}

TEST(Simulator, RefusesOptionsOutOfRange) {
  struct Row {
    SimulatorOptions options;
    const char* names;
  };
  for (const Row& row :
       {Row{{.customers = 0}, "customers"}, Row{{.customers = 5'000'001}, "customers"},
        Row{{.merchants = 99}, "merchants"},
        Row{{.payments_per_day_per_customer = 0}, "payments a day"},
        Row{{.payments_per_day_per_customer = NAN}, "payments a day"},
        Row{{.fraud_share = 0.3}, "fraud share"}, Row{{.fraud_share = -0.1}, "fraud share"},
        Row{{.id_prefix = "a\"b"}, "id prefix"},
        Row{{.id_prefix = std::string(33, 'a')}, "id prefix"},
        Row{{.start = EventTime(-1)}, "1970"}}) {
    auto simulator = Simulator::create(row.options);
    ASSERT_FALSE(simulator) << row.names;
    EXPECT_NE(simulator.error().what.find(row.names), std::string::npos)
        << simulator.error().line();
  }
  for (double rate : {0.0, -1.0, 1e6, static_cast<double>(NAN)})
    EXPECT_FALSE(LiveSimulator::create({.payments_per_second = rate}));
}

TEST(Simulator, SmallestAndFraudlessWorldsWork) {
  Simulator tiny = make({.customers = 1, .merchants = 100, .payments_per_day_per_customer = 0.05});
  EXPECT_FALSE(lines(tiny, 300).empty());
  Simulator honest = make({.fraud_share = 0});
  EXPECT_EQ(lines(honest, 50'000).find("\"is_fraud\":1"), std::string::npos);
}

TEST(Simulator, CustomersPayAsOftenAsAsked) {
  for (double frequency : {0.5, 1.5, 6.0}) {
    SimulatorOptions options{.customers = 2'000, .payments_per_day_per_customer = frequency};
    Simulator simulator = make(options);
    SimulatedPayment payment;
    double count = 0;
    for (; payment.event_time < options.start + days(14); ++count) simulator.next(payment);
    EXPECT_NEAR(count / 2'000 / 14, frequency, frequency * 0.12);
  }
}

TEST(LiveSimulator, KeepsTheRateAndDatesPaymentsWhenDue) {
  EventTime start = *parse_rfc3339("2026-11-22T18:00:00.500Z");
  auto live = LiveSimulator::create({.world = {.start = start}, .payments_per_second = 300});
  ASSERT_TRUE(live);
  SimulatedPayment payment;
  for (int i = 0; i < 3'000; ++i) {
    live->next(payment);
    ASSERT_EQ(payment.event_time, start + milliseconds(i * 1000 / 300));
    ASSERT_EQ(payment.number, static_cast<uint64_t>(i + 1));
  }
}

// What a minute of demonstration must show, at any hour of the day.
TEST(LiveSimulator, AMinuteHoldsCasesOfEveryKindButTheSlowest) {
  for (const char* start :
       {"2026-11-22T03:00:00Z", "2026-11-23T12:00:00Z", "2026-11-24T20:00:00Z"}) {
    auto live =
        LiveSimulator::create({.world = {.start = *parse_rfc3339(start), .fraud_share = 0.02}});
    SimulatedPayment payment;
    std::unordered_map<Scenario, std::set<uint32_t>> victims;
    int frauds = 0;
    for (int i = 0; i < 6'000; ++i) {
      live->next(payment);
      frauds += payment.is_fraud();
      if (payment.is_fraud()) victims[payment.scenario].insert(payment.customer);
    }
    EXPECT_GE(frauds, 40) << start;
    EXPECT_LE(frauds, 180) << start;
    for (Scenario s : {Scenario::stolen_card, Scenario::card_testing, Scenario::account_takeover})
      EXPECT_GE(victims[s].size(), 3u) << start << " " << name_of(s);
  }
}

TEST(LiveSimulator, HoldsItsFraudShareForHours) {
  auto live = LiveSimulator::create({.world = {.seed = 5, .fraud_share = 0.02}});
  SimulatedPayment payment;
  std::array<int, kScenarios> count{};
  for (int i = 0; i < 200'000; ++i) {
    live->next(payment);
    ++count[static_cast<size_t>(payment.scenario)];
  }
  EXPECT_NEAR((200'000 - count[0]) / 200'000.0, 0.02, 0.003);
  for (size_t s = 1; s < kScenarios; ++s) EXPECT_GE(count[s], 500) << s;
}

TEST(LiveSimulator, GoesOnWithTheWorldOfAHistory) {
  Simulator history = make({.seed = 11});
  SimulatedPayment payment;
  std::unordered_set<std::string> cards;
  for (int i = 0; i < 250'000; ++i) {
    history.next(payment);
    cards.insert(std::string(payment.pan.data(), 16));
  }
  EventTime start = payment.event_time;
  World world = std::move(history).take_world();
  uint32_t issued = world.cards_issued();
  EXPECT_GT(issued, 5'100u);  // stolen ones were replaced
  auto live = LiveSimulator::create({.world = {.seed = 11, .start = start}}, std::move(world));
  int known = 0;
  for (int i = 0; i < 6'000; ++i) {
    live->next(payment);
    known += cards.contains(std::string(payment.pan.data(), 16));
  }
  EXPECT_GE(known, 5'700);
}

}  // namespace
}  // namespace paywarden
