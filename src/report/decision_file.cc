#include "report/decision_file.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "intake/record_reader.h"

namespace paywarden {
namespace {

namespace ondemand = simdjson::ondemand;

// What is said of payment ids in errors: cut, and card numbers masked.
std::string quoted(std::string_view id) {
  return "'" + masked_excerpt(id, 64) + "'";
}

std::optional<Outcome> outcome_of(std::string_view name) {
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
    if (name == name_of(outcome)) return outcome;
  return std::nullopt;
}

// One line, taken apart. Its texts point into the parser's memory, up to the next line.
struct DecisionLine {
  std::string_view payment_id, outcome, would_be, model;
  std::optional<double> score;
  bool has_shadow = false;
  std::string_view shadow_outcome, shadow_model;
  std::optional<double> shadow_score;
};

using Member = simdjson::simdjson_result<ondemand::field>;

const char* take_text(Member& member, std::string_view& out, const char* wrong) {
  return member.value().get_string().get(out) ? wrong : nullptr;
}

// Data whose ids are numbers are often decided with numbers for ids; their digits count.
const char* take_id(Member& member, std::string_view& out) {
  ondemand::json_type type;
  if (member.value().type().get(type)) return "is not JSON";
  if (type == ondemand::json_type::string) return take_text(member, out, "is not JSON");
  if (type != ondemand::json_type::number) return "payment_id is neither text nor a number";
  std::string_view token = member.value().raw_json_token();
  out = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  return nullptr;
}

const char* take_score(Member& member, std::optional<double>& out) {
  double score;
  if (member.value().get_double().get(score)) return "score is not a number";
  out = score;
  return nullptr;
}

const char* take_shadow(Member& member, DecisionLine& out) {
  ondemand::object shadow;
  if (member.value().get_object().get(shadow)) return "shadow is no object";
  out.has_shadow = true;
  for (Member inner : shadow) {
    std::string_view key;
    const char* wrong = inner.unescaped_key().get(key) ? "is not JSON" : nullptr;
    if (!wrong && key == "score") wrong = take_score(inner, out.shadow_score);
    if (!wrong && key == "outcome")
      wrong = take_text(inner, out.shadow_outcome, "the shadow's outcome is not text");
    if (!wrong && key == "model")
      wrong = take_text(inner, out.shadow_model, "the shadow's model is not text");
    if (wrong) return wrong;
  }
  return nullptr;
}

const char* take(Member member, DecisionLine& out) {
  std::string_view key;
  if (member.unescaped_key().get(key)) return "is not JSON";
  if (key == "payment_id") return take_id(member, out.payment_id);
  if (key == "score") return take_score(member, out.score);
  if (key == "outcome") return take_text(member, out.outcome, "outcome is not text");
  if (key == "would_be") return take_text(member, out.would_be, "would_be is not text");
  if (key == "model") return take_text(member, out.model, "model is not text");
  if (key == "shadow") return take_shadow(member, out);
  return nullptr;
}

// Null when all went well, else what is wrong with the line.
const char* parse(ondemand::parser& parser, const SourceRecord& record, DecisionLine& out) {
  ondemand::document document;
  if (parser.iterate(record.bytes.data(), record.bytes.size(), record.readable).get(document))
    return "is not JSON";
  ondemand::object object;
  if (simdjson::error_code error = document.get_object().get(object))
    return error == simdjson::INCORRECT_TYPE ? "is not a JSON object" : "is not JSON";
  for (Member member : object)
    if (const char* wrong = take(member, out)) return wrong;
  bool more = document.current_location().error() == simdjson::SUCCESS;
  return more ? "holds more than one JSON object" : nullptr;
}

class DecisionReader {
 public:
  DecisionReader(const std::string& path, uint64_t bytes_total, std::unique_ptr<ByteStream> bytes,
                 const DecisionFileOptions& options, const EvaluationProgress& progress)
      : path_(path),
        bytes_total_(bytes_total),
        options_(options),
        progress_(progress),
        lines_(std::move(bytes), limits_of(options)) {
    lines_.set_format(RecordFormat::ndjson);
  }

  Result<DecisionFile> read() {
    for (SourceRecord record;;) {
      TRY_ASSIGN(RecordStatus status, lines_.next(record));
      if (status == RecordStatus::end) break;
      if (status == RecordStatus::bad)
        return fail_at(record, fmt::format("is longer than {} bytes", options_.line_bytes_max));
      TRY(take_line(record));
      if (file_.table.size() % kProgressLines == 0) show_progress();
    }
    show_progress();
    return std::move(file_);
  }

