#include "kafka/admin_request.h"

namespace paywarden {

AdminRequest::AdminRequest(const KafkaClient& client, rd_kafka_admin_op_t kind, Duration timeout)
    : client_(client),
      timeout_ms_(static_cast<int>(timeout.ms())),
      options_(rd_kafka_AdminOptions_new(client.handle(), kind), rd_kafka_AdminOptions_destroy),
      queue_(rd_kafka_queue_new(client.handle()), rd_kafka_queue_destroy) {
  char text[256];
  rd_kafka_AdminOptions_set_request_timeout(options_.get(), timeout_ms_, text, sizeof text);
}

Result<Owned<rd_kafka_event_t>> AdminRequest::answer(const std::string& what) {
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue_.get(), timeout_ms_ + 1000),
                                rd_kafka_event_destroy);
  if (!event) return tl::unexpected(client_.error(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
  if (auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return tl::unexpected(client_.error(what, code, rd_kafka_event_error_string(event.get())));
  return event;
}

}  // namespace paywarden
