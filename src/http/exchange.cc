#include "http/exchange.h"

#include "base/check.h"

namespace paywarden::http {

void Exchange::reset() {
  CHECK(!armed(), "an exchange is used again while its deadline runs");
  request.fields.clear();
  request.params.clear();
  request.path = request.query = request.body = {};
  request.method = Method::other;
  request.received = {};
  request.principal.reset();
  head.clear();
  decoded.clear();
  body.clear();
  route = nullptr;
  claimed_.store(false, std::memory_order_relaxed);
  replies_.store(0, std::memory_order_relaxed);
  response_ = {};
  was_dropped_ = was_late_ = false;
}

bool Exchange::answer(Response response) {
  if (!claim()) return false;
  pass_on(std::move(response));
  return true;
}

void Exchange::pass_on(Response response) {
  response_ = std::move(response);
  if (home_.mailbox->is_home())
    deliver();
  else
    home_.mailbox->push(RefPtr<Deliverable>(this));
}

void Exchange::deliver() {
  cancel_deadline();
  if (auto connection = home_.connection.lock()) connection->on_answer(*this);
}

void Exchange::expires(Duration after, std::function<Response()> fallback) {
  CHECK(home_.mailbox->is_home(), "Reply::expires outside the handler");
  if (answered()) return;
  auto received =
      std::chrono::duration_cast<std::chrono::milliseconds>(request.received.time_since_epoch());
  fallback_ = std::move(fallback);
  if (!armed()) retain();
  home_.wheel->arm(*this, received.count() + 1 + after.ms());
}

void Exchange::cancel_deadline() {
  if (!armed()) return;
  home_.wheel->disarm(*this);
  fallback_ = nullptr;
  release();
}

void Exchange::expired() {
  RefPtr<Exchange> self(this);
  release();  // the wheel's reference
  std::function<Response()> fallback = std::move(fallback_);
  fallback_ = nullptr;
  if (!claim()) return;
  was_late_ = true;
  pass_on(fallback());
}

void Exchange::drop_reply() {
  if (replies_.fetch_sub(1, std::memory_order_acq_rel) != 1 || !claim()) return;
  was_dropped_ = true;
  pass_on(problem(500, "Internal error", "The request was dropped without an answer."));
}

Reply::Reply(RefPtr<Exchange> exchange) : exchange_(std::move(exchange)) {
  if (exchange_) exchange_->add_reply();
}
Reply::Reply() = default;
Reply::Reply(Reply&& other) noexcept = default;
Reply::Reply(const Reply& other) : Reply(other.exchange_) {}
Reply& Reply::operator=(Reply other) noexcept {
  std::swap(exchange_, other.exchange_);
  return *this;
}
Reply::~Reply() {
  if (exchange_) exchange_->drop_reply();
}

bool Reply::operator()(Response response) const {
  return exchange_ && exchange_->answer(std::move(response));
}
bool Reply::answered() const {
  return exchange_ && exchange_->answered();
}
void Reply::expires(Duration after, std::function<Response()> fallback) const {
  CHECK(exchange_, "expires() on an empty Reply");
  exchange_->expires(after, std::move(fallback));
}

}  // namespace paywarden::http
