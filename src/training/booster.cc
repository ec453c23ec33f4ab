#include "training/booster.h"

#include <fmt/format.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {

// XGBoost's messages are "[time] file:line: what" and then a stack trace.
tl::unexpected<Error> xgboost_failure(std::string_view doing) {
  std::string_view text = XGBGetLastError();
  text = text.substr(0, text.find('\n'));
  if (size_t at = text.find("Check failed"); at != std::string_view::npos) text = text.substr(at);
  return fail(fmt::format("XGBoost could not {}: {}", doing, text));
}

Status checked(int code, std::string_view doing) {
  if (code != 0) return xgboost_failure(doing);
  return {};
}

// Owns a handle of XGBoost's.
template <int (*Free)(void*)>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_) Free(handle_);
  }
  void* get() const { return handle_; }
  void** out() { return &handle_; }

 private:
  void* handle_ = nullptr;
};
using Matrix = Owned<XGDMatrixFree>;
using Booster = Owned<XGBoosterFree>;

std::string array_interface(const float* data, size_t rows, size_t columns) {
  return fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                     reinterpret_cast<uintptr_t>(data), rows, columns);
}

std::string matrix_config(const BoosterOptions& options) {
  return fmt::format(R"({{"missing":NaN,"nthread":{},"max_bin":{}}})", options.threads,
                     options.max_bin);
}

Status check_chunk(const MatrixChunk& chunk, size_t columns, size_t rows_before) {
  for (size_t i = 0; i < chunk.rows; ++i) {
    if (chunk.labels[i] != 0.0f && chunk.labels[i] != 1.0f)
      return fail(fmt::format("the label of training row {} is {}, not 0 or 1", rows_before + i,
                              chunk.labels[i]));
    for (size_t c = 0; c < columns; ++c)
      if (std::isinf(chunk.values[i * columns + c]))
        return fail(fmt::format("feature {} of training row {} is infinite", c, rows_before + i),
                    {}, "bound the feature, or leave the value missing");
  }
  return {};
}

Status set_info(void* matrix, const char* name, const float* values, size_t count) {
  constexpr int is_float = 1;
  return checked(XGDMatrixSetDenseInfo(matrix, name, values, count, is_float),
                 "take the labels or weights");
}

// Hands a source's chunks to XGBoost's callbacks. They cannot fail, so a failure ends the rows and
// is kept.
class Feed {
 public:
  explicit Feed(MatrixSource& source) : source_(source) {}

  Status open() { return checked(XGProxyDMatrixCreate(proxy_.out()), "create a matrix"); }
  void* proxy() const { return proxy_.get(); }
  const Status& status() const { return failure_; }
  size_t rows() const { return rows_; }

  static void reset(void* self) {
    Feed& feed = *static_cast<Feed*>(self);
    feed.source_.rewind();
    feed.rows_ = 0;
  }
  static int next(void* self) { return static_cast<Feed*>(self)->advance() ? 1 : 0; }

 private:
  bool advance() {
    if (!failure_) return false;
    auto more = pass_chunk();
    if (!more) failure_ = tl::unexpected(more.error());
    return more && *more;
  }
  Result<bool> pass_chunk() {
    MatrixChunk chunk;
    do {
      TRY_ASSIGN(bool more, source_.next(chunk));
      if (!more) return false;
    } while (chunk.rows == 0);
    TRY(check_chunk(chunk, source_.columns(), rows_));
    rows_ += chunk.rows;
    std::string values = array_interface(chunk.values, chunk.rows, source_.columns());
    TRY(checked(XGProxyDMatrixSetDataDense(proxy_.get(), values.c_str()), "take the rows"));
    TRY(set_info(proxy_.get(), "label", chunk.labels, chunk.rows));
    if (chunk.weights) TRY(set_info(proxy_.get(), "weight", chunk.weights, chunk.rows));
    return true;
  }

  MatrixSource& source_;
  Matrix proxy_;
  Status failure_;
  size_t rows_ = 0;
};

// `reference`: the training matrix, whose quantiles a validation matrix shares; may be null.
Result<Matrix> quantile_matrix(MatrixSource& source, const Matrix* reference,
                               const BoosterOptions& options) {
  Feed feed(source);
  TRY(feed.open());
  Feed::reset(&feed);
  Matrix matrix;
  int code = XGQuantileDMatrixCreateFromCallback(
      &feed, feed.proxy(), reference ? reference->get() : nullptr, Feed::reset, Feed::next,
      matrix_config(options).c_str(), matrix.out());
  TRY(feed.status());
  TRY(checked(code, "quantise the rows"));
  return matrix;
}

