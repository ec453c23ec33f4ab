#include "kafka/client.h"

#include <cstring>

namespace paywarden {
namespace {

constexpr std::chrono::minutes kTellAgainAfter{1};

// Of a complaint: later ones have nothing to do with it.
constexpr std::chrono::minutes kComplaintCounts{1};
// Of connections: a certificate that is refused, or a password, is refused the next time too.
constexpr std::chrono::milliseconds kReachEvery{500};

bool is_of_connection(int code) {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

// While brokers come, go and hand their partitions on.
bool is_passing(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__NOENT:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
      return true;
    default:
      return is_of_connection(code);
  }
}

bool is_refused(int code) {
  return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

// Librdkafka's own words hold the value, which may be a secret.
std::string not_taken(const std::string& key, rd_kafka_conf_res_t result) {
  return result == RD_KAFKA_CONF_UNKNOWN ? "there is no property '" + key + "'"
                                         : "the value of '" + key + "' is not taken";
}

Result<rd_kafka_conf_t*> configured(const KafkaClientOptions& options, KafkaSettings settings) {
  char text[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  auto set = [&](const std::string& key, const std::string& value) {
    return rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text);
  };
  set("client.id", options.client_id);
  set("log_level", "5");
  std::string refused;  // all at once
  for (const auto& [key, value] : options.properties.values)
    if (auto result = set(key, value); result != RD_KAFKA_CONF_OK)
      refused += (refused.empty() ? "" : ", ") + not_taken(key, result);
  if (!refused.empty()) {
    rd_kafka_conf_destroy(conf);
    return fail(refused, options.properties.file,
                "remove what librdkafka does not know: its CONFIGURATION.md has names and values");
  }
  for (const auto& [key, value] : settings)
    if (set(key, value) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return fail(std::string("Kafka's client does not take our setting: ") + text);
    }
  return conf;
}

}  // namespace

std::string KafkaClient::remedy_of(int code) const {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "check sasl.mechanisms, sasl.username and sasl.password in the properties file";
    case RD_KAFKA_RESP_ERR__SSL:
      return "check ssl.ca.location and security.protocol in the properties file";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "let the user read and write the topic (an ACL at the broker)";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "let the user read with the consumer group '" + group_ + "' (an ACL at the broker)";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "let the user write with the transactional id '" + transactional_id_ +
             "' (an ACL at the broker)";
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      return "check bootstrap.servers in the properties file, and the brokers";
    default:
      return {};
  }
}

bool ComplaintsTold::tell(int code) {
  std::lock_guard lock(mutex_);
  auto now = std::chrono::steady_clock::now();
  auto [last, first] = told_.try_emplace(code, now);
  if (!first && now - last->second < kTellAgainAfter) return false;
  last->second = now;
  return true;
}

Result<std::unique_ptr<KafkaClient>> KafkaClient::create(rd_kafka_type_t type,
                                                         const KafkaClientOptions& options,
                                                         KafkaSettings settings, OperatorLog& log,
                                                         const Prepare& prepare, void* owner) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(log, owner, options.told));
  client->brokers_ = options.properties.bootstrap();
  for (const auto& [key, value] : settings) {
    if (std::string_view(key) == "group.id") client->group_ = value;
    if (std::string_view(key) == "transactional.id") client->transactional_id_ = value;
  }
  TRY_ASSIGN(rd_kafka_conf_t * conf, configured(options, settings));
  rd_kafka_conf_set_opaque(conf, client.get());
  rd_kafka_conf_set_error_cb(conf, heard);
  rd_kafka_conf_set_log_cb(conf, logged);
  if (prepare) prepare(conf);
  char text[512];
  client->handle_ = rd_kafka_new(type, conf, text, sizeof text);
  if (!client->handle_) {
    rd_kafka_conf_destroy(conf);
    return fail(std::string("Kafka's client cannot be made: ") + text, options.properties.file);
  }
  return client;
}

