#include "stream/topic_intake.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "base/digest.h"
#include "base/json_writer.h"
#include "payment/records.h"
#include "stream/reply.h"
#include "stream/stage_record.h"

namespace paywarden {
namespace {

constexpr Duration kPoll = milliseconds(10);  // how long a failed record, or a stop, waits at most
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::seconds kGiveUpEvery{1};
// A repeat may come while its first payment is still on its way through the stages; then it is looked for again.
constexpr std::chrono::milliseconds kLookAgain{50};
constexpr std::chrono::seconds kLookMost{5};
constexpr Duration kFinish = seconds(5);

Duration until(std::chrono::steady_clock::time_point end) {
  auto left = end - std::chrono::steady_clock::now();
  return milliseconds(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count(), 1));
}

Error said(std::string what) {
  return {std::move(what), {}, {}};
}

std::string ticket_text(const std::string& nonce, uint64_t ticket) {
  return fmt::format("{}-{}", nonce, ticket);
}

std::optional<uint64_t> ticket_of(std::string_view text, const std::string& nonce) {
  if (!text.starts_with(nonce) || text.size() <= nonce.size() + 1) return std::nullopt;
  text.remove_prefix(nonce.size() + 1);
  uint64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

TopicIntake::TopicIntake(TopicIntakePorts ports, TopicIntakeOptions options)
    : ports_(ports),
      options_(std::move(options)),
      nonce_(to_hex(random_bytes(8))),
      lookups_(options_.lookups_max) {}

TopicIntake::~TopicIntake() {
  stop();
}

// Replies are read from the end on: those to a former start are for nobody.
Status TopicIntake::start() {
  TRY_ASSIGN(replies_,
             KafkaReader::create(options_.client, options_.group + "-replies", ports_.log));
  TRY_ASSIGN(int32_t partitions, replies_->partitions(options_.replies, options_.call_timeout));
  partition_ = partition_of_key(options_.instance, partitions);
  TRY_ASSIGN(auto range, replies_->range(options_.replies, partition_, options_.call_timeout));
  TRY(replies_->go_to(options_.replies, partition_, range.second));
  TRY(make_sender());
  thread_ = std::thread([this] { run(); });
  lookup_thread_ = std::thread([this] { look_up(); });
  return {};
}

void TopicIntake::stop() {
  if (stopping_.exchange(true)) return;
  lookups_.close();
  if (thread_.joinable()) thread_.join();
  if (lookup_thread_.joinable()) lookup_thread_.join();
  if (sender_) sender_->finish(kFinish);
  fail_all(said("the program stops before the payment is decided"));
}

Status TopicIntake::make_sender() {
  TRY_ASSIGN(std::shared_ptr<RecordSender> made,
             RecordSender::create(options_.client, options_.sender, ports_.log,
                                  [this](uint64_t ticket, const Error& error) {
                                    if (auto waiting = take(ticket)) fail_one(*waiting, error);
                                  }));
  std::lock_guard lock(sender_mutex_);
  sender_ = std::move(made);
  return {};
}

size_t TopicIntake::queued() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

bool TopicIntake::submit(Work&& work) {
  bool lacks_payment =
      work.kind == Work::Kind::label && !work.label_has_payment && !ports_.plan.stages.empty();
  if (work.kind == Work::Kind::change || lacks_payment) {
    Error error = lacks_payment ? Error{"is missing: a label is routed by its payment", "payment",
                                        "send the payment along, as it was sent"}
                                : said("changes are made in the configuration of each instance");
    if (work.reply) work.reply->answer({Answer::Kind::refused, {}, 0, &error});
    return true;
  }
  uint64_t ticket = 0;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.waiting_max) return false;
    ticket = ++last_ticket_;
    bool is_payment = work.kind == Work::Kind::payment;
    waiting_.emplace(
        ticket, Waiting{std::move(work.reply), is_payment ? std::string(work.payment.id()) : "",
                        work.payment.card,
                        Steady::now() + std::chrono::milliseconds(options_.waits_max.ms())});
  }
  if (send(work, ticket)) {
    figures_.sent.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  if (auto waiting = take(ticket)) work.reply = std::move(waiting->reply);
  return false;
}

// A label goes to every stage; the first one's word is the answer.
bool TopicIntake::send(const Work& work, uint64_t ticket) {
  std::string tag = reply_tag(partition_, ticket_text(nonce_, ticket)), bytes, value;
  const auto& stages = ports_.plan.stages;
  auto key = [&](size_t stage) {
    return stages.empty() ? work.payment.card.hex() : stage_key(work.payment, stages[stage].key);
  };
  if (work.kind == Work::Kind::payment) {
    encode_payment(work.payment, ports_.fields, bytes);
    encode_stage_payment({ports_.feature_hash, tag}, bytes, {}, value);
    return send_to(options_.topic, key(0), value, ticket);
  }
  LabelRecord label{work.label, {}};
  if (work.label_has_payment) encode_payment(work.payment, ports_.fields, label.payment);
  encode_label(label, bytes);
  encode_stage_label({ports_.feature_hash, tag}, bytes, value);
  std::string first = work.label_has_payment ? key(0) : work.label.payment_id;
  if (!send_to(options_.topic, first, value, ticket)) return false;
  value.clear();
  encode_stage_label({ports_.feature_hash, {}}, bytes, value);
  for (size_t stage = 1; stage < stages.size(); ++stage)
    if (!send_to(stages[stage].spec.topic, key(stage), value, ticket)) return false;
  return true;
}

bool TopicIntake::send_to(const std::string& topic, std::string_view key, std::string_view value,
                          uint64_t ticket) {
  std::shared_ptr<RecordSender> sender;
  {
    std::lock_guard lock(sender_mutex_);
    sender = sender_;
  }
  return sender->send({topic, key, value}, ticket);
}

void TopicIntake::run() {
  auto given_up = Steady::now();
  while (!stopping_) {
    Status done = read_replies();
    if (done && !sender_->serve()) done = make_sender();
    if (!done) {
      ports_.log.write(LogLevel::error, "replies_failed", {{"error", done.error().line()}});
      std::this_thread::sleep_for(kRetry);
    }
    if (Steady::now() - given_up < kGiveUpEvery) continue;
    given_up = Steady::now();
    give_up_old();
  }
}

// What is there, and what comes within the next moment.
Status TopicIntake::read_replies() {
  if (replies_->position_absent()) {
    TRY_ASSIGN(auto range, replies_->range(options_.replies, partition_, options_.call_timeout));
    TRY(replies_->go_to(options_.replies, partition_, range.second));
  }
  TRY_ASSIGN(auto record, replies_->next(kPoll));
  while (record) {
    answered(*record);
    TRY_ASSIGN(record, replies_->next(Duration()));
  }
  return {};
}

void TopicIntake::give_up_old() {
  std::vector<Waiting> old;
  {
    std::lock_guard lock(mutex_);
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      bool is_old = Steady::now() >= at->second.until;
      if (is_old) old.push_back(std::move(at->second));
      at = is_old ? waiting_.erase(at) : std::next(at);
    }
  }
  for (Waiting& waiting : old) fail_one(waiting, said("no outcome came back in time"));
}