Result<Matrix> dense_matrix(MatrixSource& source, const BoosterOptions& options) {
  std::vector<float> values, labels, weights;
  MatrixChunk chunk;
  source.rewind();
  for (;;) {
    TRY_ASSIGN(bool more, source.next(chunk));
    if (!more) break;
    TRY(check_chunk(chunk, source.columns(), labels.size()));
    values.insert(values.end(), chunk.values, chunk.values + chunk.rows * source.columns());
    labels.insert(labels.end(), chunk.labels, chunk.labels + chunk.rows);
    for (size_t i = 0; i < chunk.rows; ++i)
      weights.push_back(chunk.weights ? chunk.weights[i] : 1.0f);
  }
  Matrix matrix;
  std::string all = array_interface(values.data(), labels.size(), source.columns());
  TRY(checked(XGDMatrixCreateFromDense(all.c_str(), matrix_config(options).c_str(), matrix.out()),
              "take the rows"));
  TRY(set_info(matrix.get(), "label", labels.data(), labels.size()));
  TRY(set_info(matrix.get(), "weight", weights.data(), weights.size()));
  return matrix;
}

Result<Matrix> matrix_of(MatrixSource& source, const Matrix* reference,
                         const BoosterOptions& options) {
  if (options.tree_method == TreeMethod::exact) return dense_matrix(source, options);
  return quantile_matrix(source, reference, options);
}

// Rows with each label; a model cannot be trained without both.
Status check_labels(MatrixSource& source, std::string_view what) {
  size_t frauds = 0, rows = 0;
  MatrixChunk chunk;
  source.rewind();
  for (;;) {
    TRY_ASSIGN(bool more, source.next(chunk));
    if (!more) break;
    rows += chunk.rows;
    for (size_t i = 0; i < chunk.rows; ++i) frauds += chunk.labels[i] != 0.0f;
  }
  if (frauds > 0 && frauds < rows) return {};
  return fail(fmt::format("the {} data have {} rows, {} of them frauds: both kinds are needed",
                          what, rows, frauds),
              {}, "take a longer span of data");
}

