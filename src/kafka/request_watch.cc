#include "kafka/request_watch.h"

#include "base/check.h"

namespace paywarden {
namespace {

constexpr const char* kName = "paywarden";

}  // namespace

RequestWatch::RequestWatch(std::initializer_list<int16_t> api_keys) {
  for (auto& version : versions_) version = -1;
  for (int16_t key : api_keys) {
    CHECK(key >= 0 && key < kKeys, "an API key has a bit");
    watched_ |= uint64_t{1} << key;
  }
}

void RequestWatch::watch(rd_kafka_conf_t* conf) {
  rd_kafka_conf_interceptor_add_on_new(conf, kName, made, this);
}

rd_kafka_resp_err_t RequestWatch::made(rd_kafka_t* handle, const rd_kafka_conf_t*, void* opaque,
                                       char*, size_t) {
  rd_kafka_interceptor_add_on_request_sent(handle, kName, went_out, opaque);
  return rd_kafka_interceptor_add_on_response_received(handle, kName, ended, opaque);
}

rd_kafka_resp_err_t RequestWatch::went_out(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                           int16_t, int32_t, size_t, void* opaque) {
  auto& self = *static_cast<RequestWatch*>(opaque);
  if (api_key >= 0 && api_key < kKeys)
    self.sent_[static_cast<size_t>(api_key)].fetch_add(1, std::memory_order_release);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// With an error for what timed out or was cut off, whether it was sent whole or not.
rd_kafka_resp_err_t RequestWatch::ended(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                        int16_t version, int32_t, size_t, int64_t,
                                        rd_kafka_resp_err_t error, void* opaque) {
  auto& self = *static_cast<RequestWatch*>(opaque);
  if (api_key < 0 || api_key >= kKeys) return RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
    self.versions_[static_cast<size_t>(api_key)].store(version, std::memory_order_release);
  else if ((self.watched_ >> api_key & 1) != 0)
    self.any_.store(true, std::memory_order_release);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace paywarden
