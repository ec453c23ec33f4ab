#include "stream/decision_lookup.h"

#include "base/json_writer.h"
#include "payment/records.h"
#include "stream/stage_record.h"

namespace paywarden {

Result<std::unique_ptr<DecisionLookup>> DecisionLookup::create(DecisionLookupOptions options,
                                                               const FieldTable& fields,
                                                               OperatorLog& log) {
  std::unique_ptr<DecisionLookup> lookup(new DecisionLookup(std::move(options), fields));
  TRY_ASSIGN(lookup->reader_,
             KafkaReader::create(lookup->options_.client, lookup->options_.name, log));
  return lookup;
}

// As the input's record says it; what a sender wrote himself has its record's timestamp.
Result<std::optional<EventTime>> DecisionLookup::received(const EarlierPayment& payment,
                                                          Duration timeout) {
  TRY_ASSIGN(auto record,
             reader_->record(options_.input, payment.partition, payment.offset, timeout));
  if (!record) return std::optional<EventTime>();
  if (!is_stage_record(record->value())) return std::optional(record->timestamp());
  StageRecord sent;
  Payment earlier;
  if (!decode_stage_record(record->value(), sent) || sent.kind != StageRecord::Kind::payment ||
      !decode_payment(sent.bytes, fields_, earlier))
    return std::optional<EventTime>();
  return std::optional(earlier.receipt_time);
}

Result<std::optional<std::string>> DecisionLookup::find(const EarlierPayment& payment,
                                                        Duration timeout) {
  if (partitions_ == 0) {
    TRY_ASSIGN(partitions_, reader_->partitions(options_.decisions, timeout));
  }
  TRY_ASSIGN(auto time, received(payment, timeout));
  if (!time) return std::optional<std::string>();
  int32_t partition = partition_of_key(payment.card.hex(), partitions_);
  TRY_ASSIGN(int64_t from, reader_->first_since(options_.decisions, partition, *time, timeout));
  std::string begin;
  JsonWriter(begin).open_object().key("payment_id").string(payment.payment_id);
  std::optional<std::string> found;
  TRY(reader_->scan(options_.decisions, partition, from, timeout,
                    [&](const ConsumedRecord& record) {
                      std::string_view json = record.value();
                      bool it = json.size() > begin.size() && json.starts_with(begin) &&
                                (json[begin.size()] == ',' || json[begin.size()] == '}');
                      if (it) found = json;
                      return !it;
                    }));
  return found;
}

}  // namespace paywarden
