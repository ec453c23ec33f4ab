// ns a row of the compiled forest on each instruction set, beside XGBoost's own C API in the same
// process on one thread; the label says how many times faster. One row: whichever of XGBoost's two
// ways (in-place prediction, a new DMatrix) is the faster.
//
// Times are CPU time of the one thread. Rows are visited in an order that depends on the last
// score, so that no two single rows overlap.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <tuple>

#include "base/cpu_time.h"
#include "forest/compiled_forest.h"
#include "forest/forest_testing.h"
#include "forest/reasons.h"

namespace paywarden {
namespace {

constexpr uint32_t features = 32;
constexpr size_t rows_count = 4096;

bool tiny() {
  return std::getenv("PAYWARDEN_BENCH_TINY") != nullptr;
}

struct Subject {
  TreeModel model;
  std::vector<float> rows;
  std::unique_ptr<XgboostReferee> xgboost;
};

std::map<std::pair<uint32_t, uint32_t>, Subject>& subjects() {
  static std::map<std::pair<uint32_t, uint32_t>, Subject> made;
  return made;
}

// 250 distinct thresholds a feature, as many as XGBoost's histograms have.
const Subject& subject(uint32_t trees, uint32_t depth) {
  Subject& s = subjects()[{trees, depth}];
  if (s.xgboost) return s;
  Random random(trees * 100 + depth);
  s.model = random_model(random, {.trees = trees,
                                  .depth = depth,
                                  .features = features,
                                  .leaf_chance = 0,
                                  .distinct_thresholds = 250});
  for (size_t i = 0; i < rows_count; ++i) {
    std::vector<float> row = random_row(random, s.model, false);
    s.rows.insert(s.rows.end(), row.begin(), row.end());
  }
  s.xgboost = std::make_unique<XgboostReferee>(write_xgboost_json(s.model));
  return s;
}

size_t next_row(size_t row, float score, size_t batch) {
  return (row * 5 + batch + (score > 0.5f)) % (rows_count - batch);
}

// XGBoost's in-place prediction from a dense array.
float in_place(const Subject& s, size_t row, size_t batch) {
  std::string values =
      fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                  reinterpret_cast<uintptr_t>(&s.rows[row * features]), batch, features);
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* scores = nullptr;
  XgboostReferee::require(XGBoosterPredictFromDense(
      s.xgboost->handle(), values.c_str(),
      R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"missing":NaN,"cache_id":0})",
      nullptr, &shape, &dimensions, &scores));
  return scores[0];
}

// A matrix made for the rows, as a program that has payments and not a file must.
float by_matrix(const Subject& s, size_t row, size_t batch) {
  DMatrixHandle matrix = nullptr;
  XgboostReferee::require(
      XGDMatrixCreateFromMat(&s.rows[row * features], batch, features, std::nanf(""), &matrix));
  bst_ulong count = 0;
  const float* scores = nullptr;
  XgboostReferee::require(XGBoosterPredict(s.xgboost->handle(), matrix, 0, 0, 0, &count, &scores));
  float first = scores[0];
  XGDMatrixFree(matrix);
  return first;
}

using Key = std::tuple<uint32_t, uint32_t, size_t>;  // trees, depth, batch
std::map<Key, double>& xgboost_ns() {
  static std::map<Key, double> ns;
  return ns;
}

template <typename Score>
double time_rows(benchmark::State& state, size_t batch, Score score) {
  size_t row = 0, rows = 0;
  double start = thread_cpu_ns();
  for (auto _ : state) {
    row = next_row(row, score(row), batch);
    rows += batch;
  }
  double took = thread_cpu_ns() - start;
  double ns = took / static_cast<double>(rows);
  state.counters["ns_row"] = ns;
  return ns;
}

void xgboost(benchmark::State& state, Key key, float (*way)(const Subject&, size_t, size_t)) {
  auto [trees, depth, batch] = key;
  const Subject& s = subject(trees, depth);
  double ns = time_rows(state, batch, [&, rows = batch](size_t row) { return way(s, row, rows); });
  double& best = xgboost_ns()[key];
  best = best == 0 ? ns : std::min(best, ns);
}

