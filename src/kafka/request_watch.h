// Whether a client has given requests of some kinds up without an answer: where a connection breaks, or time runs out, librdkafka sends
// such a request once more by itself, and the first one may still reach the broker, after whatever was sent later.
//
//   RequestWatch requests({26});     // EndTxn; https://kafka.apache.org/protocol#protocol_api_keys
//   requests.watch(conf);            // before rd_kafka_new(); must outlive the client
//   if (requests.any_unanswered())   // once the call that sent it has returned
//
//   requests.sent(26);               // so many of them have gone out whole
//   requests.version(22);            // of the protocol that client and broker agreed on for InitProducerId; -1: never answered
//
// Noted on librdkafka's threads, before it sends again; any thread may ask.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <atomic>
#include <initializer_list>

namespace paywarden {

class RequestWatch {
 public:
  explicit RequestWatch(std::initializer_list<int16_t> api_keys);
  RequestWatch(const RequestWatch&) = delete;
  RequestWatch& operator=(const RequestWatch&) = delete;
  void watch(rd_kafka_conf_t* conf);
  bool any_unanswered() const { return any_.load(std::memory_order_acquire); }
  uint64_t sent(int16_t api_key) const {
    return api_key >= 0 && api_key < kKeys
               ? sent_[static_cast<size_t>(api_key)].load(std::memory_order_acquire)
               : 0;
  }
  int version(int16_t api_key) const {
    return api_key >= 0 && api_key < kKeys
               ? versions_[static_cast<size_t>(api_key)].load(std::memory_order_acquire)
               : -1;
  }

 private:
  static rd_kafka_resp_err_t made(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque, char*,
                                  size_t);
  static rd_kafka_resp_err_t went_out(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                      int16_t, int32_t, size_t, void* opaque);
  static rd_kafka_resp_err_t ended(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                   int16_t version, int32_t, size_t, int64_t,
                                   rd_kafka_resp_err_t error, void* opaque);
  static constexpr int kKeys = 64;
  uint64_t watched_ = 0;  // a bit an API key
  std::array<std::atomic<int>, kKeys> versions_;
  std::array<std::atomic<uint64_t>, kKeys> sent_{};
  std::atomic<bool> any_{false};
};

}  // namespace paywarden