KafkaClient::~KafkaClient() {
  if (!handle_) return;
  if (rd_kafka_type(handle_) == RD_KAFKA_PRODUCER)
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_destroy(handle_);
}

void KafkaClient::heard(rd_kafka_t*, int code, const char* reason, void* opaque) {
  KafkaClient& self = of(opaque);
  {
    std::lock_guard lock(self.mutex_);
    // That all are down follows from something that was said before, and says less.
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || self.complaint_.text.empty())
      self.complaint_ = {code, reason, std::chrono::steady_clock::now()};
  }
  // What is fatal is the error of a call, too.
  if (code == RD_KAFKA_RESP_ERR__FATAL || !self.told_->tell(code)) return;
  self.log_.write(LogLevel::warning, "kafka_complains",
                  {{"error", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code))},
                   {"what", reason},
                   {"remedy", self.remedy_of(code)}});
}

// Lines of level 3 and worse come through heard() too. That a producer has no use for a consumer's property is no news: there is
// one file for both.
void KafkaClient::logged(const rd_kafka_t* handle, int level, const char* facility,
                         const char* text) {
  if (level <= 3 || std::string_view(facility) == "CONFWARN") return;
  KafkaClient& self = of(rd_kafka_opaque(handle));
  self.log_.write(level <= 4 ? LogLevel::warning : LogLevel::info, "kafka_client",
                  {{"facility", facility}, {"what", text}});
}

KafkaClient::Complaint KafkaClient::complaint() const {
  std::lock_guard lock(mutex_);
  bool counts = std::chrono::steady_clock::now() - complaint_.at < kComplaintCounts;
  return counts ? complaint_ : Complaint();
}

// That a broker was not reached follows from what went wrong with its connection, which knows the remedy.
Error KafkaClient::error(const std::string& what, rd_kafka_resp_err_t code,
                         const std::string& detail) const {
  Complaint said = complaint();
  bool told = said.text.empty() || said.text.find(detail) != std::string::npos;
  std::string remedy = remedy_of(is_of_connection(code) ? said.code : code);
  if (remedy.empty()) remedy = remedy_of(code);
  return {what + ": " + detail + (told ? "" : " (" + said.text + ")"), "Kafka at " + brokers_,
          remedy, is_passing(code) && !is_refused(said.code)};
}

Status KafkaClient::status(const std::string& what, rd_kafka_error_t* problem) const {
  if (!problem) return {};
  Error out = error(what, rd_kafka_error_code(problem), rd_kafka_error_string(problem));
  rd_kafka_error_destroy(problem);
  return tl::unexpected(std::move(out));
}

bool KafkaClient::refused() const {
  return is_refused(complaint().code);
}

Status KafkaClient::reach(Duration timeout) const {
  auto begun = std::chrono::steady_clock::now();
  const rd_kafka_metadata_t* metadata = nullptr;
  while (true) {
    auto code = rd_kafka_metadata(handle_, 0, nullptr, &metadata, kReachEvery.count());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    rd_kafka_poll(handle_, 0);  // what was said meanwhile
    bool over = std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(timeout.ms());
    if (over || refused()) return tl::unexpected(error("no broker answers", code));
  }
  rd_kafka_metadata_destroy(metadata);
  return {};
}

// Austin Appleby's MurmurHash2 with Java's seed (org.apache.kafka.common.utils.Utils.murmur2).
int32_t partition_of_key(std::string_view key, int32_t partitions) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  size_t n = key.size();
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(n);
  const char* p = key.data();
  for (; n >= 4; p += 4, n -= 4) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    word *= kMultiplier;
    word ^= word >> 24;
    hash = hash * kMultiplier ^ word * kMultiplier;
  }
  if (n > 0) {
    for (size_t i = n; i-- > 0;) hash ^= uint32_t{static_cast<uint8_t>(p[i])} << (8 * i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash & 0x7fffffff) % partitions;
}

}  // namespace paywarden
