// Bytes -> one HTTP/1.1 request (RFC 9112), piece by piece, over Beast's parser, which is stricter
// here: everything that two parsers could read in two ways (request smuggling) is refused. Inside
// of http/ only.
//
//   parser.begin(exchange);
//   switch (parser.feed(bytes, used)) { case Step::head: route(); case Step::piece:
//   store(parser.piece()); ... }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/exchange.h"

namespace paywarden::http {

class RequestParser {
 public:
  struct Limits {
    size_t head_bytes_max;  // request line and fields, with their line ends; also a chunk's header
                            // and the trailers
    size_t head_fields_max;
  };
  enum class Step {
    need_more,  // feed again, with what was not used and more behind it
    head,       // the exchange's request has method, path, query, fields
    piece,      // some of the body: piece(), which points into the bytes given
    done,       // the request is complete
    bad         // see refusal()
  };

  explicit RequestParser(Limits limits);
  ~RequestParser();
  void begin(Exchange& exchange);
  Step feed(std::string_view bytes, size_t& used);

  std::string_view piece() const;
  Response refusal() const;
  // From Step::head on:
  bool keep_alive() const;
  bool has_body() const;
  std::optional<uint64_t> content_length() const;  // none for chunked bodies
  enum class Expectation { none, continue_100, unknown };
  Expectation expectation() const;

 private:
  class Beast;
  const Limits limits_;
  std::unique_ptr<Beast> beast_;
};

}  // namespace paywarden::http
