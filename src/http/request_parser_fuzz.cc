// However the bytes of a request are cut into pieces, the parser must come to the same result: the
// same fields and body, or none. Two seconds of good, spoilt and random requests.
//
//   request_parser_fuzz [SEED]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "http/fuzz_input.h"
#include "http/request_parser.h"

namespace paywarden::http {
namespace {

using Steady = std::chrono::steady_clock;
using Step = RequestParser::Step;

// One request's parse; `text` says everything that was learnt.
class Reading {
 public:
  Reading()
      : exchange_(new Exchange(Home{})), parser_({.head_bytes_max = 1000, .head_fields_max = 8}) {
    parser_.begin(*exchange_);
  }

  // False at the end of the request.
  bool feed(std::string_view piece) {
    waiting_.append(piece);
    for (;;) {
      size_t used = 0;
      Step step = parser_.feed(waiting_, used);
      CHECK(used <= waiting_.size(), "more used than given");
      note(step);
      waiting_.erase(0, used);
      if (step == Step::need_more) return true;
      if (step == Step::done || step == Step::bad) return false;
    }
  }

  // Whether a request that is broken before its end is refused at once or when more has come may
  // depend on the pieces, and so may which of two faults is named.
  std::string result() const { return end_ == "done" ? text_ + "body:" + body_ : "not a request"; }

 private:
  void note(Step step) {
    if (step == Step::head) note_head();
    if (step == Step::piece) body_.append(parser_.piece());
    if (step == Step::done) end_ = "done";
    if (step == Step::bad) CHECK(parser_.refusal().status >= 400, "a refusal without a status");
  }

  void note_head() {
    const Request& request = exchange_->request;
    text_.append(to_string(request.method)).append(request.path).append("?").append(request.query);
    for (const HeaderField& field : request.fields)
      text_.append(field.name).append("=").append(field.value).append(";");
    text_ += parser_.keep_alive() ? "keep" : "close";
    text_ += std::to_string(parser_.content_length().value_or(12345678));
  }

  RefPtr<Exchange> exchange_;
  RequestParser parser_;
  std::string waiting_, text_, body_, end_;
};

std::string whole(const std::string& text) {
  Reading reading;
  reading.feed(text);
  return reading.result();
}

std::string in_pieces(const std::string& text, Random& random) {
  Reading reading;
  size_t longest = 1 + random.below(random.below(3) ? 4 : 60);
  for (size_t at = 0; at < text.size();) {
    size_t n = 1 + random.below(longest);
    if (!reading.feed(std::string_view(text).substr(at, n))) break;
    at += n;
  }
  return reading.result();
}

void fuzz(uint64_t seed, std::chrono::milliseconds time) {
  Random random(seed);
  int requests = 0;
  for (auto end = Steady::now() + time; Steady::now() < end; ++requests) {
    std::string text = fuzz_input(random);
    std::string expected = whole(text), found = in_pieces(text, random);
    if (expected == found) continue;
    std::fflush(stdout);
    std::fprintf(stderr, "input:\n%s\n--- whole:\n%s\n--- in pieces:\n%s\n", text.c_str(),
                 expected.c_str(), found.c_str());
    CHECK(false, "the pieces change the result");
  }
  std::printf("request_parser_fuzz: %d requests\n", requests);
}

}  // namespace
}  // namespace paywarden::http

int main(int argc, char** argv) {
  uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  std::printf("request_parser_fuzz: seed %lu\n", static_cast<unsigned long>(seed));
  std::fflush(stdout);
  paywarden::http::fuzz(seed, std::chrono::milliseconds(2000));
}