std::optional<TopicIntake::Waiting> TopicIntake::take(uint64_t ticket) {
  std::lock_guard lock(mutex_);
  auto found = waiting_.find(ticket);
  if (found == waiting_.end()) return std::nullopt;
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  return waiting;
}

void TopicIntake::answered(const ConsumedRecord& record) {
  auto ticket = ticket_of(record.header("reply"), nonce_);
  auto waiting = ticket ? take(*ticket) : std::nullopt;
  if (!waiting) return;  // another instance's, or nobody waits any more
  std::string_view json = record.value();
  if (json.starts_with(R"({"what":)")) return answer_other(std::move(*waiting), json);
  answer(*waiting, {Answer::Kind::decided, json, 0, nullptr});
}

void TopicIntake::answer_other(Waiting waiting, std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element reply;
  std::string_view what, why;
  int64_t partition = 0, offset = 0;
  if (parser.parse(json.data(), json.size()).get(reply) || reply["what"].get(what))
    return fail_one(waiting, said("a reply cannot be read"));
  if (what == "duplicate") {
    if (reply["partition"].get(partition) || reply["offset"].get(offset))
      return fail_one(waiting, said("a reply cannot be read"));
    EarlierPayment earlier{waiting.payment_id, waiting.card, static_cast<int32_t>(partition),
                           offset};
    Lookup lookup{std::move(waiting), std::move(earlier)};
    if (!lookups_.try_push(std::move(lookup)))
      fail_one(lookup.waiting, said("too many payments are repeated at once"));
    return;
  }
  if (what == "conflict") return answer(waiting, {Answer::Kind::conflict, {}, 0, nullptr});
  if (what == "label") return answer(waiting, {Answer::Kind::label_applied, {}, 0, nullptr});
  if (what == "label_waiting")
    return answer(waiting, {Answer::Kind::label_waiting, {}, 0, nullptr});
  if (reply["error"].get(why)) why = "it was rejected";
  Error error = said(std::string(why));
  answer(waiting, {Answer::Kind::refused, {}, 0, &error});
}

