// How far an evaluation is, for whoever waits for it.
//
//   EvaluationProgress show = [](EvaluationStage stage, uint64_t done, uint64_t total) { ... };
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace paywarden {

enum class EvaluationStage : uint8_t { decisions, data, metrics };

inline std::string_view name_of(EvaluationStage stage) {
  constexpr std::string_view kNames[] = {"reading decisions", "reading data", "measuring"};
  return kNames[static_cast<size_t>(stage)];
}

// `done` of `total` bytes of the files (compressed where they are). Called about every 65,536
// lines, in the caller's thread.
using EvaluationProgress =
    std::function<void(EvaluationStage stage, uint64_t done, uint64_t total)>;

inline constexpr uint64_t kProgressLines = 65'536;  // a tenth of a second's work

}  // namespace paywarden
