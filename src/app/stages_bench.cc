// What one payment costs, stage by stage, on one core: the demo's configuration, simulated payments, a model of exactly 200 trees of
// depth 6 trained on them. Prints thread CPU time in ns a payment, best of some rounds, in one run with XGBoost's own time for
// one row as the ratio. Prints, asserts nothing.
#include <fmt/format.h>
#include <xgboost/c_api.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "app/setup.h"
#include "base/cpu_time.h"
#include "features/reason_sentences.h"
#include "forest/reasons.h"
#include "forest/xgboost_json.h"
#include "log/segment.h"
#include "simulator/simulator.h"
#include "training/booster.h"

namespace paywarden {
namespace {

struct Sizes {
  size_t warm, rounds, batch;
  uint32_t customers;
};

// One payment's row through XGBoost's in-place prediction, one thread.
double xgboost_ns(const std::string& model_json, const std::vector<float>& rows, size_t columns) {
  BoosterHandle booster = nullptr;
  XGBoosterCreate(nullptr, 0, &booster);
  XGBoosterLoadModelFromBuffer(booster, model_json.data(), model_json.size());
  XGBoosterSetParam(booster, "nthread", "1");
  double best = 1e18;
  for (int round = 0; round < 5; ++round) {
    double start = thread_cpu_ns();
    const int n = 50;
    for (int i = 0; i < n; ++i) {
      DMatrixHandle one = nullptr;
      XGDMatrixCreateFromMat(rows.data() + static_cast<size_t>(i) * columns, 1, columns,
                             std::nanf(""), &one);
      bst_ulong length = 0;
      const float* out = nullptr;
      XGBoosterPredict(booster, one, 0, 0, 0, &length, &out);
      XGDMatrixFree(one);
    }
    best = std::min(best, (thread_cpu_ns() - start) / n);
  }
  XGBoosterFree(booster);
  return best;
}

class Bench {
 public:
  Bench(const Config& config, Sizes sizes)
      : config_(config),
        sizes_(sizes),
        tokeniser_(*Tokeniser::create(std::string(32, 'k'), "bench")) {}

  Status run() {
    SimulatorOptions world;
    world.customers = sizes_.customers;
    TRY_ASSIGN(Simulator simulator, Simulator::create(world));
    PaymentParser parser(config_.schema, tokeniser_, {});
    TRY_ASSIGN(auto windows, WindowState::create(config_.features, config_.schema.fields));
    columns_ = windows->feature_count();
    TRY(train(simulator, parser, *windows));
    return measure(simulator, parser, *windows);
  }

 private:
  void fill(Simulator& simulator, std::vector<std::string>& lines, std::vector<bool>* frauds) {
    SimulatedPayment payment;
    for (std::string& line : lines) {
      simulator.next(payment);
      line.clear();
      payment.append_json(line, Labels::left_out);
      if (frauds) frauds->push_back(payment.is_fraud());
      line.append(64, ' ');
    }
  }

  Status train(Simulator& simulator, PaymentParser& parser, WindowState& windows) {
    std::vector<std::string> lines(sizes_.warm);
    std::vector<bool> frauds;
    fill(simulator, lines, &frauds);
    DenseMatrix data(static_cast<uint32_t>(columns_));
    PaymentKeys keys;
    std::vector<float> row(columns_);
    Payment payment;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (parser.parse_json(lines[i], EventTime(), payment))
        return fail("a simulated payment was rejected");
      payment.amount_base_minor = payment.amount_minor;
      windows.keys_of(payment, keys);
      windows.observe(payment, keys, row.data());
      data.add(row.data(), frauds[i]);
      if (i < 64) sample_.insert(sample_.end(), row.begin(), row.end());
    }
    BoosterOptions options;
    options.trees = 200;
    options.depth = 6;
    options.early_stopping_rounds = 0;
    options.train_metric_every = 0;
    options.min_child_weight = 0.001;
    TRY_ASSIGN(model_, train_booster(data, nullptr, options));
    return {};
  }

  void stage(const char* name, double ns) {
    fmt::print("{:<46} {:>8.0f} ns\n", name, ns);
    sum_ += ns;
  }

