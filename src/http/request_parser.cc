#include "http/request_parser.h"

// Beast 1.74 asserts that a last chunk seen in part has 5 bytes; "0\r\n\r", sent slowly, has 4, and
// is parsed rightly. Anyone could stop the program with it, so its assertions are off in this file.
#define BOOST_DISABLE_ASSERTS

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <functional>
#include <limits>
#include <vector>

#include "http/target.h"

namespace paywarden::http {
namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;
using BeastError = beast::http::error;

std::string_view std_view(beast::string_view text) {
  return {text.data(), text.size()};
}

Method method_of(beast::http::verb sent) {
  using beast::http::verb;
  if (sent == verb::get) return Method::get;
  if (sent == verb::post) return Method::post;
  if (sent == verb::head) return Method::head;
  if (sent == verb::put) return Method::put;
  if (sent == verb::patch) return Method::patch;
  if (sent == verb::delete_) return Method::del;
  if (sent == verb::options) return Method::options;
  return Method::other;
}

struct Refusal {
  int status = 400;
  std::string_view detail;
};

// Where a field's name and value lie in the exchange's head buffer.
struct Span {
  uint32_t name, name_size, value, value_size;
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

// One message. Not reusable (Beast's parser is not), so it is made anew for each request.
class Message final : public beast::http::basic_parser<true> {
 public:
  Message(Exchange& exchange, const RequestParser::Limits& limits, std::vector<Span>& spans)
      : exchange_(exchange), limits_(limits), spans_(spans) {
    spans_.clear();
    header_limit(static_cast<uint32_t>(limits.head_bytes_max));
    // Per route, so the connection's matter. Not boost::none: Beast 1.74 then refuses every
    // Content-Length.
    body_limit(std::numeric_limits<uint64_t>::max());
  }

  const char* input_end = nullptr;  // of the bytes given to put()
  std::string_view piece;
  Refusal refusal;
  RequestParser::Expectation expectation = RequestParser::Expectation::none;
  bool head_told = false;
  bool saw_line = false;  // the end of the request line
  size_t head_bytes = 0;  // used by the head so far

  void finish_head() {
    Request& request = exchange_.request;
    const char* base = exchange_.head.view().data();
    for (const Span& span : spans_)
      request.fields.push_back(
          {{base + span.name, span.name_size}, {base + span.value, span.value_size}});
    std::string_view target(base, target_size_);
    auto parts = split_target(target);
    request.path = parts ? parts->path : std::string_view();
    request.query = parts ? parts->query : std::string_view();
    if (!parts) refuse({400, "The request target is not a path."});
    if (hosts_ != 1) refuse({400, "A request must have one Host field."});
  }

  bool refused() const { return !refusal.detail.empty(); }

 private:
  void refuse(Refusal why) {
    if (!refused()) refusal = why;
  }
  void refuse(Refusal why, ErrorCode& ec) {
    refuse(why);
    ec = BeastError::bad_value;
  }

  uint32_t store(std::string_view text) {
    auto at = static_cast<uint32_t>(exchange_.head.size());
    exchange_.head.append(text);
    return at;
  }

  void on_request_impl(beast::http::verb verb, beast::string_view, beast::string_view target,
                       int version, ErrorCode& ec) override {
    if (version != 11) return refuse({505, "This server speaks HTTP/1.1."}, ec);
    exchange_.request.method = method_of(verb);
    store(std_view(target));
    target_size_ = target.size();
  }

  void on_field_impl(beast::http::field field, beast::string_view beast_name,
                     beast::string_view beast_value, ErrorCode& ec) override {
    std::string_view name = std_view(beast_name), value = std_view(beast_value);
    if (is_folded(name, value)) return refuse({400, "A field may not span lines."}, ec);
    if (head_told) return;  // trailers are checked and ignored
    if (spans_.size() >= limits_.head_fields_max)
      return refuse({431, "Too many header fields."}, ec);
    check_framing(field, value, ec);
    uint32_t at = store(name);
    spans_.push_back({at, static_cast<uint32_t>(name.size()), store(value),
                      static_cast<uint32_t>(value.size())});
  }

  // Beast joins folded lines in a buffer of its own, or skips a line end before the value.
  bool is_folded(std::string_view name, std::string_view value) const {
    const char* end = name.data() + name.size();
    std::less<const char*> before;
    if (before(value.data(), end) || before(input_end, value.data())) return true;
    return std::string_view(end, static_cast<size_t>(value.data() - end)).find('\n') !=
           std::string_view::npos;
  }

