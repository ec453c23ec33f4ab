#include "kafka/unanswered.h"

#include "base/check.h"

namespace paywarden {
namespace {

constexpr const char* kName = "paywarden";

}  // namespace

Unanswered::Unanswered(std::initializer_list<int16_t> api_keys) {
  for (int16_t key : api_keys) {
    CHECK(key >= 0 && key < 64, "an API key has a bit");
    watched_ |= uint64_t{1} << key;
  }
}

void Unanswered::watch(rd_kafka_conf_t* conf) {
  rd_kafka_conf_interceptor_add_on_new(conf, kName, made, this);
}

rd_kafka_resp_err_t Unanswered::made(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque,
                                     char*, size_t) {
  return rd_kafka_interceptor_add_on_response_received(handle, kName, ended, opaque);
}

// With an error for what timed out or was cut off, whether it was sent whole or not.
rd_kafka_resp_err_t Unanswered::ended(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                      int16_t, int32_t, size_t, int64_t, rd_kafka_resp_err_t error,
                                      void* opaque) {
  auto& self = *static_cast<Unanswered*>(opaque);
  bool watched = api_key >= 0 && api_key < 64 && (self.watched_ >> api_key & 1) != 0;
  if (watched && error != RD_KAFKA_RESP_ERR_NO_ERROR)
    self.any_.store(true, std::memory_order_release);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace paywarden
