// A labelled payment of the simulator, ready to be written as a line of NDJSON or CSV.
//
//   SimulatedPayment p;
//   simulator.next(p);
//   p.append_json(out);     // {"payment_id":"sim-1-1",...,"is_fraud":0,"fraud_scenario":""}\n
//   p.append_csv(out);      // the same fields in the order of csv_header()
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/time.h"
#include "simulator/habits.h"

namespace paywarden {

enum class Labels { written, left_out };  // is_fraud and fraud_scenario

struct SimulatedPayment {
  uint64_t number = 0;         // 1, 2, 3... within its stream
  std::string_view id_prefix;  // points into the simulator, as the merchant does
  EventTime event_time;        // may be overwritten before it is written out
  std::array<char, 16> pan{};  // synthetic: see write_pan in world.h
  const Merchant* merchant = nullptr;
  uint32_t customer = 0;  // index in the simulated world; not written out
  uint32_t amount_minor = 0;
  Place place;
  uint64_t device = 0;  // 0: none; left out of JSON, empty in CSV
  EntryMode entry = EntryMode::chip;
  Scenario scenario = Scenario::none;

  bool is_fraud() const { return scenario != Scenario::none; }
  std::string_view channel() const;   // "pos", "online" or "atm"
  std::string_view currency() const;  // "EUR" or "USD", both with two decimals
  std::string payment_id() const;     // prefix and number

  // Append one line with its newline. Every text is ASCII that needs neither escapes nor quotes.
  // Labels are left out of what is sent to a server: in real life nobody knows them yet.
  void append_json(std::string& out, Labels labels = Labels::written) const;
  void append_csv(std::string& out) const;
  static std::string_view csv_header();  // with newline
};

}  // namespace paywarden
