#include "intake/rejects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/json_writer.h"

namespace paywarden {

void append_json(const RejectedInput& input, EventTime now, std::string& out) {
  const Rejection& rejection = input.rejection;
  JsonWriter json(out);
  json.open_object();
  json.key("time").string(format_rfc3339(now));
  json.key("source").string(input.source);
  if (input.line > 0) json.key("line").integer(static_cast<int64_t>(input.line));
  if (!rejection.field.empty()) json.key("field").string(rejection.field);
  json.key("reason").string(name_of(rejection.reason));
  json.key("rule").string(rejection.rule);
  if (!rejection.value.empty()) json.key("value").string(rejection.value);
  if (!rejection.raw.empty()) json.key("raw").string(rejection.raw);
  json.close_object();
}

Result<std::unique_ptr<Rejects>> Rejects::open(RejectsOptions options, Clock& clock) {
  std::unique_ptr<Rejects> rejects(new Rejects(std::move(options), clock));
  if (!rejects->reopen())
    return fail(std::string("cannot open the rejects file: ") + std::strerror(errno),
                rejects->options_.path, "check that its folder is there and may be written to");
  return rejects;
}

Rejects::~Rejects() {
  if (fd_ >= 0) ::close(fd_);
}

void Rejects::add(const RejectedInput& input) {
  counts_[static_cast<size_t>(input.rejection.reason)].fetch_add(1, std::memory_order_relaxed);
  std::string line;
  append_json(input, clock_.now(), line);
  line.push_back('\n');
  std::lock_guard lock(mutex_);
  std::string& first = firsts_[static_cast<size_t>(input.rejection.reason)];
  if (first.empty()) {
    first = input.source;
    if (input.line > 0) first += ':' + std::to_string(input.line);
    first += ": " + input.rejection.line();
  }
  if (bytes_ > 0 && bytes_ + line.size() > options_.bytes_max) rotate();
  write(line);
}

RejectCounts Rejects::counts() const {
  RejectCounts counts;
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

std::vector<FirstReject> Rejects::firsts() const {
  RejectCounts counted = counts();
  std::vector<FirstReject> out;
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < counted.size(); ++i)
    if (counted[i] > 0) out.push_back({static_cast<RejectReason>(i), counted[i], firsts_[i]});
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

bool Rejects::reopen() {
  fd_ = ::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ >= 0)
    ::fchmod(fd_, 0600);  // one that others may read, from an earlier version or a umask
  struct stat status;
  bytes_ = fd_ >= 0 && ::fstat(fd_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  return fd_ >= 0;
}

void Rejects::rotate() {
  auto numbered = [this](unsigned n) {
    return n == 0 ? options_.path : options_.path + "." + std::to_string(n);
  };
  if (fd_ >= 0) ::close(fd_);
  if (options_.files_max < 2) ::unlink(options_.path.c_str());
  for (unsigned n = options_.files_max; n-- > 1;)
    std::rename(numbered(n - 1).c_str(), numbered(n).c_str());
  reopen();
}

void Rejects::write(std::string_view line) {
  if (fd_ < 0 && !reopen()) {
    write_failures_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ssize_t n = ::write(fd_, line.data(), line.size());
  if (n > 0) bytes_ += static_cast<uint64_t>(n);
  if (n != static_cast<ssize_t>(line.size()))
    write_failures_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace paywarden
