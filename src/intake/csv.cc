#include "intake/csv.h"

#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace paywarden {
namespace {

// The first comma or line end at or behind `at`; text.size() where there is none. Reads up to 15
// bytes more than there are.
size_t value_end(std::string_view text, size_t at) {
#ifdef __SSE2__
  const __m128i comma = _mm_set1_epi8(','), newline = _mm_set1_epi8('\n');
  for (; at < text.size(); at += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, comma), _mm_cmpeq_epi8(bytes, newline));
    unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask) return std::min(text.size(), at + static_cast<size_t>(std::countr_zero(mask)));
  }
  return text.size();
#else
  while (at < text.size() && text[at] != ',' && text[at] != '\n') ++at;
  return at;
#endif
}

class Scanner {
 public:
  Scanner(std::string_view text, bool at_end, std::vector<RawValue>& values, std::string& unquoted)
      : text_(text), at_end_(at_end), values_(values), unquoted_(unquoted) {}

  CsvScan run() {
    while (true) {
      bool quoted = at_ < text_.size() && text_[at_] == '"';
      CsvStatus status = quoted ? take_quoted() : take_plain();
      if (status != CsvStatus::record) return {status, 0, lines_};
      if (at_ == text_.size() && !at_end_) return {CsvStatus::unfinished, 0, lines_};
      bool more = at_ < text_.size() && text_[at_] == ',';
      at_ = std::min(at_ + 1, text_.size());
      if (!more) return {CsvStatus::record, at_, lines_};
    }
  }

 private:
  CsvStatus take_plain() {
    size_t end = value_end(text_, at_);
    std::string_view value = text_.substr(at_, end - at_);
    bool last = end == text_.size() || text_[end] == '\n';
    if (last && value.ends_with('\r')) value.remove_suffix(1);
    keep(value);
    at_ = end;
    return CsvStatus::record;
  }

  CsvStatus take_quoted() {
    size_t from = ++at_, copied = unquoted_.size();
    while (true) {
      const void* found =
          at_ < text_.size() ? std::memchr(text_.data() + at_, '"', text_.size() - at_) : nullptr;
      if (!found) return CsvStatus::unfinished;
      size_t quote = static_cast<size_t>(static_cast<const char*>(found) - text_.data());
      count_lines(at_, quote);
      at_ = quote + 1;
      bool doubled = at_ < text_.size() && text_[at_] == '"';
      if (!doubled) return end_quoted(from, quote, copied);
      unquoted_.append(text_.substr(from, quote + 1 - from));
      from = ++at_;
    }
  }

  // Behind the closing quote: a comma, a line end, or the end of the text.
  CsvStatus end_quoted(size_t from, size_t quote, size_t copied) {
    std::string_view last_part = text_.substr(from, quote - from);
    if (unquoted_.size() > copied) {
      unquoted_.append(last_part);
      keep(std::string_view(unquoted_).substr(copied));
    } else {
      keep(last_part);
    }
    bool carriage_return = at_ < text_.size() && text_[at_] == '\r';
    if (carriage_return) ++at_;
    if (at_ == text_.size()) return at_end_ ? CsvStatus::record : CsvStatus::unfinished;
    bool comma = text_[at_] == ',' && !carriage_return;
    return comma || text_[at_] == '\n' ? CsvStatus::record : CsvStatus::broken;
  }

  void count_lines(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) lines_ += text_[i] == '\n';
  }

  void keep(std::string_view value) {
    if (values_.size() < kCsvValuesMax) values_.emplace_back(RawValue::Kind::untyped, value);
  }

  std::string_view text_;
  const bool at_end_;
  std::vector<RawValue>& values_;
  std::string& unquoted_;
  size_t at_ = 0;
  size_t lines_ = 1;
};

}  // namespace

CsvScan scan_csv(std::string_view text, bool at_end, std::vector<RawValue>& values,
                 std::string& unquoted) {
  values.clear();
  unquoted.clear();
  return Scanner(text, at_end, values, unquoted).run();
}

}  // namespace paywarden