  Status measure(Simulator& simulator, PaymentParser& parser, WindowState& windows) {
    TRY_ASSIGN(TreeModel trees, read_xgboost_json(model_.model_json, "the benchmark's model"));
    TRY_ASSIGN(CompiledForest forest, CompiledForest::compile(trees));
    auto names = config_.features.names();
    TRY_ASSIGN(
        Policy policy,
        Policy::create(RuleVocabulary(config_.schema.fields, names, config_.base_currency), {}));
    SeenPayments seen(days(7));
    GroupEncoder encoder;
    size_t n = sizes_.batch, stride = (columns_ + 15) / 16 * 16;
    std::vector<std::string> lines(n);
    std::vector<Payment> payments(n);
    std::vector<PaymentKeys> keys(n);
    std::vector<PaymentIdentity> identities(n);
    std::vector<float> rows(n * stride), scores(n);
    std::vector<Decision> decisions(n);
    double best[6];
    std::fill(std::begin(best), std::end(best), 1e18);
    uint64_t sequence = 1;
    for (size_t round = 0; round < sizes_.rounds; ++round) {
      fill(simulator, lines, nullptr);
      auto timed = [&](int which, const std::function<void()>& work) {
        double start = thread_cpu_ns();
        work();
        best[which] = std::min(best[which], (thread_cpu_ns() - start) / static_cast<double>(n));
      };
      timed(0, [&] {
        for (size_t i = 0; i < n; ++i)
          (void)parser.parse_json(std::string_view(lines[i]).substr(0, lines[i].size() - 64),
                                  EventTime(), payments[i], nullptr, lines[i].size());
      });
      timed(1, [&] {
        for (size_t i = 0; i < n; ++i) {
          identities[i] = identity_of(payments[i], config_.schema.fields);
          seen.prefetch(identities[i].id);
        }
        for (size_t i = 0; i < n; ++i) {
          uint64_t earlier = 0;
          auto [id, digest] = identities[i];
          if (seen.look(id, digest, earlier) == Sighting::fresh)
            seen.add(id, digest, sequence, payments[i].event_time);
        }
      });
      timed(2, [&] {
        for (size_t i = 0; i < n; ++i) {
          payments[i].amount_base_minor = payments[i].amount_minor;
          windows.keys_of(payments[i], keys[i]);
        }
        for (size_t i = 0; i < n; ++i) {
          windows.prefetch(keys, i);
          windows.observe_in_batch(payments[i], keys[i], &rows[i * stride]);
        }
        windows.finish_batch();
      });
      timed(3, [&] { forest.score_batch(rows.data(), stride, n, scores.data()); });
      timed(4, [&] {
        for (size_t i = 0; i < n; ++i) {
          decisions[i].reset();
          decisions[i].payment_id.assign(payments[i].id());
          decisions[i].event_time = payments[i].event_time;
          decisions[i].card = payments[i].card_masked;
          decisions[i].score = scores[i];
          (void)policy.decide({scores[i], {&rows[i * stride], columns_}, payments[i]},
                              decisions[i]);
        }
      });
      timed(5, [&] { sequence = write(encoder, payments, decisions, sequence); });
    }
    const char* kNames[] = {
        "parse JSON, map, token",    "known ids (body digest, table)",
        "window state and features", "200 trees of depth 6",
        "rules and thresholds",      "records, JSON answer, journal group with CRC"};
    fmt::print(
        "{} features over {} keys, {} trees, {} payments warm the state, {} bytes of JSON a "
        "payment\n",
        columns_, windows.group_count(), forest.tree_count(), sizes_.warm, lines[0].size() - 64);
    for (int i = 0; i < 6; ++i) stage(kNames[i], best[i]);
    fmt::print("{:<46} {:>8.0f} ns\n", "all", sum_);
    TRY(explain(trees, rows.data(), payments[0]));
    return compare(forest, rows.data());
  }

