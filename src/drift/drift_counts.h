// How far a day's scores and features are from those that the model was trained on: bins counted per UTC day of event time.
//
//   DriftCounts counts(reference, names, days_max);
//   counts.add(day, score, row);
//   if (auto today = counts.figures(counts.newest())) use(today->figures[0].psi);   // [0]: the score
//
// Every score is counted. Features are those of a day's first kEach payments and then of every kEvery-th, which counts for
// kEvery: shares stay right, and few payments a day are not thinned to too few to say anything.
//
// Memory: 100 bytes a feature and day. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_io.h"
#include "base/time.h"
#include "forest/reference.h"

namespace paywarden {

struct DriftLevels {
  double look = 0.1;    // worth a look
  double alarm = 0.25;  // another population than the model was trained on; 0: no alarms
  uint64_t payments_min =
      1'000;  // of a day that is judged: chance alone gives fewer more than 0.01
};

struct DriftFigure {
  std::string of;  // "score", or the feature's name
  double psi = 0;
  double day_psi_max = 0;  // of the days that the model was trained on

  // The level is reached, and not as the days of training did themselves. Half as high again as they ever were: the highest
  // of a few weeks is exceeded a little every few weeks.
  bool reaches(double level) const { return psi >= level && psi >= 1.5 * day_psi_max; }
};

struct DriftDay {
  int32_t day = 0;  // since 1970-01-01
  uint64_t payments = 0;
  std::vector<DriftFigure> figures;  // the score, then the features in the order of the row

  // Those that reach the level, the farthest first.
  std::vector<DriftFigure> reaching(double level) const;
};

class DriftCounts {
 public:
  static constexpr uint64_t kEach = 16'384, kEvery = 16;
  // How loudly was a day spoken of.
  enum class Told : uint8_t { nothing, look, alarm };

  // `days_max`: the oldest are forgotten beyond.
  DriftCounts(ModelReference reference, std::vector<std::string> names, size_t days_max);

  DriftCounts(DriftCounts&&) = default;
  DriftCounts& operator=(DriftCounts&&) = default;

  // `row`: as many features as there are names.
  void add(int32_t day, float score, const float* row);
  void add_score(int32_t day, float score);
  void add_features(int32_t day, const float* row);

  std::vector<int32_t> days() const;
  std::optional<int32_t> newest() const;
  std::optional<DriftDay> figures(int32_t day) const;
  Told told(int32_t day) const;
  void tell(int32_t day, Told what);

  void save(ByteWriter& out) const;
  // False: damaged, or of other features; nothing is counted then.
  bool load(ByteReader& in);

 private:
  struct Day {
    uint64_t payments = 0;
    Told told = Told::nothing;
    BinCounts score{};
    std::vector<BinCounts> features;
  };
  Day* of(int32_t day);  // null: older than what is kept
  void count_features(Day& day, const float* row, uint64_t weight) const;

  ModelReference reference_;
  std::vector<std::string> names_;
  size_t days_max_;
  std::vector<float> edges_;  // of all features, each filled up to kEdges with infinity
  std::map<int32_t, Day> days_;
  int32_t last_ = 0;  // asked for by of(), with its place
  Day* last_place_ = nullptr;
};

}  // namespace paywarden
