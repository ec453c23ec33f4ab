// Whether a client has given requests of some kinds up without an answer: where a connection breaks, or time runs out, librdkafka sends
// such a request once more by itself, and the first one may still reach the broker, after whatever was sent later.
//
//   Unanswered unanswered({26});   // EndTxn; https://kafka.apache.org/protocol#protocol_api_keys
//   unanswered.watch(conf);        // before rd_kafka_new(); must outlive the client
//   if (unanswered.any()) ...      // once the call that sent it has returned
//
// Noted on librdkafka's threads, before it sends again; any thread may ask.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <initializer_list>

namespace paywarden {

class Unanswered {
 public:
  explicit Unanswered(std::initializer_list<int16_t> api_keys);
  Unanswered(const Unanswered&) = delete;
  Unanswered& operator=(const Unanswered&) = delete;
  void watch(rd_kafka_conf_t* conf);
  bool any() const { return any_.load(std::memory_order_acquire); }

 private:
  static rd_kafka_resp_err_t made(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque, char*,
                                  size_t);
  static rd_kafka_resp_err_t ended(rd_kafka_t*, int, const char*, int32_t, int16_t api_key, int16_t,
                                   int32_t, size_t, int64_t, rd_kafka_resp_err_t error,
                                   void* opaque);
  uint64_t watched_ = 0;  // a bit an API key
  std::atomic<bool> any_{false};
};

}  // namespace paywarden