  uint64_t write(GroupEncoder& encoder, const std::vector<Payment>& payments,
                 const std::vector<Decision>& decisions, uint64_t sequence) {
    bytes_.clear();
    ends_.clear();
    uint64_t first = sequence;
    for (size_t i = 0; i < payments.size(); ++i, sequence += 2) {
      encode_payment(payments[i], config_.schema.fields, bytes_);
      ends_.push_back(bytes_.size());
      encode_decision(decisions[i], sequence, bytes_);
      ends_.push_back(bytes_.size());
    }
    records_.clear();
    for (size_t i = 0, from = 0; i < ends_.size(); from = ends_[i++])
      records_.push_back({i % 2 ? RecordKind::decision : RecordKind::payment,
                          std::string_view(bytes_).substr(from, ends_[i] - from),
                          i % 2 ? 0 : hash64(payments[i / 2].id())});
    (void)encoder.encode(7, first, records_);
    return sequence;
  }

  template <typename Work>
  static double best_ns(const Work& work) {
    double best = 1e18;
    for (int round = 0; round < 50; ++round) {
      double start = thread_cpu_ns();
      for (int i = 0; i < 100; ++i) work();
      best = std::min(best, (thread_cpu_ns() - start) / 100);
    }
    return best;
  }

  // What a review or decline costs beyond an approval: its five reasons, their sentences, and both in its JSON.
  Status explain(const TreeModel& trees, const float* row, const Payment& payment) {
    TRY_ASSIGN(Reasons reasons, Reasons::build(trees));
    Reasons::Scratch scratch = reasons.make_scratch();
    std::vector<float> pushes(columns_ + 1);
    double shap = best_ns([&] { reasons.contributions(row, pushes.data(), scratch); });
    Decision decision;
    for (size_t f = 0; f < columns_ && decision.reasons.size() < 5; f += columns_ / 5)
      decision.reasons.push_back({config_.features.specs()[f].name, row[f], 1.5, pushes[f]});
    std::string json;
    auto write_json = [&] {
      json.clear();
      append_json(decision, json);
    };
    double without = best_ns(write_json);
    size_t bytes_without = json.size();
    ReasonSentences sentences(config_.features, config_.schema.fields, config_.base_currency);
    double said = best_ns([&] { sentences.say(payment, decision.reasons); });
    double with = best_ns(write_json);
    fmt::print(
        "five reasons: SHAP {:.0f} ns, sentences {:.0f} ns, JSON of the decision {:.0f} ns with "
        "them and "
        "{:.0f} ns without ({} and {} bytes)\n",
        shap, said, with, without, json.size(), bytes_without);
    return {};
  }

  Status compare(const CompiledForest& forest, const float* row) {
    double best = 1e18;
    volatile float sink = 0;
    for (int round = 0; round < 20; ++round) {
      double start = thread_cpu_ns();
      for (int i = 0; i < 200; ++i) sink = sink + forest.score(row);
      best = std::min(best, (thread_cpu_ns() - start) / 200);
    }
    double theirs = xgboost_ns(model_.model_json, sample_, columns_);
    fmt::print("one row: {:.0f} ns, XGBoost's C API {:.0f} ns, ratio {:.1f}\n", best, theirs,
               theirs / best);
    return {};
  }

  const Config& config_;
  Sizes sizes_;
  Tokeniser tokeniser_;
  size_t columns_ = 0;
  std::vector<float> sample_;
  TrainedModel model_;
  double sum_ = 0;
  std::string bytes_;
  std::vector<size_t> ends_;
  std::vector<RecordToWrite> records_;
};

Status run() {
  // Few customers pass days in few payments: else there are no frauds yet to train on.
  bool tiny = std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;
  std::string file = "config/demo.toml";
  if (!std::filesystem::exists(file)) file = PAYWARDEN_SOURCE "/config/demo.toml";
  TRY_ASSIGN(auto config, load_config(file));
  return Bench(*config, tiny ? Sizes{3'000, 2, 64, 300} : Sizes{200'000, 300, 256, 5'000}).run();
}

}  // namespace
}  // namespace paywarden

int main() {
  auto status = paywarden::run();
  if (!status) fmt::print(stderr, "{}\n", status.error().line());
  return status ? 0 : 1;
}
