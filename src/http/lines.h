// A request body taken line by line as it arrives, answered line by line, in the order of the lines
// (NDJSON).
//
//   class Batch : public LineHandler {
//     bool on_line(std::string_view line, LineReply& reply) override {
//       return queue.try_push(Work{std::string(line), std::move(reply)});   // false: full, ask
//       again later
//     }
//   };
//   ... any thread, once, in any order:  work.reply(R"({"line":1,"status":200})");
//
// All of a LineHandler's functions run on the connection's thread and must not block. Empty lines
// are counted and skipped; a line beyond the limit is answered with status 413 and its neighbours
// go on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "http/message.h"

namespace paywarden::http {

class LineAnswers;

// Answers one line. Movable; one that goes without an answer says 500 for its line.
class LineReply {
 public:
  LineReply();
  LineReply(RefPtr<LineAnswers> answers, uint64_t slot, uint64_t number);
  LineReply(LineReply&& other) noexcept;
  LineReply& operator=(LineReply&& other) noexcept;
  ~LineReply();

  // `text` is one line without its end. Any thread; false when it was answered before.
  bool operator()(std::string text);
  uint64_t number() const { return number_; }  // 1 for the first line of the body
  explicit operator bool() const { return static_cast<bool>(answers_); }

 private:
  void drop();
  RefPtr<LineAnswers> answers_;
  uint64_t slot_ = 0, number_ = 0;
};

class LineHandler {
 public:
  virtual ~LineHandler() = default;
  // Takes the line (valid during the call, kBodyPadding readable bytes after it) and moves `reply`
  // away; or returns false when there is no room: the same line is offered again some milliseconds
  // later, none behind it before.
  virtual bool on_line(std::string_view line, LineReply& reply) = 0;
  // No more lines. `complete`: the body arrived whole. Replies may still follow.
  virtual void on_end(bool complete) { (void)complete; }
};

// Makes the handler of one request, or refuses it.
using LineHandlerFactory =
    std::function<tl::expected<std::unique_ptr<LineHandler>, Response>(RequestPtr)>;

// {"line":7,"status":413,"title":"...","detail":"..."}
std::string line_problem(uint64_t number, int status, std::string_view title,
                         std::string_view detail = {},
                         std::initializer_list<ProblemMember> extra = {});

}  // namespace paywarden::http
