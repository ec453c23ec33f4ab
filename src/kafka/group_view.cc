#include "kafka/group_view.h"

#include <algorithm>

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

// Big-endian, as Kafka's protocol is.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : bytes_(bytes) {}
  int64_t whole(size_t size) {
    std::string_view digits = take(size);
    uint64_t value = 0;
    for (char byte : digits) value = value << 8 | static_cast<uint8_t>(byte);
    if (digits.empty()) return 0;
    uint64_t sign = uint64_t{1} << (8 * size - 1);
    return static_cast<int64_t>((value ^ sign) - sign);
  }
  std::string_view text() {
    int64_t size = whole(2);
    return size < 0 ? std::string_view() : take(static_cast<size_t>(size));
  }
  bool ok() const { return ok_; }

 private:
  std::string_view take(size_t size) {
    ok_ &= size <= bytes_.size();
    if (!ok_) return {};
    std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

struct DestroyList {
  void operator()(const rd_kafka_group_list* list) const { rd_kafka_group_list_destroy(list); }
};

}  // namespace

std::vector<int32_t> partitions_in(std::string_view assignment, const std::string& topic) {
  WireReader r(assignment);
  std::vector<int32_t> out;
  r.whole(2);  // version: what comes first is the same in all
  for (int64_t topics = r.whole(4); topics > 0 && r.ok(); --topics) {
    bool wanted = r.text() == topic;
    for (int64_t left = r.whole(4); left > 0 && r.ok(); --left) {
      int64_t partition = r.whole(4);
      if (wanted && r.ok()) out.push_back(static_cast<int32_t>(partition));
    }
  }
  return out;
}

// Not through the Admin API: where a connection breaks while it asks a group's coordinator, librdkafka ends the process (its issues
// 4605 and 3663, open with 2.15).
Result<GroupView> group_view(const KafkaClient& client, const std::string& group,
                             const std::string& topic, Duration timeout) {
  const std::string what = "the group '" + group + "' cannot be looked at";
  const rd_kafka_group_list* taken = nullptr;
  auto code =
      rd_kafka_list_groups(client.handle(), group.c_str(), &taken, static_cast<int>(timeout.ms()));
  std::unique_ptr<const rd_kafka_group_list, DestroyList> list(taken);
  bool found = list && list->group_cnt == 1;
  if (found) code = list->groups[0].err;  // whatever another broker did not answer
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(client.error(what, code));
  GroupView out;
  if (!found) return out;
  const rd_kafka_group_info& its = list->groups[0];
  out.stable = std::string_view(its.state) == "Stable";
  for (int i = 0; i < its.member_cnt; ++i) {
    const rd_kafka_group_member_info& member = its.members[i];
    out.members.push_back(member.member_id);
    std::string_view assignment(static_cast<const char*>(member.member_assignment),
                                static_cast<size_t>(member.member_assignment_size));
    for (int32_t partition : partitions_in(assignment, topic))
      out.owners[partition] = member.member_id;
  }
  std::sort(out.members.begin(), out.members.end());
  return out;
}

}  // namespace paywarden
