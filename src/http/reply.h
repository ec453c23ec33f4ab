// The answer to one request, given once, by any thread, now or later. A handler moves or copies it
// to wherever the answer will be known; when the last copy goes without an answer, the client gets
// a 500.
//
//   reply.expires(milliseconds(50), [] { return problem(504, "Too late", ...); });   // in the
//   handler, first queue.try_push(Work{std::move(request), std::move(reply)});
//   ...
//   if (!work.reply(Response::json(200, text))) log_late();   // false: it was answered before (the
//   deadline)
#pragma once

#include <functional>

#include "base/time.h"
#include "http/message.h"

namespace paywarden::http {

class Exchange;

class Reply {
 public:
  Reply();
  explicit Reply(RefPtr<Exchange> exchange);
  Reply(const Reply& other);
  Reply(Reply&& other) noexcept;
  Reply& operator=(Reply other) noexcept;
  ~Reply();

  // Any thread. True when this is the answer; false when another one was first. True does not mean
  // that the client still listens.
  bool operator()(Response response) const;
  bool answered() const;  // any thread

  // Answers with `fallback()` when nobody did `after` the request was read; `fallback` runs at most
  // once, on the connection's thread, and only when its answer is the one sent. Inside the handler
  // only, before passing it on.
  void expires(Duration after, std::function<Response()> fallback) const;

 private:
  RefPtr<Exchange> exchange_;
};

}  // namespace paywarden::http
