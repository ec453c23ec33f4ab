// A way to tell someone: e-mail, a webhook. The port that the dispatcher delivers through.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace paywarden {

struct OutgoingMessage {
  std::string_view id;       // the same at every attempt: receivers drop repeats by it
  std::string_view payload;  // message.h
  EventTime now;             // of this attempt
  EventTime queued;          // when the message was made: the same at every attempt
};

struct Attempt {
  enum class Outcome {
    delivered,
    failed,     // may work later
    refused,    // will never work: the other side said so, or it must not be tried
    cancelled,  // the program is stopping; whether it arrived is unknown
  };
  Outcome outcome = Outcome::failed;
  std::string error = {};             // for a person; no secret in it
  Duration retry_after = seconds(0);  // the other side's wish; 0: none
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual const std::string& name() const = 0;
  // Blocks until the other side has answered or a time limit is over. One thread.
  virtual Attempt deliver(const OutgoingMessage& message) = 0;
  // Makes a deliver() under way end soon; every later one is cancelled. Any thread.
  virtual void cancel() = 0;
};

}  // namespace paywarden
