#include "kafka/record.h"

namespace paywarden {
namespace {

rd_kafka_headers_t* headers_of(const RecordToProduce& record) {
  rd_kafka_headers_t* headers = nullptr;
  for (auto [name, value] :
       {std::pair{"input", record.input}, {"payment", record.payment}, {"reply", record.reply}}) {
    if (value.empty()) continue;
    if (!headers) headers = rd_kafka_headers_new(3);
    rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
  }
  return headers;
}

}  // namespace

rd_kafka_topic_t* TopicHandles::of(const std::string& name) {
  if (last_ == topics_.end() || last_->first != name) {
    last_ = topics_.try_emplace(name).first;
    if (!last_->second) last_->second.reset(rd_kafka_topic_new(client_, name.c_str(), nullptr));
  }
  return last_->second.get();
}

rd_kafka_resp_err_t TopicHandles::produce(const RecordToProduce& record, void* opaque) {
  rd_kafka_topic_t* topic = of(record.topic);
  if (!topic) return rd_kafka_last_error();
  rd_kafka_headers_t* headers = headers_of(record);
  auto code = rd_kafka_producev(
      client_, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record.partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(record.timestamp.ms()),
      RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers) rd_kafka_headers_destroy(headers);
  return code;
}

std::string TopicHandles::names() const {
  std::string out;
  for (const auto& [name, handle] : topics_) out += (out.empty() ? "'" : ", '") + name + "'";
  return out;
}

}  // namespace paywarden
