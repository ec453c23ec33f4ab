// Who is in a consumer group and has which partitions, and who would have them if one of its members were gone: all of its members can
// work that out alike.
//
//   TRY_ASSIGN(GroupView view, group_view(client, "paywarden", "payments", seconds(10)));
//   view.heir(partition, partitions);       // the member that gets it when its present one is gone; nothing: nobody is left
//
// The prediction is that of the range assignment over one topic (https://kafka.apache.org/documentation, RangeAssignor): members
// in the order of their ids, the partitions cut into runs of equal length, the first of them one longer where it does not come out even.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kafka/client.h"

namespace paywarden {

struct GroupView {
  bool stable = false;               // else its members are about to change
  std::vector<std::string> members;  // ids, in order
  std::map<int32_t, std::string> owners;

  std::optional<std::string> heir(int32_t partition, int32_t partitions) const;
};

// The member, by its place, that the range assignment gives a partition.
size_t range_member(int32_t partition, int32_t partitions, size_t members);

// Of one topic in what a member is assigned (ConsumerProtocolAssignment, https://kafka.apache.org/protocol); as far as it can be read.
std::vector<int32_t> partitions_in(std::string_view assignment, const std::string& topic);

// No such group: a view without members.
Result<GroupView> group_view(const KafkaClient& client, const std::string& group,
                             const std::string& topic, Duration timeout);

}  // namespace paywarden
