#include "kafka/properties.h"

#include <algorithm>
#include <array>

namespace paywarden {
namespace {

// Exactly once depends on them.
constexpr std::array<std::string_view, 14> kOurs = {"transactional.id",
                                                    "enable.idempotence",
                                                    "enable.auto.commit",
                                                    "group.id",
                                                    "isolation.level",
                                                    "enable.auto.offset.store",
                                                    "auto.offset.reset",
                                                    "enable.partition.eof",
                                                    "partition.assignment.strategy",
                                                    "partitioner",
                                                    "group.instance.id",
                                                    "transaction.timeout.ms",
                                                    "max.poll.interval.ms",
                                                    "acks"};

// Of the schema registry, and of Java's client alone.
constexpr std::array<std::string_view, 3> kLeftAside = {"schema.registry.", "basic.auth.",
                                                        "client.dns.lookup"};

constexpr std::pair<std::string_view, std::string_view> kJavaNames[] = {
    {"sasl.mechanism", "sasl.mechanisms"}};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r";
  size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

Result<std::string> expand(std::string_view value, const std::string& where,
                           const Environment& environment) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    size_t begin = value.find("${", at), end = value.find('}', begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) begin = value.size();
    out += value.substr(at, begin - at);
    if (begin == value.size()) break;
    std::string name(value.substr(begin + 2, end - begin - 2));
    auto found = environment(name);
    if (!found)
      return fail("the environment has no variable '" + name + "'", where,
                  "set it where the program starts");
    out += *found;
    at = end + 1;
  }
  return out;
}

Status take_line(std::string_view line, const std::string& where, const Environment& environment,
                 KafkaProperties& out) {
  line = trim(line);
  if (line.empty() || line.front() == '#' || line.front() == '!') return {};
  if (line == "[default]") return {};  // Confluent's examples for Python begin with it
  if (line.front() == '[' && line.back() == ']')
    return fail("the section " + std::string(line) + " has settings of some other program", where,
                "remove it with the lines under it: [default] alone counts");
  size_t equals = line.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail("is not a line as 'key=value'", where, "begin comments with #");
  std::string key(trim(line.substr(0, equals)));
  for (auto [java, ours] : kJavaNames)
    if (key == java) key = ours;
  if (std::any_of(kLeftAside.begin(), kLeftAside.end(),
                  [&](std::string_view prefix) { return key.starts_with(prefix); })) {
    out.left_aside.push_back(key);
    return {};
  }
  if (std::find(kOurs.begin(), kOurs.end(), key) != kOurs.end())
    return fail("'" + key + "' is set by Paywarden itself", where, "remove the line");
  TRY_ASSIGN(std::string value, expand(trim(line.substr(equals + 1)), where, environment));
  if (!out.values.emplace(key, std::move(value)).second)
    return fail("'" + key + "' stands there twice", where, "remove one of the lines");
  return {};
}

}  // namespace

std::string KafkaProperties::bootstrap() const {
  auto found = values.find("bootstrap.servers");
  return found == values.end() ? std::string() : found->second;
}

Result<KafkaProperties> read_properties(std::string_view text, const std::string& file,
                                        const Environment& environment) {
  KafkaProperties out;
  out.file = file;
  size_t line_number = 0;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    TRY(take_line(text.substr(0, end), file + ":" + std::to_string(++line_number), environment,
                  out));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (out.bootstrap().empty())
    return fail("there is no bootstrap.servers", file, "name the brokers: host:port,host:port");
  return out;
}

}  // namespace paywarden
