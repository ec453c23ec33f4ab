#include "training/calibrate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kFolds = 5;
constexpr double kScoreMin = 1e-7;  // of a score whose log-odds are taken; and 1 minus it
// Of a Platt curve drawn with straight lines: closer to it than the last two digits of a score that people read.
constexpr int kCurvePoints = 128;
constexpr double kCurveLogOdds = 16;  // from minus to plus: all that a float distinguishes below 1
// A block of the isotonic map holds so many frauds at least, or payments: fewer say nothing of a share.
constexpr double kBlockFrauds = 10, kBlockPayments = 1000;

using Payments = std::vector<SlicePayment>;

double log_odds(double p) {
  p = std::clamp(p, kScoreMin, 1 - kScoreMin);
  return std::log(p / (1 - p));
}

double logistic(double z) {
  return 1 / (1 + std::exp(-z));
}

// Strictly ascending in both, with both ends.
Calibration through(const std::vector<Calibration::Point>& points) {
  std::vector<Calibration::Point> kept = {{0, 0}};
  for (const Calibration::Point& p : points)
    if (p.raw > kept.back().raw && p.calibrated > kept.back().calibrated && p.raw < 1 &&
        p.calibrated < 1)
      kept.push_back(p);
  kept.push_back({1, 1});
  auto made = Calibration::from(std::move(kept));
  CHECK(made, "points that ascend are a calibration");
  return *made;
}

struct Curve {
  double a = 0, b = 0;  // of a * log-odds + b
};

// The log loss against Platt's targets, which keep a separable sample finite.
struct PlattLoss {
  const Payments& payments;
  double fraud_target, genuine_target;

  double target(const SlicePayment& p) const { return p.is_fraud ? fraud_target : genuine_target; }
  double of(Curve curve) const {
    double sum = 0;
    for (const SlicePayment& p : payments) {
      double z = curve.a * log_odds(p.score) + curve.b;
      sum += std::max(z, 0.0) - target(p) * z + std::log1p(std::exp(-std::abs(z)));
    }
    return sum;
  }
  // Newton's.
  Curve step_from(Curve curve) const {
    double ga = 0, gb = 0, haa = 1e-9, hab = 0, hbb = 1e-9;
    for (const SlicePayment& p : payments) {
      double x = log_odds(p.score), q = logistic(curve.a * x + curve.b), d = q - target(p),
             w = q * (1 - q);
      ga += d * x;
      gb += d;
      haa += w * x * x;
      hab += w * x;
      hbb += w;
    }
    double determinant = haa * hbb - hab * hab;
    if (!(determinant > 0)) return {};
    return {(hab * gb - hbb * ga) / determinant, (hab * ga - haa * gb) / determinant};
  }
};

// Newton's steps from the share of frauds on, halved until they lead down: whole ones overshoot where scores are far off (Lin, Lin and
// Weng 2007).
Calibration platt(const Payments& payments) {
  double frauds = 0, n = static_cast<double>(payments.size());
  for (const SlicePayment& p : payments) frauds += p.is_fraud;
  PlattLoss loss{payments, (frauds + 1) / (frauds + 2), 1 / (n - frauds + 2)};
  Curve curve{0, std::log((frauds + 1) / (n - frauds + 1))};
  double now = loss.of(curve);
  for (int step = 0; step < 50; ++step) {
    Curve by = loss.step_from(curve);
    bool lower = false;
    for (; !lower && std::abs(by.a) + std::abs(by.b) > 1e-9; by = {by.a / 2, by.b / 2}) {
      Curve next{curve.a + by.a, curve.b + by.b};
      double then = loss.of(next);
      lower = then < now;
      if (lower) curve = next, now = then;
    }
    if (!lower) break;
  }
  if (!(curve.a > 0)) return {};  // the scores rank nothing: there is no map that ascends
  std::vector<Calibration::Point> points;
  for (int i = 0; i <= kCurvePoints; ++i) {
    double x = kCurveLogOdds * (2.0 * i / kCurvePoints - 1);
    points.push_back(
        {static_cast<float>(logistic(x)), static_cast<float>(logistic(curve.a * x + curve.b))});
  }
  return through(points);
}