  // Beyond what Beast refuses: repeated or listed lengths, any coding but one plain "chunked" (RFC
  // 9112 section 6.3).
  void check_framing(beast::http::field name, std::string_view value, ErrorCode& ec) {
    using beast::http::field;
    if (name == field::host) ++hosts_;
    if (name == field::content_length && (lengths_++ || value.find(',') != std::string_view::npos))
      refuse({400, "A request may have one Content-Length."}, ec);
    if (name == field::transfer_encoding && !equal_ignoring_case(value, "chunked"))
      refuse({501, "The only transfer coding understood is chunked."}, ec);
    if (name == field::expect)
      expectation = equal_ignoring_case(value, "100-continue")
                        ? RequestParser::Expectation::continue_100
                        : RequestParser::Expectation::unknown;
  }

  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(beast::string_view body, ErrorCode&) override {
    piece = std_view(body);
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, beast::string_view extensions, ErrorCode& ec) override {
    if (has_control(std_view(extensions)))
      refuse({400, "A chunk extension has a control character."}, ec);
  }
  size_t on_chunk_body_impl(uint64_t, beast::string_view body, ErrorCode&) override {
    piece = std_view(body);
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}

  Exchange& exchange_;
  const RequestParser::Limits& limits_;
  std::vector<Span>& spans_;
  size_t target_size_ = 0;
  int hosts_ = 0, lengths_ = 0;
};

}  // namespace

class RequestParser::Beast {
 public:
  std::optional<Message> message;
  std::vector<Span> spans;

  Step fail(ErrorCode ec) {
    Message& m = *message;
    if (m.refused()) return Step::bad;
    if (ec == BeastError::header_limit || ec == BeastError::need_more)
      m.refusal = too_large(m);
    else if (ec == BeastError::bad_version)
      m.refusal = {505, "This server speaks HTTP/1.1."};
    else
      m.refusal = {
          400, m.head_told ? "The body's framing is broken." : "The request's head is malformed."};
    return Step::bad;
  }

 private:
  static Refusal too_large(const Message& m) {
    if (m.head_told) return {400, "A chunk header or trailer is too long."};
    if (!m.saw_line) return {414, "The request line is too long."};
    return {431, "The header fields are too large."};
  }
};

RequestParser::RequestParser(Limits limits) : limits_(limits), beast_(std::make_unique<Beast>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::begin(Exchange& exchange) {
  beast_->message.emplace(exchange, limits_, beast_->spans);
}

RequestParser::Step RequestParser::feed(std::string_view bytes, size_t& used) {
  Message& m = *beast_->message;
  m.piece = {};
  m.input_end = bytes.data() + bytes.size();
  used = 0;
  for (;;) {
    if (m.head_told && m.is_done()) return Step::done;
    if (used == bytes.size()) return Step::need_more;
    ErrorCode ec;
    size_t n = m.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    used += n;
    if (!m.head_told) m.head_bytes += n;
    m.saw_line = m.saw_line || bytes.find('\n') != std::string_view::npos;
    bool waits = ec == BeastError::need_more;
    size_t waiting = m.head_told ? bytes.size() - used : m.head_bytes + bytes.size() - used;
    if (ec && (!waits || waiting > limits_.head_bytes_max)) return beast_->fail(ec);
    if (waits) return Step::need_more;
    if (!m.head_told) {
      if (m.head_bytes > limits_.head_bytes_max) return beast_->fail(BeastError::header_limit);
      m.finish_head();
      m.head_told = true;
      return m.refused() ? Step::bad : Step::head;
    }
    if (!m.piece.empty()) return Step::piece;
  }
}

std::string_view RequestParser::piece() const {
  return beast_->message->piece;
}

Response RequestParser::refusal() const {
  const Refusal& refusal = beast_->message->refusal;
  return problem(refusal.status, reason_phrase(refusal.status), refusal.detail);
}

bool RequestParser::keep_alive() const {
  return beast_->message->keep_alive();
}

bool RequestParser::has_body() const {
  const Message& m = *beast_->message;
  return m.chunked() || m.content_length().value_or(0) > 0;
}

std::optional<uint64_t> RequestParser::content_length() const {
  const Message& m = *beast_->message;
  if (m.chunked()) return std::nullopt;
  return m.content_length().value_or(0);
}

RequestParser::Expectation RequestParser::expectation() const {
  return beast_->message->expectation;
}

}  // namespace paywarden::http
