// Engine: the log thread, which makes groups durable and answers.
#include "base/check.h"
#include "engine/engine.h"

namespace paywarden {

void Engine::keep() {
  std::vector<std::unique_ptr<OutgoingGroup>> groups;
  while (groups_.pop_all(groups, options_.groups_in_flight)) {
    append(groups);
    for (auto& group : groups) {
      group->clear();
      spare_groups_.try_push(std::move(group));
    }
    groups.clear();
  }
}

// All groups that wait go into one: one write, one sync.
void Engine::append(std::vector<std::unique_ptr<OutgoingGroup>>& groups) {
  std::vector<RecordToWrite> records;
  for (const auto& group : groups)
    for (const GroupRecord& r : group->records)
      records.push_back(
          {r.kind, std::string_view(group->bytes).substr(r.offset, r.length), r.lookup_key});
  if (failed_) return fail_all(groups, Error{"the log has failed", {}, "restart Paywarden"});
  if (!records.empty()) {
    auto first = log_.append(records);
    if (!first) {
      failed_ = true;
      operator_log_.write(LogLevel::error, "log_failed", {{"error", first.error().line()}});
      if (on_failure_) on_failure_(first.error());
      fail_all(groups, first.error());
      return;
    }
    uint64_t expected = 0;
    for (const auto& group : groups)
      if (expected == 0 && !group->records.empty()) expected = group->first_sequence;
    CHECK(*first == expected, "the log counts otherwise than the engine");
    figures_.groups.fetch_add(1, std::memory_order_relaxed);
    for (const auto& group : groups)
      figures_.log_bytes.fetch_add(group->bytes.size(), std::memory_order_relaxed);
  }
  for (auto& group : groups) time_all(*group);
  for (auto& group : groups) answer_all(*group);
}

void Engine::time_all(const OutgoingGroup& group) const {
  if (!on_decided_) return;
  auto now = std::chrono::steady_clock::now();
  for (const PendingReply& pending : group.replies)
    if (pending.kind == Answer::Kind::decided)
      on_decided_(std::chrono::duration_cast<std::chrono::microseconds>(now - pending.arrived));
}

void Engine::answer_all(OutgoingGroup& group) {
  for (PendingReply& pending : group.replies) {
    if (!pending.to) continue;
    if (pending.kind == Answer::Kind::repeated)
      answer_earlier(pending);
    else
      answer(group, pending);
  }
}

void Engine::answer(OutgoingGroup& group, PendingReply& pending) {
  Answer out{pending.kind,
             std::string_view(group.bytes).substr(pending.json_offset, pending.json_length),
             pending.sequence};
  if (pending.kind == Answer::Kind::refused) out.error = &pending.error;
  if (pending.to->answer(out) || pending.kind != Answer::Kind::decided) return;
  figures_.answered_by_default.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock(shared_);
  defaults_.push_back(pending.payment_id);
}

// The decision follows its payment in the log; what follows a payment of the history is something
// else.
void Engine::answer_earlier(PendingReply& pending) {
  auto record = log_.record(pending.sequence + 1);
  DecisionHead head;
  std::string_view json;
  bool decided = record && record->kind == RecordKind::decision &&
                 decode_decision(record->bytes, head, json) &&
                 head.payment_sequence == pending.sequence;
  bool history = record ? !decided : log_.durable_end() == pending.sequence + 1;
  if (decided) {
    pending.to->answer({Answer::Kind::repeated, json, pending.sequence});
  } else if (history) {
    pending.to->answer({Answer::Kind::recorded, {}, pending.sequence});
  } else {
    pending.to->answer({Answer::Kind::failed, {}, pending.sequence, &record.error()});
  }
}

void Engine::fail_all(std::vector<std::unique_ptr<OutgoingGroup>>& groups, const Error& error) {
  for (auto& group : groups)
    for (PendingReply& pending : group->replies)
      if (pending.to) pending.to->answer({Answer::Kind::failed, {}, 0, &error});
}

}  // namespace paywarden
