// Server-sent events (HTML Living Standard, section 9.2): one stream per open page, written by any
// thread.
//
//   router.add_events("/v1/alerts/stream", "analyst", [&](RequestPtr, EventStream stream) {
//   hub.add(stream); });
//   ...
//   if (!stream.send(json, "alert", id)) hub.remove(stream);   // the page is gone, or too slow
#pragma once

#include <functional>
#include <string_view>

#include "http/message.h"

namespace paywarden::http {

class EventState;

// A handle; copies mean the same stream. All functions may be called by any thread.
class EventStream {
 public:
  EventStream();
  explicit EventStream(RefPtr<EventState> state);
  EventStream(const EventStream&);
  EventStream(EventStream&&) noexcept;
  EventStream& operator=(EventStream) noexcept;
  ~EventStream();

  // Queues one event; line ends inside `data` are kept, `event` and `id` must have none (they are
  // cut there). False once the stream is closed, and when this event does not fit the client's
  // buffer, which closes it.
  bool send(std::string_view data, std::string_view event = {}, std::string_view id = {}) const;
  bool is_open() const;
  void close() const;  // after what is queued was sent

 private:
  RefPtr<EventState> state_;
};

using EventsHandler = std::function<void(RequestPtr, EventStream)>;

}  // namespace paywarden::http
