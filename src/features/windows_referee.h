// What the window features of a log are, by their definitions alone: rescans everything for each payment. For tests.
//
//   World world(config);                       // fields and features
//   Referee referee(world);
//   std::vector<double> expected = referee.features(payment);   // in the order of the log
//   referee.log()[i].label = 1;                // what is known of a payment
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "features/geo.h"
#include "features/window_state.h"

namespace paywarden {

struct World {
  FieldTable fields;
  FieldIndex device, items, weight;
  FeatureSet set;
  explicit World(const std::string& config) {
    device = *fields.add("device", FieldType::text);
    items = *fields.add("items", FieldType::integer);
    weight = *fields.add("weight", FieldType::number);
    auto parsed = FeatureSet::parse(toml::parse(config), fields, "test.toml");
    if (!parsed) ADD_FAILURE() << parsed.error().line();
    set = *parsed;
  }
  std::unique_ptr<WindowState> state() const {
    return std::move(*WindowState::create(set, fields));
  }
};

struct Seen {
  Payment payment;
  int label = -1;  // -1: none, 0: genuine, 1: fraud
};

// The definition, word for word: rescans everything that stands before P.
class Referee {
 public:
  explicit Referee(const World& world) : world_(world) {}

  std::vector<double> features(const Payment& p) {
    watermark_ = std::max(watermark_, p.event_time);
    std::vector<double> out;
    for (const FeatureSpec& spec : world_.set.specs()) out.push_back(feature(spec, p));
    log_.push_back({p});
    return out;
  }
  std::vector<Seen>& log() { return log_; }

 private:
  bool same_key(const FeatureSpec& spec, const Payment& a, const Payment& b) const {
    for (FieldIndex f : spec.by) {
      if (f == field::card ? a.card != b.card : a.text(f) != b.text(f)) return false;
      if (f != field::card && (!a.has(f) || !b.has(f))) return false;
    }
    return true;
  }
  static bool has(const Payment& p, FieldIndex f) { return f == field::amount || p.has(f); }
  double quantity(const Payment& p, FieldIndex f) const {
    if (f == field::amount) return static_cast<double>(p.amount_base_minor) / 100;
    return world_.fields[f].type == FieldType::number ? p.value(f).number
                                                      : static_cast<double>(p.value(f).integer);
  }