void compiled(benchmark::State& state, Key key, Isa isa) {
  auto [trees, depth, batch] = key;
  const Subject& s = subject(trees, depth);
  auto forest = CompiledForest::compile(s.model, isa);
  CHECK(forest, "the model compiles");
  std::vector<float> out(batch);
  double ns = time_rows(state, batch, [&, rows = batch](size_t row) {
    if (rows == 1) return forest->score(&s.rows[row * features]);
    forest->score_batch(&s.rows[row * features], features, rows, out.data());
    return out[0];
  });
  state.counters["bytes_tree"] = static_cast<double>(forest->memory_bytes()) / trees;
  state.SetLabel(fmt::format("{:.1f}x XGBoost", xgboost_ns()[key] / ns));
}

void add_forest(uint32_t trees, uint32_t depth, size_t batch) {
  Key key{trees, depth, batch};
  std::string name = fmt::format("{} trees x depth {}/batch {}/", trees, depth, batch);
  benchmark::RegisterBenchmark((name + "XGBoost in place").c_str(), xgboost, key, in_place);
  benchmark::RegisterBenchmark((name + "XGBoost matrix").c_str(), xgboost, key, by_matrix);
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::scalar})
    if (is_supported(isa))
      benchmark::RegisterBenchmark((name + name_of(isa)).c_str(), compiled, key, isa);
}

// pred_contribs of one row.
float xgboost_reasons_of(const Subject& s, size_t row) {
  DMatrixHandle matrix = nullptr;
  XgboostReferee::require(
      XGDMatrixCreateFromMat(&s.rows[row * features], 1, features, std::nanf(""), &matrix));
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  XgboostReferee::require(XGBoosterPredictFromDMatrix(
      s.xgboost->handle(), matrix,
      R"({"type":2,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false})",
      &shape, &dimensions, &values));
  float first = values[0];
  XGDMatrixFree(matrix);
  return first;
}

constexpr size_t reasons_key = 0;  // as a batch size

void xgboost_reasons(benchmark::State& state, uint32_t trees, uint32_t depth) {
  const Subject& s = subject(trees, depth);
  xgboost_ns()[{trees, depth, reasons_key}] =
      time_rows(state, 1, [&](size_t row) { return xgboost_reasons_of(s, row); });
}

void compiled_reasons(benchmark::State& state, uint32_t trees, uint32_t depth, Isa isa) {
  const Subject& s = subject(trees, depth);
  auto reasons = Reasons::build(s.model, isa);
  CHECK(reasons, "the model has reasons");
  Reasons::Scratch scratch = reasons->make_scratch();
  std::vector<float> out(features + 1);
  double ns = time_rows(state, 1, [&](size_t row) {
    reasons->contributions(&s.rows[row * features], out.data(), scratch);
    return out[0];
  });
  state.counters["bytes_tree"] = static_cast<double>(reasons->memory_bytes()) / trees;
  state.SetLabel(fmt::format("{:.1f}x XGBoost", xgboost_ns()[{trees, depth, reasons_key}] / ns));
}

void add_reasons(uint32_t trees, uint32_t depth) {
  std::string name = fmt::format("{} trees x depth {}/reasons/", trees, depth);
  benchmark::RegisterBenchmark((name + "XGBoost").c_str(), xgboost_reasons, trees, depth);
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::scalar})
    if (is_supported(isa))
      benchmark::RegisterBenchmark((name + name_of(isa)).c_str(), compiled_reasons, trees, depth,
                                   isa);
}

void add_all() {
  for (uint32_t trees : {100u, 200u, 300u})
    for (uint32_t depth : {6u, 8u})
      for (size_t batch : {1, 8, 64})
        if (!tiny() || (trees == 100 && depth == 6)) add_forest(trees, depth, batch);
  for (auto [trees, depth] : {std::pair(100u, 6u), {200u, 6u}, {200u, 8u}})
    if (!tiny() || trees == 100) add_reasons(trees, depth);
}

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  paywarden::add_all();
  benchmark::RunSpecifiedBenchmarks();
  paywarden::subjects().clear();  // XGBoost's own statics are gone when ours would be
}
