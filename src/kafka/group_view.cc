#include "kafka/group_view.h"

#include <algorithm>

#include "kafka/admin_request.h"

namespace paywarden {

size_t range_member(int32_t partition, int32_t partitions, size_t members) {
  size_t each = static_cast<size_t>(partitions) / members;
  size_t longer = static_cast<size_t>(partitions) % members;
  auto p = static_cast<size_t>(partition);
  size_t in_longer = longer * (each + 1);
  return p < in_longer ? p / (each + 1) : longer + (p - in_longer) / each;
}

std::optional<std::string> GroupView::heir(int32_t partition, int32_t partitions) const {
  auto owner = owners.find(partition);
  if (owner == owners.end() || partition >= partitions) return std::nullopt;
  std::vector<std::string> left;
  for (const std::string& member : members)
    if (member != owner->second) left.push_back(member);
  if (left.empty()) return std::nullopt;
  return left[range_member(partition, partitions, left.size())];
}

namespace {

void add_member(const rd_kafka_MemberDescription_t* member, const std::string& topic,
                GroupView& out) {
  std::string id = rd_kafka_MemberDescription_consumer_id(member);
  out.members.push_back(id);
  auto* assignment = rd_kafka_MemberDescription_assignment(member);
  auto* list = assignment ? rd_kafka_MemberAssignment_partitions(assignment) : nullptr;
  for (int i = 0; list && i < list->cnt; ++i)
    if (topic == list->elems[i].topic) out.owners[list->elems[i].partition] = id;
}

}  // namespace

Result<GroupView> group_view(const KafkaClient& client, const std::string& group,
                             const std::string& topic, Duration timeout) {
  const std::string what = "the group '" + group + "' cannot be looked at";
  AdminRequest request(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout);
  const char* groups[] = {group.c_str()};
  rd_kafka_DescribeConsumerGroups(client.handle(), groups, 1, request.options(), request.queue());
  TRY_ASSIGN(auto event, request.answer(what));
  size_t count = 0;
  auto* found = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  if (count != 1) return tl::unexpected(client.error(what, RD_KAFKA_RESP_ERR__BAD_MSG));
  if (auto* error = rd_kafka_ConsumerGroupDescription_error(found[0]))
    return tl::unexpected(
        client.error(what, rd_kafka_error_code(error), rd_kafka_error_string(error)));
  GroupView out;
  out.stable =
      rd_kafka_ConsumerGroupDescription_state(found[0]) == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE;
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(found[0]); ++i)
    add_member(rd_kafka_ConsumerGroupDescription_member(found[0], i), topic, out);
  std::sort(out.members.begin(), out.members.end());
  return out;
}

}  // namespace paywarden