  double feature(const FeatureSpec& spec, const Payment& p) const {
    const double nan = std::nan("");
    for (FieldIndex f : spec.by)
      if (f != field::card && !p.has(f)) return nan;
    EventTime t = p.event_time;
    std::vector<const Seen*> window;  // without P
    const Seen* last = nullptr;
    EventTime first = t;
    for (const Seen& s : log_) {
      if (!same_key(spec, s.payment, p) || s.payment.event_time > t) continue;
      first = std::min(first, s.payment.event_time);
      if (!last || s.payment.event_time >= last->payment.event_time) last = &s;
      if (s.payment.event_time > t - spec.over) window.push_back(&s);
    }
    std::vector<double> values;  // with P
    for (const Seen* s : window)
      if (spec.field && spec.operation != Operation::count_distinct && has(s->payment, *spec.field))
        values.push_back(quantity(s->payment, *spec.field));
    double before = 0, sum = 0;
    for (double v : values) before += v;
    size_t n_before = values.size();
    bool own = spec.field && spec.operation != Operation::count_distinct && has(p, *spec.field);
    if (own) values.push_back(quantity(p, *spec.field));
    for (double v : values) sum += v;
    switch (spec.operation) {
      case Operation::count:
        return static_cast<double>(window.size() + 1);
      case Operation::sum:
        return sum;
      case Operation::mean:
        return values.empty() ? nan : sum / static_cast<double>(values.size());
      case Operation::min:
        return values.empty() ? nan : *std::min_element(values.begin(), values.end());
      case Operation::max:
        return values.empty() ? nan : *std::max_element(values.begin(), values.end());
      case Operation::stddev: {
        double mean = sum / static_cast<double>(values.size()), spread = 0;
        for (double v : values) spread += (v - mean) * (v - mean);
        return std::sqrt(spread / static_cast<double>(values.size()));
      }
      case Operation::count_distinct: {
        std::set<std::string_view> seen;
        for (const Seen* s : window)
          if (s->payment.has(*spec.field)) seen.insert(s->payment.text(*spec.field));
        if (p.has(*spec.field)) seen.insert(p.text(*spec.field));
        return static_cast<double>(seen.size());
      }
      case Operation::ratio:
        return !own || n_before == 0 || before == 0
                   ? nan
                   : quantity(p, *spec.field) / (before / static_cast<double>(n_before));
      case Operation::fraud_count:
      case Operation::fraud_rate: {
        double frauds = 0, known = 0;
        for (const Seen* s : window) {
          frauds += s->label == 1;
          known += s->label >= 0 || s->payment.event_time <= t - world_.set.options().label_delay;
        }
        return spec.operation == Operation::fraud_count ? frauds
               : known == 0                             ? nan
                                                        : frauds / known;
      }
      case Operation::rank: {
        auto below = std::count_if(values.begin(), values.end(),
                                   [&](double v) { return v < quantity(p, *spec.field); });
        return !own || n_before == 0 ? nan
                                     : static_cast<double>(below) / static_cast<double>(n_before);
      }
      case Operation::median_ratio:
      case Operation::deviation: {
        if (!own || n_before == 0) return nan;
        values.pop_back();
        double middle = median(values), mine = quantity(p, *spec.field);
        if (spec.operation == Operation::median_ratio) return middle == 0 ? nan : mine / middle;
        for (double& v : values) v = std::abs(v - middle);
        double distance = median(values);
        return distance == 0 ? nan : (mine - middle) / distance;
      }
      case Operation::count_above: {
        double total = 0, n = 0, above = 0;
        for (const Seen& s : log_) {
          if (!same_key(spec, s.payment, p) || s.payment.event_time > t ||
              s.payment.event_time <= t - spec.reference || !has(s.payment, *spec.field))
            continue;
          total += std::round(quantity(s.payment, *spec.field) * 100);
          ++n;
        }
        for (double v : values) above += std::round(v * 100) * n > spec.factor * total;
        return n == 0 ? nan : above;
      }
      case Operation::fraud_min:
      case Operation::time_since_fraud:
      case Operation::time_since_first_fraud:
      case Operation::count_since_fraud:
        return of_frauds(spec, window, t);
      case Operation::time_since_last:
        return last ? static_cast<double>((t - last->payment.event_time).ms()) / 1000 : nan;
      case Operation::age:
        return static_cast<double>((t - first).ms()) / 1000;
      case Operation::distance:
      case Operation::speed: {
        if (!last || !last->payment.has(field::merchant_latitude) ||
            !p.has(field::merchant_latitude))
          return nan;
        auto place = [](const Payment& q) {
          return GeoPoint{q.value(field::merchant_latitude).number,
                          q.value(field::merchant_longitude).number};
        };
        double km = distance_km(place(last->payment), place(p));
        return spec.operation == Operation::distance
                   ? km
                   : km * 3600 /
                         std::max(1.0,
                                  static_cast<double>((t - last->payment.event_time).ms()) / 1000);
      }
      default:
        return nan;
    }
  }

  static double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    size_t n = values.size();
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  }

  double of_frauds(const FeatureSpec& spec, std::vector<const Seen*> window, EventTime t) const {
    std::stable_sort(window.begin(), window.end(), [](const Seen* a, const Seen* b) {
      return a->payment.event_time < b->payment.event_time;
    });
    // A label names a time: of payments of one key at the same one it counts for the first.
    const double nan = std::nan("");
    double first = nan, last = nan, least = nan, known = 0;
    for (auto at = window.begin(); at != window.end();) {
      EventTime time = (*at)->payment.event_time;
      const Payment& named = (*at)->payment;
      bool settled = time <= t - world_.set.options().label_delay;
      double all = 0, frauds = 0, labelled = 0;
      for (; at != window.end() && (*at)->payment.event_time == time; ++at) {
        ++all;
        frauds += (*at)->label == 1;
        labelled += (*at)->label == 0;
      }
      if (frauds == 0) {
        known += settled ? all : labelled;
        continue;
      }
      known = settled ? all - 1 : 0;
      last = static_cast<double>((t - time).ms()) / 1000;
      if (std::isnan(first)) first = last;
      if (spec.field && has(named, *spec.field))
        least = std::fmin(least, quantity(named, *spec.field));
    }
    return std::isnan(last)                                      ? nan
           : spec.operation == Operation::fraud_min              ? least
           : spec.operation == Operation::time_since_fraud       ? last
           : spec.operation == Operation::time_since_first_fraud ? first
                                                                 : known;
  }

  const World& world_;
  std::vector<Seen> log_;
  EventTime watermark_ = EventTime::min();
};

}  // namespace paywarden