void TopicIntake::answer(Waiting& waiting, const Answer& answer) {
  bool told = !waiting.reply || waiting.reply->answer(answer);
  waiting.reply.reset();
  bool decided = answer.kind == Answer::Kind::decided || answer.kind == Answer::Kind::repeated;
  figures_.answered.fetch_add(1, std::memory_order_relaxed);
  if (!told && decided) note_default(waiting);
}

void TopicIntake::fail_one(Waiting& waiting, const Error& error) {
  figures_.failed.fetch_add(1, std::memory_order_relaxed);
  if (waiting.reply) waiting.reply->answer({Answer::Kind::failed, {}, 0, &error});
  waiting.reply.reset();
}

void TopicIntake::fail_all(const Error& error) {
  std::unordered_map<uint64_t, Waiting> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  for (auto& [ticket, waiting] : all) fail_one(waiting, error);
}

// Its caller was told the default outcome at the deadline. Not of the outcome's transaction: it says what was said, by whom.
void TopicIntake::note_default(const Waiting& waiting) {
  figures_.answered_by_default.fetch_add(1, std::memory_order_relaxed);
  std::string text;
  JsonWriter(text)
      .open_object()
      .key("what")
      .string("answered")
      .key("payment_id")
      .string(waiting.payment_id)
      .key("outcome")
      .string(options_.default_outcome)
      .key("instance")
      .string(options_.instance)
      .close_object();
  constexpr uint64_t kNobody = 0;
  send_to(options_.others, {}, text, kNobody);
}

void TopicIntake::look_up() {
  std::unique_ptr<DecisionLookup> lookup;
  std::vector<Lookup> wanted;
  while (lookups_.pop_all_for(wanted, options_.lookups_max, kLookAgain)) {
    if (wanted.empty()) continue;
    if (!lookup) {
      auto made = DecisionLookup::create(
          {options_.client, options_.group + "-lookup", options_.topic, options_.decisions},
          ports_.fields, ports_.log);
      if (made) lookup = std::move(*made);
      if (!made)
        for (Lookup& one : wanted) fail_one(one.waiting, made.error());
    }
    auto found = [&](Lookup& one) { return !lookup || look_up_one(*lookup, one); };
    wanted.erase(std::remove_if(wanted.begin(), wanted.end(), found), wanted.end());
    if (!wanted.empty()) std::this_thread::sleep_for(kLookAgain);
  }
  for (Lookup& one : wanted) fail_one(one.waiting, said("the program stops"));
}

// Whether it is answered.
bool TopicIntake::look_up_one(DecisionLookup& lookup, Lookup& wanted) {
  Waiting& waiting = wanted.waiting;
  auto most = Steady::now() + kLookMost;
  if (!wanted.looked_until) wanted.looked_until = most;
  auto json = lookup.find(wanted.earlier, std::min(options_.call_timeout, until(most)));
  if (json && *json) {
    figures_.repeated.fetch_add(1, std::memory_order_relaxed);
    answer(waiting, {Answer::Kind::repeated, **json, 0, nullptr});
    return true;
  }
  if (!stopping_ && Steady::now() < *wanted.looked_until) return false;
  fail_one(waiting, json ? said("it was decided before, and its decision is not in '" +
                                options_.decisions + "' any more")
                         : json.error());
  return true;
}

}  // namespace paywarden
