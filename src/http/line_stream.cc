#include "http/line_stream.h"

#include "base/check.h"
#include "base/json_writer.h"

namespace paywarden::http {

std::string line_problem(uint64_t number, int status, std::string_view title,
                         std::string_view detail, std::initializer_list<ProblemMember> extra) {
  std::string text;
  JsonWriter json(text);
  json.open_object()
      .key("line")
      .integer(static_cast<int64_t>(number))
      .key("status")
      .integer(status);
  json.key("title").string(title);
  if (!detail.empty()) json.key("detail").string(detail);
  for (const ProblemMember& member : extra) json.key(member.name).raw(member.json);
  json.close_object();
  return text;
}

LineReply::LineReply(RefPtr<LineAnswers> answers, uint64_t slot, uint64_t number)
    : answers_(std::move(answers)), slot_(slot), number_(number) {}

LineReply::LineReply() = default;
LineReply::LineReply(LineReply&& other) noexcept = default;

LineReply& LineReply::operator=(LineReply&& other) noexcept {
  if (this == &other) return *this;
  drop();
  answers_ = std::move(other.answers_);
  slot_ = other.slot_;
  number_ = other.number_;
  return *this;
}

LineReply::~LineReply() {
  drop();
}

bool LineReply::operator()(std::string text) {
  return answers_ && answers_->answer(slot_, std::move(text));
}

void LineReply::drop() {
  if (answers_)
    answers_->answer(slot_, line_problem(number_, 500, "Internal error",
                                         "The line was dropped without an answer."));
  answers_.reset();
}

std::optional<uint64_t> LineAnswers::open_slot() {
  std::lock_guard lock(mutex_);
  if (slots_.size() >= limits_.lines_in_flight_max || kept_bytes_ >= limits_.answer_bytes_max)
    return std::nullopt;
  slots_.emplace_back();
  return first_ + slots_.size() - 1;
}

bool LineAnswers::answer(uint64_t slot, std::string text) {
  std::lock_guard lock(mutex_);
  if (abandoned_ || slot < first_) return false;
  Slot& entry = slots_[slot - first_];
  if (entry.ready) return false;
  entry.ready = true;
  entry.text = std::move(text);
  kept_bytes_ += entry.text.size();
  if (slot != first_ || announced_) return true;
  announced_ = true;
  home_.mailbox->push(RefPtr<Deliverable>(this));
  return true;
}

void LineAnswers::drain(std::string& out, size_t bytes_max) {
  std::lock_guard lock(mutex_);
  announced_ = false;
  while (!slots_.empty() && slots_.front().ready && out.size() < bytes_max) {
    kept_bytes_ -= slots_.front().text.size();
    out += slots_.front().text;
    out.push_back('\n');
    slots_.pop_front();
    ++first_;
  }
}

bool LineAnswers::empty() const {
  std::lock_guard lock(mutex_);
  return slots_.empty();
}

void LineAnswers::abandon() {
  std::deque<Slot> dropped;
  std::lock_guard lock(mutex_);
  abandoned_ = true;
  first_ += slots_.size();
  slots_.swap(dropped);
  kept_bytes_ = 0;
}

void LineAnswers::deliver() {
  if (auto connection = home_.connection.lock()) connection->on_lines_ready();
}

LineSession::Taken LineSession::take(std::string_view& piece) {
  for (;;) {
    if (held_) {
      if (Taken taken = offer(); taken != Taken::all) return taken;
    }
    if (piece.empty()) return Taken::all;
    cut_line(piece);
  }
}

LineSession::Taken LineSession::take_rest() {
  if (!held_ && (!carry_.empty() || too_long_)) complete_line({});
  return held_ ? offer() : Taken::all;
}

void LineSession::cut_line(std::string_view& piece) {
  size_t end = piece.find('\n');
  if (end == std::string_view::npos) {
    keep(piece);
    piece = {};
    return;
  }
  complete_line(piece.substr(0, end));
  piece.remove_prefix(end + 1);
}

void LineSession::keep(std::string_view part) {
  too_long_ = too_long_ || carry_.size() + part.size() > limits_.line_bytes_max;
  if (too_long_)
    carry_.clear();
  else
    carry_.append(part);
}

// `part` is the last of the line; what came before it lies in carry_.
void LineSession::complete_line(std::string_view part) {
  ++number_;
  bool in_pieces = too_long_ || !carry_.empty();
  if (in_pieces || part.size() > limits_.line_bytes_max) keep(part);
  held_too_long_ = std::exchange(too_long_, false);
  std::string_view line = in_pieces ? carry_.view() : part;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty() || held_too_long_)
    held_ = line;
  else
    carry_.clear();
}

LineSession::Taken LineSession::offer() {
  if (!offered_) {
    auto slot = answers_->open_slot();
    if (!slot) return Taken::no_room;
    offered_ = LineReply(answers_, *slot, number_);
  }
  if (held_too_long_) {
    offered_(line_problem(
        number_, 413, "Line too long",
        "A line may have at most " + std::to_string(limits_.line_bytes_max) + " bytes."));
  } else if (!handler_->on_line(*held_, offered_)) {
    CHECK(offered_, "on_line() said false and took the reply");
    return Taken::handler_full;
  }
  offered_ = {};
  held_.reset();
  held_too_long_ = false;
  carry_.clear();
  return Taken::all;
}

void LineSession::end(bool complete) {
  if (std::exchange(ended_, true)) return;
  held_.reset();
  handler_->on_end(complete);
}

}  // namespace paywarden::http
