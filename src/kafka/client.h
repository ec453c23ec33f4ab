// What all Kafka clients share: librdkafka's handle with our settings, its log lines as events of ours, and errors as values.
//
//   KafkaClientOptions options{properties, "paywarden-1"};
//   TRY_ASSIGN(auto client, KafkaClient::create(RD_KAFKA_PRODUCER, options, {{"linger.ms", "0"}}, operator_log));
//   TRY(client->reach(seconds(10)));      // connected and signed in, or why not
//
// Any thread, as librdkafka. No error or event holds a value of the properties.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/operator_log.h"
#include "base/result.h"
#include "base/time.h"
#include "kafka/properties.h"

namespace paywarden {

// What was complained of when: librdkafka repeats itself at every attempt, and so do all clients of a program; people need it
// once a minute. Any thread.
class ComplaintsTold {
 public:
  bool tell(int code);  // whether it is time to

 private:
  std::mutex mutex_;
  std::map<int, std::chrono::steady_clock::time_point> told_;
};

struct KafkaClientOptions {
  KafkaProperties properties;
  std::string client_id = "paywarden";
  std::shared_ptr<ComplaintsTold> told = std::make_shared<ComplaintsTold>();  // copies share it
};

using KafkaSettings = std::initializer_list<std::pair<const char*, std::string>>;

class KafkaClient {
 public:
  using Prepare = std::function<void(rd_kafka_conf_t*)>;
  // `prepare` sets callbacks; `opaque` is what they get. Errors: a property that librdkafka does not know or take.
  static Result<std::unique_ptr<KafkaClient>> create(rd_kafka_type_t type,
                                                     const KafkaClientOptions& options,
                                                     KafkaSettings settings, OperatorLog& log,
                                                     const Prepare& prepare = nullptr,
                                                     void* owner = nullptr);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  rd_kafka_t* handle() const { return handle_; }
  void* owner() const { return owner_; }
  static KafkaClient& of(void* opaque) { return *static_cast<KafkaClient*>(opaque); }

  // Waits until a broker answers. The error names what a connection failed of last: refused, sign-in, certificate; the last
  // two are not waited for.
  Status reach(Duration timeout) const;
  // Whether what it complained of in the last minute is the sign-in or the certificate: that does not mend itself.
  bool refused() const;
  // With what librdkafka complained of in the last minute, and what to do about it.
  Error error(const std::string& what, rd_kafka_resp_err_t code, const std::string& detail) const;
  Error error(const std::string& what, rd_kafka_resp_err_t code) const {
    return error(what, code, rd_kafka_err2str(code));
  }
  // Takes the error object over.
  Status status(const std::string& what, rd_kafka_error_t* error) const;

 private:
  KafkaClient(OperatorLog& log, void* owner, std::shared_ptr<ComplaintsTold> told)
      : log_(log), owner_(owner), told_(std::move(told)) {}
  static void heard(rd_kafka_t* handle, int code, const char* reason, void* opaque);
  static void logged(const rd_kafka_t* handle, int level, const char* facility, const char* text);

  OperatorLog& log_;
  void* owner_;
  rd_kafka_t* handle_ = nullptr;
  // What librdkafka said last, for a person.
  struct Complaint {
    int code = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string text;
    std::chrono::steady_clock::time_point at;
  };
  Complaint complaint() const;

  std::string remedy_of(int code) const;

  std::string brokers_, group_, transactional_id_;  // for messages
  const std::shared_ptr<ComplaintsTold> told_;
  mutable std::mutex mutex_;  // complaint_
  Complaint complaint_;
};

// Which partition a key's records go to: Java's default partitioner (murmur2), so that every client agrees.
int32_t partition_of_key(std::string_view key, int32_t partitions);

}  // namespace paywarden