 private:
  static RecordLimits limits_of(const DecisionFileOptions& options) {
    RecordLimits limits;
    limits.record_bytes_max = limits.block_bytes = options.line_bytes_max;
    return limits;
  }

  tl::unexpected<Error> fail_at(const SourceRecord& record, std::string what,
                                std::string remedy = {}) {
    return fail(std::move(what), fmt::format("{}:{}", path_, record.line), std::move(remedy));
  }

  Status take_line(const SourceRecord& record) {
    // As for the referee; and so the decision's number tells its line.
    if (record.line != file_.table.size() + 1)
      return fail(std::string("is empty"), fmt::format("{}:{}", path_, file_.table.size() + 1),
                  "a decision file has one decision on every line");
    if (file_.table.size() == options_.decisions_max)
      return fail_at(record, fmt::format("more than {} decisions", options_.decisions_max),
                     "evaluate a shorter time");
    DecisionLine line;
    if (const char* wrong = parse(parser_, record, line))
      return fail_at(record, wrong, "a decision is an object with payment_id, score and outcome");
    if (options_.shadow && !line.has_shadow)
      return fail_at(record, "no shadow model has scored it",
                     "evaluate the time since model.shadow was set");
    if (options_.shadow) {
      line.score = line.shadow_score;
      line.outcome = line.shadow_outcome;
      line.model = line.shadow_model;
      line.would_be = {};
    }
    bytes_taken_ += record.bytes.size() + 1;
    if (file_.table.size() == kSampleLines) reserve();
    return judge(record, line);
  }

  Status judge(const SourceRecord& record, const DecisionLine& line) {
    if (line.payment_id.empty()) return fail_at(record, "has no payment_id");
    if (!line.score) return fail_at(record, "has no score");
    if (!(*line.score >= 0 && *line.score <= 1))
      return fail_at(record, fmt::format("score {} is outside 0..1", *line.score));
    std::string_view word = line.would_be.empty() ? line.outcome : line.would_be;
    if (word.empty()) return fail_at(record, "has no outcome");
    std::optional<Outcome> outcome = outcome_of(word);
    if (!outcome)
      return fail_at(record, "outcome " + quoted(word) + " is none",
                     "outcomes are approve, review and decline");
    note_model(line.model);
    return keep(record, line, *outcome);
  }

  Status keep(const SourceRecord& record, const DecisionLine& line, Outcome outcome) {
    size_t before = file_.table.size();
    size_t number = file_.table.add(line.payment_id, *line.score, outcome);
    if (number == before) return {};
    return fail_at(record,
                   fmt::format("a second decision for payment {} (the first is in line {})",
                               quoted(line.payment_id), number + 1),
                   "give the decisions of one replay");
  }

  void note_model(std::string_view model) {
    if (model.empty() || file_.models.size() >= options_.models_max) return;
    if (!file_.models.empty() && file_.models.back() == model) return;  // nearly always
    if (std::ranges::find(file_.models, model) == file_.models.end())
      file_.models.emplace_back(model);
  }

  // From the first lines' length: a table that needs not grow takes half the memory at its peak.
  void reserve() {
    double line_bytes = static_cast<double>(bytes_taken_) / (kSampleLines + 1);
    double lines = 1.05 * static_cast<double>(bytes_total_) / line_bytes;
    file_.table.reserve(std::min(static_cast<size_t>(lines), options_.decisions_max));
  }

  void show_progress() {
    if (progress_) progress_(EvaluationStage::decisions, lines_.bytes().consumed(), bytes_total_);
  }

  static constexpr size_t kSampleLines = 1'000;
  const std::string& path_;
  const uint64_t bytes_total_;
  const DecisionFileOptions& options_;
  const EvaluationProgress& progress_;
  RecordReader lines_;
  ondemand::parser parser_;
  DecisionFile file_;
  uint64_t bytes_taken_ = 0;
};

}  // namespace

Result<DecisionFile> read_decisions(const std::string& path, const DecisionFileOptions& options,
                                    const EvaluationProgress& progress) {
  TRY_ASSIGN(auto bytes, open_bytes(path, options.bytes));
  std::error_code unknown;
  uint64_t size = std::filesystem::file_size(path, unknown);
  if (unknown) size = 0;  // a pipe: no progress to show, no length to guess
  DecisionReader reader(path, size, std::move(bytes), options, progress);
  TRY_ASSIGN(DecisionFile file, reader.read());
  if (file.table.size() == 0)
    return fail("holds no decision", path, "write it with: paywarden replay --out " + path);
  return file;
}

}  // namespace paywarden
