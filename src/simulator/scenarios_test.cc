// Looks at a stream as an analyst would: is each scenario there with its signature, are its honest
// look-alikes there, and is no single field enough to tell them apart?
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "simulator/simulator.h"

namespace paywarden {
namespace {

constexpr int kPayments = 400'000;

const std::vector<SimulatedPayment>& stream() {
  static Simulator simulator = *Simulator::create({.seed = 2});
  static std::vector<SimulatedPayment> payments = [] {
    std::vector<SimulatedPayment> all(kPayments);
    for (SimulatedPayment& payment : all) simulator.next(payment);
    return all;
  }();
  return payments;
}

using Predicate = std::function<bool(const SimulatedPayment&)>;

double share(Scenario scenario, const Predicate& holds) {
  double all = 0, held = 0;
  for (const SimulatedPayment& p : stream()) {
    if (p.scenario != scenario) continue;
    ++all;
    held += holds(p);
  }
  return held / all;
}

bool at_night(const SimulatedPayment& p) {
  return hour_of(p.event_time) >= 21 || hour_of(p.event_time) < 6;
}
bool costly(const SimulatedPayment& p) {
  using namespace category;
  uint8_t c = p.merchant->category;
  return c == electronics || c == jewellery || c == clothing || c == cash || c == gift_cards;
}
bool small(const SimulatedPayment& p) {
  return p.amount_minor < 600;
}
bool large(const SimulatedPayment& p) {
  return p.amount_minor >= 10'000;
}
bool online(const SimulatedPayment& p) {
  return p.merchant->online;
}
bool swiped(const SimulatedPayment& p) {
  return p.entry == EntryMode::swipe;
}
bool far_from_merchant(const SimulatedPayment& p) {
  auto apart = [](int32_t a, int32_t b) { return std::abs(a - b) > 20'000; };  // 2 degrees
  return apart(p.place.latitude_e4, p.merchant->place.latitude_e4) ||
         apart(p.place.longitude_e4, p.merchant->place.longitude_e4);
}

TEST(Scenarios, EachHasItsSignature) {
  struct Row {
    Scenario scenario;
    const char* what;
    Predicate holds;
    double at_least;
    double at_most;
  };
  using enum Scenario;
  for (const Row& row : {
           Row{stolen_card, "at night", at_night, 0.5, 0.85},
           Row{stolen_card, "costly category", costly, 0.7, 0.95},
           Row{stolen_card, "online", online, 0, 0},
           Row{card_testing, "online", online, 1, 1},
           Row{card_testing, "small amount", small, 0.65, 0.9},
           Row{card_testing, "large amount", large, 0.05, 0.25},
           Row{compromised_merchant, "swiped", swiped, 0.2, 0.6},
           Row{compromised_merchant, "online", online, 0.4, 0.8},
           Row{account_takeover, "online", online, 1, 1},
           Row{account_takeover, "100.00 or more", large, 0.3, 0.7},
           Row{none, "at night", at_night, 0.08, 0.3},
           Row{none, "online", online, 0.25, 0.45},
           Row{none, "small amount", small, 0.1, 0.35},
           Row{none, "swiped", swiped, 0.01, 0.05},
           Row{none, "far from the merchant", far_from_merchant, 0.1, 0.5},
       }) {
    double measured = share(row.scenario, row.holds);
    EXPECT_GE(measured, row.at_least) << name_of(row.scenario) << " " << row.what;
    EXPECT_LE(measured, row.at_most) << name_of(row.scenario) << " " << row.what;
  }
}

TEST(Scenarios, FraudShareHoldsAndFluctuates) {
  std::map<int64_t, std::pair<double, double>> days_seen;  // day -> payments, frauds
  std::array<double, kScenarios> count{};
  for (const SimulatedPayment& p : stream()) {
    auto& [payments, frauds] = days_seen[day_of(p.event_time)];
    ++payments;
    frauds += p.is_fraud();
    ++count[static_cast<size_t>(p.scenario)];
  }
  double total = kPayments - count[0];
  EXPECT_NEAR(total / kPayments, 0.005, 0.0007);
  for (size_t s = 1; s < kScenarios; ++s)
    EXPECT_GE(count[s] / total, 0.12) << name_of(static_cast<Scenario>(s));
  double lowest = 1, highest = 0;
  for (const auto& [day, seen] : days_seen) {
    if (day == days_seen.rbegin()->first) continue;  // cut off
    lowest = std::min(lowest, seen.second / seen.first);
    highest = std::max(highest, seen.second / seen.first);
  }
  EXPECT_LT(lowest, 0.0035);
  EXPECT_GT(highest, 0.0065);
}

TEST(Scenarios, MostAmountsAreEuros) {
  double dollars = share(Scenario::none, [](const auto& p) { return p.currency() == "USD"; });
  EXPECT_GE(dollars, 0.015);
  EXPECT_LE(dollars, 0.05);
}

// Payments of one case: the frauds of one card, in order.
std::map<std::string, std::vector<const SimulatedPayment*>> cases(Scenario scenario) {
  std::map<std::string, std::vector<const SimulatedPayment*>> by_card;
  for (const SimulatedPayment& p : stream())
    if (p.scenario == scenario) by_card[std::string(p.pan.data(), 16)].push_back(&p);
  return by_card;
}

TEST(Scenarios, CardTestingIsSmallAmountsWithinMinutesThenALargeOne) {
  int bursts = 0, then_large = 0, all = 0;
  for (const auto& [card, payments] : cases(Scenario::card_testing)) {
    ++all;
    bursts += payments.size() >= 3 &&
              payments[2]->event_time - payments[0]->event_time <= minutes(5) &&
              small(*payments[0]) && small(*payments[1]) && small(*payments[2]);
    then_large += payments.back()->amount_minor > 2'000;
  }
  EXPECT_GE(bursts, all * 0.9);
  EXPECT_GE(then_large, all * 0.4);
  EXPECT_LE(then_large, all * 0.85);
}

TEST(Scenarios, ATakeoverComesFromADeviceThatTheCardNeverUsed) {
  std::unordered_map<uint32_t, std::unordered_set<uint64_t>> known;  // customer -> devices
  double takeovers = 0, takeovers_new = 0, honest = 0, honest_new = 0;
  for (const SimulatedPayment& p : stream()) {
    if (p.device == 0) continue;
    auto& devices = known[p.customer];
    bool is_new = !devices.empty() && devices.insert(p.device).second;
    if (devices.empty()) devices.insert(p.device);
    takeovers += p.scenario == Scenario::account_takeover;
    takeovers_new += is_new && p.scenario == Scenario::account_takeover;
    honest += !p.is_fraud();
    honest_new += is_new && !p.is_fraud();
  }
  EXPECT_GE(takeovers_new, 0.15 * takeovers);  // the first payment of each case
  EXPECT_GE(honest_new, 0.002 * honest);       // telephones are replaced, or used side by side
}

TEST(Scenarios, VictimsOfACompromiseHavePaidAtOneShop) {
  auto victims_by_shop = [](Scenario scenario) {
    std::unordered_map<uint32_t, EventTime> misused;  // customer -> first fraud
    for (const SimulatedPayment& p : stream())
      if (p.scenario == scenario) misused.emplace(p.customer, p.event_time);
    std::unordered_map<const Merchant*, std::set<uint32_t>> paid;
    for (const SimulatedPayment& p : stream())
      if (auto it = misused.find(p.customer); !p.is_fraud() && it != misused.end() &&
                                              p.event_time < it->second &&
                                              p.event_time > it->second - days(9))
        paid[p.merchant].insert(p.customer);
    size_t most = 0;
    for (const auto& [merchant, customers] : paid) most = std::max(most, customers.size());
    return static_cast<double>(most) / static_cast<double>(misused.size());
  };
  double compromised = victims_by_shop(Scenario::compromised_merchant);
  double stolen = victims_by_shop(Scenario::stolen_card);
  EXPECT_GT(compromised, 0.04);
  EXPECT_GT(compromised, 1.5 * stolen);  // some shops are simply popular
}

TEST(Scenarios, AStolenCardIsReplaced) {
  std::unordered_map<uint32_t, std::set<std::string>> cards;
  std::unordered_set<uint32_t> victims;
  for (const SimulatedPayment& p : stream()) {
    cards[p.customer].insert(std::string(p.pan.data(), 16));
    if (p.is_fraud()) victims.insert(p.customer);
  }
  int replaced = 0;
  for (const auto& [customer, numbers] : cards) {
    EXPECT_TRUE(numbers.size() == 1 || victims.contains(customer)) << customer;
    replaced += numbers.size() > 1;
  }
  EXPECT_GT(replaced, static_cast<int>(victims.size()) * 7 / 10);
}

TEST(Scenarios, HonestPeopleAlsoTravelAndBuyInBursts) {
  std::unordered_map<uint32_t, EventTime> last;
  std::unordered_map<uint32_t, int> run;
  int bursts = 0, big = 0, abroad = 0;
  for (const SimulatedPayment& p : stream()) {
    if (p.is_fraud()) continue;
    auto it = last.find(p.customer);
    bool soon = it != last.end() && p.event_time - it->second < minutes(4);
    run[p.customer] = soon ? run[p.customer] + 1 : 0;
    bursts += run[p.customer] == 2;  // three payments, each within four minutes of the last
    last[p.customer] = p.event_time;
    big += p.amount_minor > 100'000;
    abroad += !p.merchant->online && far_from_merchant(p);
  }
  EXPECT_GT(bursts, kPayments / 1'000);
  EXPECT_GT(big, kPayments / 2'000);
  EXPECT_GT(abroad, kPayments / 200);
}

using Score = std::function<double(const SimulatedPayment&)>;

// Area under the ROC curve (Mann and Whitney), ties halved, in the better direction.
double separation(Scenario scenario, const Score& score, size_t from) {
  std::vector<std::pair<double, bool>> rows;
  for (size_t i = from; i < stream().size(); ++i)
    if (const SimulatedPayment& p = stream()[i]; p.scenario == scenario || !p.is_fraud())
      rows.emplace_back(score(p), p.is_fraud());
  std::sort(rows.begin(), rows.end());
  double frauds = 0, honest_before = 0, wins = 0;
  for (size_t i = 0; i < rows.size();) {
    double tied_honest = 0, tied_fraud = 0;
    for (size_t first = i; i < rows.size() && rows[i].first == rows[first].first; ++i)
      (rows[i].second ? tied_fraud : tied_honest) += 1;
    wins += tied_fraud * (honest_before + tied_honest / 2);
    honest_before += tied_honest;
    frauds += tied_fraud;
  }
  double area = wins / (frauds * honest_before);
  return std::max(area, 1 - area);
}

// How often the value was this fraud in the first half of the stream.
template <typename Value>
Score past_rate(Scenario scenario, Value value_of) {
  std::map<decltype(value_of(stream()[0])), std::pair<double, double>> seen;
  for (size_t i = 0; i < stream().size() / 2; ++i) {
    auto& [all, frauds] = seen[value_of(stream()[i])];
    ++all;
    frauds += stream()[i].scenario == scenario;
  }
  return [seen, value_of](const SimulatedPayment& p) {
    auto it = seen.find(value_of(p));
    return it == seen.end() ? 0.005 : (it->second.second + 0.005) / (it->second.first + 1);
  };
}

TEST(Scenarios, NoSingleFieldTellsThemApart) {
  using P = SimulatedPayment;
  for (Scenario s : {Scenario::stolen_card, Scenario::card_testing, Scenario::compromised_merchant,
                     Scenario::account_takeover}) {
    struct Row {
      const char* field;
      Score score;
    };
    for (const Row& row : {
             Row{"amount", [](const P& p) { return p.amount_minor; }},
             Row{"latitude", [](const P& p) { return p.place.latitude_e4; }},
             Row{"longitude", [](const P& p) { return p.place.longitude_e4; }},
             Row{"merchant_latitude", [](const P& p) { return p.merchant->place.latitude_e4; }},
             Row{"merchant_longitude", [](const P& p) { return p.merchant->place.longitude_e4; }},
             Row{"hour", past_rate(s, [](const P& p) { return hour_of(p.event_time); })},
             Row{"category", past_rate(s, [](const P& p) { return p.merchant->category; })},
             Row{"merchant", past_rate(s, [](const P& p) { return p.merchant; })},
             Row{"channel", past_rate(s, [](const P& p) { return p.channel(); })},
             Row{"country",
                 past_rate(s, [](const P& p) { return cities()[p.merchant->city].country; })},
             Row{"currency", past_rate(s, [](const P& p) { return p.currency(); })},
             Row{"entry_mode", past_rate(s, [](const P& p) { return p.entry; })},
             Row{"has device", [](const P& p) { return p.device != 0; }},
         })
      EXPECT_LT(separation(s, row.score, stream().size() / 2), 0.95)
          << name_of(s) << " by " << row.field;
  }
}

}  // namespace
}  // namespace paywarden