struct Block {
  double scores = 0, frauds = 0, payments = 0;
  double share() const { return frauds / payments; }
  void take(const Block& other) {
    scores += other.scores;
    frauds += other.frauds;
    payments += other.payments;
  }
};

Calibration isotonic(Payments payments) {
  std::sort(payments.begin(), payments.end(),
            [](const auto& a, const auto& b) { return a.score < b.score; });
  std::vector<Block> blocks;
  Block open;
  auto close = [&] {
    for (; !blocks.empty() && blocks.back().share() >= open.share(); blocks.pop_back())
      open.take(blocks.back());
    blocks.push_back(std::exchange(open, {}));
  };
  for (size_t i = 0; i < payments.size(); ++i) {
    open.take({payments[i].score, payments[i].is_fraud ? 1.0 : 0.0, 1});
    bool tied = i + 1 < payments.size() && payments[i + 1].score == payments[i].score;
    if (tied || (open.frauds < kBlockFrauds && open.payments < kBlockPayments)) continue;
    close();
  }
  if (open.payments > 0 && !blocks.empty()) {
    open.take(blocks.back());
    blocks.pop_back();
    close();
  }
  std::vector<Calibration::Point> points;
  for (const Block& block : blocks)
    points.push_back(
        {static_cast<float>(block.scores / block.payments), static_cast<float>(block.share())});
  return through(points);
}

Calibration fit(const Payments& payments, CalibrationKind kind) {
  double frauds = 0;
  for (const SlicePayment& p : payments) frauds += p.is_fraud;
  if (kind == CalibrationKind::none || frauds == 0 ||
      frauds == static_cast<double>(payments.size()))
    return {};
  return kind == CalibrationKind::platt ? platt(payments) : isotonic(payments);
}

struct Loss {
  double log = 0, square = 0;
};

// Of maps that have not seen what they are measured on.
Loss cross_fitted(const Payments& payments, CalibrationKind kind) {
  Loss loss;
  for (size_t fold = 0; fold < kFolds; ++fold) {
    size_t begin = payments.size() * fold / kFolds, end = payments.size() * (fold + 1) / kFolds;
    Payments others(payments.begin(), payments.begin() + static_cast<ptrdiff_t>(begin));
    others.insert(others.end(), payments.begin() + static_cast<ptrdiff_t>(end), payments.end());
    Calibration map = fit(others, kind);
    for (size_t i = begin; i < end; ++i) {
      double q = std::clamp<double>(map.apply(payments[i].score), kScoreMin, 1 - kScoreMin);
      double y = payments[i].is_fraud;
      loss.log -= y * std::log(q) + (1 - y) * std::log(1 - q);
      loss.square += (q - y) * (q - y);
    }
  }
  double n = std::max<double>(static_cast<double>(payments.size()), 1);
  return {loss.log / n, loss.square / n};
}

}  // namespace

const char* name_of(CalibrationKind kind) {
  constexpr const char* kNames[] = {"none", "platt", "isotonic", "auto"};
  return kNames[static_cast<size_t>(kind)];
}

FittedCalibration fit_calibration(const Payments& payments, CalibrationKind kind) {
  const Loss before = cross_fitted(payments, CalibrationKind::none);
  std::vector<CalibrationKind> candidates = {kind};
  if (kind == CalibrationKind::automatic)
    candidates = {CalibrationKind::none, CalibrationKind::platt, CalibrationKind::isotonic};
  FittedCalibration best;
  for (size_t i = 0; i < candidates.size(); ++i) {
    Loss loss = cross_fitted(payments, candidates[i]);
    if (i > 0 && !(loss.log < best.log_loss)) continue;
    best = {candidates[i], {}, loss.square, before.square, loss.log, before.log};
  }
  best.calibration = fit(payments, best.kind);
  return best;
}

}  // namespace paywarden
