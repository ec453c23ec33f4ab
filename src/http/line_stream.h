// The two ends of a line stream: LineAnswers gathers answers from any thread and gives them out in
// order; LineSession cuts a body into lines and offers them to the handler. Inside of http/ only.
#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include "http/exchange.h"
#include "http/lines.h"

namespace paywarden::http {

struct LineLimits {
  size_t line_bytes_max;
  size_t lines_in_flight_max;
  size_t answer_bytes_max;  // answered and not yet sent
};

class LineAnswers final : public Deliverable {
 public:
  LineAnswers(Home home, LineLimits limits) : home_(std::move(home)), limits_(limits) {}

  std::optional<uint64_t> open_slot();             // none at a limit; the connection's thread
  bool answer(uint64_t slot, std::string text);    // any thread
  void drain(std::string& out, size_t bytes_max);  // appends whole lines that are next in order
  bool empty() const;                              // nothing awaited, nothing kept
  void abandon();                                  // the client is gone
  void deliver() override;

 private:
  struct Slot {
    std::string text;
    bool ready = false;
  };
  const Home home_;
  const LineLimits limits_;
  mutable std::mutex mutex_;
  std::deque<Slot> slots_;
  uint64_t first_ = 0;      // the slot at the front
  size_t kept_bytes_ = 0;   // of ready slots
  bool announced_ = false;  // the connection knows that the front is ready
  bool abandoned_ = false;
};

class LineSession {
 public:
  enum class Taken { all, no_room, handler_full };

  LineSession(std::unique_ptr<LineHandler> handler, RefPtr<LineAnswers> answers, LineLimits limits)
      : handler_(std::move(handler)), answers_(std::move(answers)), limits_(limits) {}

  // Takes lines off the front of `piece`, whose bytes stay where they are until it is empty and
  // `all` comes back.
  Taken take(std::string_view& piece);
  // The body's end; call again after anything but `all`. A last line needs no line end.
  Taken take_rest();
  void end(bool complete);  // at most once has an effect
  uint64_t lines() const { return number_; }
  LineAnswers& answers() { return *answers_; }

 private:
  void cut_line(std::string_view& piece);
  void keep(std::string_view part);
  void complete_line(std::string_view part);
  Taken offer();

  std::unique_ptr<LineHandler> handler_;
  RefPtr<LineAnswers> answers_;
  const LineLimits limits_;
  PaddedBuffer carry_;                    // the beginning of a line whose end has not arrived
  std::optional<std::string_view> held_;  // a whole line not yet taken, in the piece or in carry_
  LineReply offered_;                     // for the held line
  bool too_long_ = false;                 // the line being read is beyond the limit
  bool held_too_long_ = false;
  bool ended_ = false;
  uint64_t number_ = 0;
};

}  // namespace paywarden::http