Status check_options(const BoosterOptions& options) {
  auto refuse = [](std::string_view name, auto value, std::string_view range) {
    return fail(fmt::format("training option {} is {}, not {}", name, value, range));
  };
  if (options.trees < 1 || options.trees > 10'000)
    return refuse("trees", options.trees, "1 to 10000");
  if (options.depth < 1 || options.depth > 16) return refuse("depth", options.depth, "1 to 16");
  if (options.max_bin < 2 || options.max_bin > 65'000)
    return refuse("max_bin", options.max_bin, "2 to 65000");
  if (!(options.learning_rate > 0 && options.learning_rate <= 1))
    return refuse("learning_rate", options.learning_rate, "above 0 and at most 1");
  if (!(options.subsample > 0 && options.subsample <= 1))
    return refuse("subsample", options.subsample, "above 0 and at most 1");
  if (!(options.colsample > 0 && options.colsample <= 1))
    return refuse("colsample", options.colsample, "above 0 and at most 1");
  if (!(options.base_score > 0 && options.base_score < 1))
    return refuse("base_score", options.base_score, "between 0 and 1");
  if (!(options.scale_pos_weight > 0))
    return refuse("scale_pos_weight", options.scale_pos_weight, "above 0");
  return {};
}

std::vector<std::pair<const char*, std::string>> parameters_of(const BoosterOptions& options) {
  auto text = [](auto value) { return fmt::format("{}", value); };
  return {{"booster", "gbtree"},
          {"objective", "binary:logistic"},
          {"eval_metric", "aucpr"},
          {"verbosity", "0"},
          {"tree_method", options.tree_method == TreeMethod::hist ? "hist" : "exact"},
          {"max_depth", text(options.depth)},
          {"learning_rate", text(options.learning_rate)},
          {"max_bin", text(options.max_bin)},
          {"min_child_weight", text(options.min_child_weight)},
          {"gamma", text(options.gamma)},
          {"lambda", text(options.lambda)},
          {"alpha", text(options.alpha)},
          {"subsample", text(options.subsample)},
          {"colsample_bytree", text(options.colsample)},
          {"scale_pos_weight", text(options.scale_pos_weight)},
          {"base_score", text(options.base_score)},
          {"seed", text(options.seed)},
          {"nthread", text(options.threads)}};
}

// "[3]\ttrain-aucpr:0.5\tvalidation-aucpr:0.4"
double metric_in(std::string_view report, std::string_view name) {
  size_t at = report.find(name);
  double value = std::numeric_limits<double>::quiet_NaN();
  if (at == std::string_view::npos) return value;
  at = report.find(':', at) + 1;
  std::from_chars(report.data() + at, report.data() + report.size(), value);
  return value;
}

// One training run: rounds, metrics, and which round was best.
class Run {
 public:
  Run(const BoosterOptions& options, const Matrix& training, const Matrix* validation)
      : options_(options), training_(training), validation_(validation) {}

  Status open() {
    std::vector<DMatrixHandle> cache{training_.get()};
    if (validation_) cache.push_back(validation_->get());
    TRY(checked(XGBoosterCreate(cache.data(), cache.size(), booster_.out()), "create a booster"));
    for (const auto& [name, value] : parameters_of(options_))
      TRY(checked(XGBoosterSetParam(booster_.get(), name, value.c_str()),
                  fmt::format("set {}", name)));
    return {};
  }

  Status run(const std::function<void(const BoosterProgress&)>& report) {
    for (uint32_t round = 1; round <= options_.trees; ++round) {
      TRY(checked(
          XGBoosterUpdateOneIter(booster_.get(), static_cast<int>(round) - 1, training_.get()),
          "grow a tree"));
      rounds_ = round;
      TRY_ASSIGN(BoosterProgress progress, measure(round));
      if (report) report(progress);
      // The first round counts even if its metric is no number.
      if (round == 1 || progress.validation_aucpr > best_metric_) {
        best_round_ = round;
        best_metric_ = progress.validation_aucpr;
      }
      if (stops_early() && round - best_round_ >= options_.early_stopping_rounds) break;
    }
    return {};
  }

  Result<TrainedModel> result() {
    TrainedModel trained;
    trained.rounds = rounds_;
    trained.trees = stops_early() ? best_round_ : rounds_;
    if (validation_) trained.validation_aucpr = stops_early() ? best_metric_ : last_metric_;
    Booster cut;
    if (trained.trees < rounds_)
      TRY(checked(XGBoosterSlice(booster_.get(), 0, static_cast<int>(trained.trees), 1, cut.out()),
                  "cut the model"));
    bst_ulong size = 0;
    const char* text = nullptr;
    void* booster = cut.get() ? cut.get() : booster_.get();
    TRY(checked(XGBoosterSaveModelToBuffer(booster, R"({"format":"json"})", &size, &text),
                "save the model"));
    trained.model_json.assign(text, size);
    return trained;
  }

 private:
  bool stops_early() const { return validation_ && options_.early_stopping_rounds > 0; }

  Result<BoosterProgress> measure(uint32_t round) {
    BoosterProgress progress{.round = round, .trees = options_.trees};
    std::vector<DMatrixHandle> matrices;
    std::vector<const char*> names;
    if (validation_) {
      matrices.push_back(validation_->get());
      names.push_back("validation");
    }
    if (options_.train_metric_every > 0 && round % options_.train_metric_every == 0) {
      matrices.push_back(training_.get());
      names.push_back("train");
    }
    if (matrices.empty()) return progress;
    const char* text = nullptr;
    TRY(checked(XGBoosterEvalOneIter(booster_.get(), static_cast<int>(round) - 1, matrices.data(),
                                     names.data(), matrices.size(), &text),
                "measure the model"));
    progress.validation_aucpr = last_metric_ = metric_in(text, "validation-aucpr");
    progress.train_aucpr = metric_in(text, "train-aucpr");
    return progress;
  }

  const BoosterOptions& options_;
  const Matrix& training_;
  const Matrix* validation_;
  Booster booster_;
  uint32_t rounds_ = 0, best_round_ = 0;
  double best_metric_ = 0, last_metric_ = 0;
};

}  // namespace

void DenseMatrix::add(const float* row, bool is_fraud, float weight) {
  values_.insert(values_.end(), row, row + columns_);
  labels_.push_back(is_fraud ? 1.0f : 0.0f);
  weights_.push_back(weight);
}

Result<bool> DenseMatrix::next(MatrixChunk& chunk) {
  constexpr size_t chunk_rows = 65'536;  // XGBoost sketches quantiles chunk by chunk
  if (at_ == rows()) return false;
  chunk = {&values_[at_ * columns_], &labels_[at_], &weights_[at_],
           std::min(chunk_rows, rows() - at_)};
  at_ += chunk.rows;
  return true;
}

Result<TrainedModel> train_booster(MatrixSource& training, MatrixSource* validation,
                                   const BoosterOptions& options,
                                   const std::function<void(const BoosterProgress&)>& progress) {
  TRY(check_options(options));
  TRY(check_labels(training, "training"));
  if (validation) TRY(check_labels(*validation, "validation"));
  TRY_ASSIGN(Matrix rows, matrix_of(training, nullptr, options));
  Matrix later;
  if (validation) {
    TRY_ASSIGN(later, matrix_of(*validation, &rows, options));
  }
  Run run(options, rows, validation ? &later : nullptr);
  TRY(run.open());
  TRY(run.run(progress));
  return run.result();
}

Result<std::vector<float>> booster_predict(const std::string& model_json,
                                           const std::vector<float>& values, uint32_t columns) {
  CHECK(columns > 0 && values.size() % columns == 0, "whole rows");
  Booster booster;
  TRY(checked(XGBoosterCreate(nullptr, 0, booster.out()), "create a booster"));
  TRY(checked(XGBoosterLoadModelFromBuffer(booster.get(), model_json.data(), model_json.size()),
              "load the model"));
  size_t rows = values.size() / columns;
  Matrix matrix;
  TRY(checked(XGDMatrixCreateFromMat(values.data(), rows, columns, std::nanf(""), matrix.out()),
              "take the rows"));
  bst_ulong count = 0;
  const float* scores = nullptr;
  TRY(checked(XGBoosterPredict(booster.get(), matrix.get(), 0, 0, 0, &count, &scores), "predict"));
  return std::vector<float>(scores, scores + count);
}

}  // namespace paywarden
