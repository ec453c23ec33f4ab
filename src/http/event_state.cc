#include "http/event_state.h"

#include <algorithm>

namespace paywarden::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(name)
      .append(": ")
      .append(value.substr(0, value.find_first_of("\r\n")))
      .push_back('\n');
}

void append_data(std::string& out, std::string_view data) {
  do {
    size_t end = std::min(data.find_first_of("\r\n"), data.size());
    out.append("data: ").append(data.substr(0, end)).push_back('\n');
    size_t skip = data.substr(end, 2) == "\r\n" ? 2 : 1;
    data.remove_prefix(std::min(end + skip, data.size()));
  } while (!data.empty());
}

}  // namespace

bool EventState::send(std::string_view data, std::string_view event, std::string_view id) {
  std::lock_guard lock(mutex_);
  if (state_ != State::open) return false;
  append_field(pending_, "event", event);
  append_field(pending_, "id", id);
  append_data(pending_, data);
  pending_.push_back('\n');
  if (pending_.size() > bytes_max_) {
    state_ = State::overflowed;
    announced_ = false;  // even if a write is awaited: it may never end
  }
  announce();
  return state_ == State::open;
}

EventState::State EventState::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void EventState::close(State how) {
  std::lock_guard lock(mutex_);
  if (state_ == State::closed || (how == State::closing && state_ != State::open)) return;
  state_ = how;
  if (how == State::closing) announce();
}

void EventState::announce() {
  if (announced_) return;
  announced_ = true;
  home_.mailbox->push(RefPtr<Deliverable>(this));
}

void EventState::drain(std::string& out) {
  std::lock_guard lock(mutex_);
  announced_ = false;
  out += pending_;
  pending_.clear();
}

void EventState::deliver() {
  if (auto connection = home_.connection.lock()) connection->on_events_ready();
}

EventStream::EventStream() = default;
EventStream::EventStream(RefPtr<EventState> state) : state_(std::move(state)) {}
EventStream::EventStream(const EventStream&) = default;
EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
EventStream::~EventStream() = default;

bool EventStream::send(std::string_view data, std::string_view event, std::string_view id) const {
  return state_ && state_->send(data, event, id);
}
bool EventStream::is_open() const {
  return state_ && state_->state() == EventState::State::open;
}
void EventStream::close() const {
  if (state_) state_->close(EventState::State::closing);
}

}  // namespace paywarden::http
