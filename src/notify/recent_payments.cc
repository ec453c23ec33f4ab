#include "notify/recent_payments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "base/byte_io.h"
#include "base/crc32c.h"
#include "base/hash.h"

namespace paywarden {
namespace {

constexpr std::string_view kPrefix = "recent-", kSuffix = ".pwr";
constexpr uint32_t kMagic = 0x31525750;  // "PWR1"
constexpr size_t kHeaderBytes = 12;      // magic, heads, crc of both
constexpr size_t kRowHeaderBytes = 8;    // bytes of the body, its crc
constexpr size_t kBodyBytesMax =
    8192;  // two texts of 1 KiB, an id, 70 bytes of numbers: well below
constexpr size_t kUsualRowBytes = 256;  // one read gets most rows whole
constexpr uint8_t kUndecided = 255;

std::string header_of(uint32_t heads) {
  std::string out;
  ByteWriter w(out);
  w.u32(kMagic);
  w.u32(heads);
  w.u32(crc32c(out));
  return out;
}

uint64_t place_of(uint32_t number, uint64_t offset) {
  return uint64_t{number} << 32 | offset;
}

}  // namespace

Result<std::unique_ptr<RecentPayments>> RecentPayments::open(Files& files, RecentOptions options) {
  TRY(files.make_directory(options.directory));
  std::unique_ptr<RecentPayments> recent(new RecentPayments(files, std::move(options)));
  TRY(recent->load());
  if (!recent->lost_.empty()) TRY(recent->clear());
  return recent;
}

std::string RecentPayments::path_of(uint32_t number) const {
  return fmt::format("{}/{}{:010}{}", options_.directory, kPrefix, number, kSuffix);
}

Result<std::vector<uint32_t>> RecentPayments::numbers() const {
  TRY_ASSIGN(auto names, files_.list(options_.directory));
  std::vector<uint32_t> found;
  for (std::string_view name : names) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    uint32_t number = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
    if (number > 0) found.push_back(number);
  }
  return found;
}

Status RecentPayments::load() {
  TRY_ASSIGN(auto found, numbers());
  for (uint32_t number : found) {
    TRY_ASSIGN(bool whole, load_segment(number, number == found.back()));
    if (whole) continue;
    lost_ = path_of(number) + " is damaged, or of another version";
    break;
  }
  record_flushed_ = record_last_;
  return {};
}

// A crash may leave half a row at the end of the last file, or not even its header; that is cut off.
Result<bool> RecentPayments::load_segment(uint32_t number, bool last) {
  std::string path = path_of(number);
  bool follows = segments_.empty() || number == segments_.back()->number + 1;
  TRY_ASSIGN(std::string bytes, read_whole(files_, path));
  if (bytes.size() < kHeaderBytes && last) {
    TRY(files_.remove(path));
    return true;
  }
  uint64_t good = take_in(number, bytes);
  if (good == 0 || !follows || (good < bytes.size() && !last)) return false;
  TRY_ASSIGN(auto file, files_.open(path, OpenMode::change));
  if (good < bytes.size()) TRY(file->truncate(good));
  segments_.push_back(std::make_shared<Segment>(Segment{number, std::move(file), path, good}));
  return true;
}

// Answers how many bytes are good; 0: not even the header.
uint64_t RecentPayments::take_in(uint32_t number, std::string_view bytes) {
  if (!bytes.starts_with(header_of(options_.heads))) return 0;
  size_t at = kHeaderBytes;
  uint64_t first = place_of(segments_.empty() ? number : segments_.front()->number, 0);
  Row row;
  while (bytes.size() - at >= kRowHeaderBytes) {
    ByteReader r(bytes.substr(at));
    uint32_t length = r.u32(), crc = r.u32();
    std::string_view body = r.raw(length);
    if (!r.ok() || crc32c(body) != crc || !decode(body, row) || row.record <= record_last_) break;
    Place& head = heads_[bucket_of(row.card)];
    if (row.previous != head && row.previous >= first) break;  // rows between are missing
    head = place_of(number, at);
    record_last_ = row.record;
    at += kRowHeaderBytes + length;
  }
  return at;
}

bool RecentPayments::decode(std::string_view body, Row& row) {
  ByteReader r(body);
  RecentPayment& p = row.payment;
  row.previous = r.u64();
  row.record = r.u64();
  std::string_view card = r.raw(row.card.bytes.size());
  if (card.size() == row.card.bytes.size())
    std::memcpy(row.card.bytes.data(), card.data(), card.size());
  p.event_time = EventTime(r.i64());
  p.amount_minor = r.i64();
  auto currency = Currency::parse(r.text());
  uint8_t outcome = r.u8();
  p.outcome.reset();
  if (outcome != kUndecided) p.outcome = static_cast<Outcome>(outcome);
  p.score = r.f64();
  p.payment_id = r.text();
  p.merchant = r.text();
  p.category = r.text();
  if (currency) p.currency = *currency;
  return r.ok() && r.at_end() && currency &&
         (outcome == kUndecided || outcome <= static_cast<uint8_t>(Outcome::decline));
}

uint32_t RecentPayments::bucket_of(const CardToken& card) const {
  return static_cast<uint32_t>(hash64(card.view()) % options_.heads);
}

void RecentPayments::add(uint64_t record, const Payment& p, std::optional<Outcome> outcome,
                         double score) {
  if (record <= record_last_) return;
  record_last_ = record;
  added_.push_back({bucket_of(p.card), added_bytes_.size()});
  ByteWriter w(added_bytes_);
  w.u64(0);  // length and crc: flush() knows them
  w.u64(0);  // the row before: the same
  w.u64(record);
  w.raw(p.card.bytes.data(), p.card.bytes.size());
  w.i64(p.event_time.ms());
  w.i64(p.amount_minor);
  w.text(p.currency.code());
  w.u8(outcome ? static_cast<uint8_t>(*outcome) : kUndecided);
  w.f64(score);
  w.text(p.id());
  w.text(p.merchant());
  w.text(p.text(field::category));
}

Status RecentPayments::flush() {
  if (added_.empty()) return {};
  std::vector<std::pair<uint32_t, Place>> heads;
  Status done = make_room();
  if (done) {
    link(heads);
    done = segments_.back()->file->write_all(segments_.back()->bytes, added_bytes_);
  }
  if (done) {
    std::lock_guard lock(mutex_);
    segments_.back()->bytes += added_bytes_.size();
    for (auto [bucket, place] : heads) heads_[bucket] = place;
    record_flushed_ = record_last_;
  }
  record_last_ = record_flushed_;
  added_.clear();
  added_bytes_.clear();
  return done;
}

// Fills in each row's length, crc and predecessor; answers the heads as they are behind these rows.
void RecentPayments::link(std::vector<std::pair<uint32_t, Place>>& heads) {
  std::unordered_map<uint32_t, Place> newest;
  const Segment& segment = *segments_.back();
  for (size_t i = 0; i < added_.size(); ++i) {
    size_t begin = added_[i].offset,
           end = i + 1 < added_.size() ? added_[i + 1].offset : added_bytes_.size();
    Place& head = newest.try_emplace(added_[i].bucket, heads_[added_[i].bucket]).first->second;
    char* row = added_bytes_.data() + begin;
    std::memcpy(row + kRowHeaderBytes, &head, sizeof head);
    std::string_view body(row + kRowHeaderBytes, end - begin - kRowHeaderBytes);
    uint32_t length = static_cast<uint32_t>(body.size()), crc = crc32c(body);
    std::memcpy(row, &length, sizeof length);
    std::memcpy(row + sizeof length, &crc, sizeof crc);
    head = place_of(segment.number, segment.bytes + begin);
  }
  heads.assign(newest.begin(), newest.end());
}

Status RecentPayments::make_room() {
  if (!segments_.empty() && segments_.back()->bytes < options_.file_bytes) return {};
  TRY(start_segment());
  if (segments_.size() <= options_.files_max) return {};
  std::shared_ptr<Segment> oldest;
  {
    std::lock_guard lock(mutex_);
    oldest = segments_.front();
    segments_.pop_front();
  }
  return files_.remove(oldest->path);
}

Status RecentPayments::start_segment() {
  uint32_t number = segments_.empty() ? 1 : segments_.back()->number + 1;
  std::string path = path_of(number), header = header_of(options_.heads);
  TRY_ASSIGN(bool left_over, files_.exists(path));
  if (left_over) TRY(files_.remove(path));
  TRY_ASSIGN(auto file, files_.open(path, OpenMode::create));
  TRY(file->write_all(0, header));
  auto segment = std::make_shared<Segment>(Segment{number, std::move(file), path, header.size()});
  std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
  return {};
}

Status RecentPayments::clear() {
  {
    std::lock_guard lock(mutex_);
    segments_.clear();
    std::fill(heads_.begin(), heads_.end(), 0);
  }
  record_last_ = record_flushed_ = 0;
  added_.clear();
  added_bytes_.clear();
  TRY_ASSIGN(auto found, numbers());
  for (uint32_t number : found) TRY(files_.remove(path_of(number)));
  return {};
}

std::shared_ptr<const RecentPayments::Segment> RecentPayments::segment_of(Place place) const {
  std::lock_guard lock(mutex_);
  auto number = static_cast<uint32_t>(place >> 32);
  if (segments_.empty() || number < segments_.front()->number) return nullptr;
  size_t at = number - segments_.front()->number;
  return at < segments_.size() ? segments_[at] : nullptr;
}

Result<RecentPayments::Row> RecentPayments::read_row(const Segment& segment,
                                                     uint64_t offset) const {
  char buffer[kRowHeaderBytes + kBodyBytesMax];
  TRY_ASSIGN(size_t got, segment.file->read_up_to(offset, buffer, kUsualRowBytes));
  ByteReader r({buffer, got});
  uint32_t length = r.u32(), crc = r.u32();
  auto damaged = [&] {
    return fail("a card's recent payments are damaged", segment.path,
                "remove this folder: it is made anew at the next start");
  };
  if (!r.ok() || length > kBodyBytesMax) return damaged();
  if (got < kRowHeaderBytes + length) {
    TRY_ASSIGN(got, segment.file->read_up_to(offset, buffer, kRowHeaderBytes + length));
  }
  std::string_view body = std::string_view(buffer, got).substr(kRowHeaderBytes).substr(0, length);
  Row row;
  if (crc32c(body) != crc || !decode(body, row)) return damaged();
  return row;
}

Result<std::vector<RecentPayment>> RecentPayments::of(const CardToken& card) const {
  std::vector<RecentPayment> found;
  Place at = 0;
  {
    std::lock_guard lock(mutex_);
    at = heads_[bucket_of(card)];
  }
  for (size_t walked = 0; at != 0 && walked < options_.walk_max && found.size() < options_.per_card;
       ++walked) {
    auto segment = segment_of(at);
    if (!segment) break;  // removed: older than what is kept
    TRY_ASSIGN(Row row, read_row(*segment, static_cast<uint32_t>(at)));
    if (row.card == card) found.push_back(std::move(row.payment));
    at = row.previous < at ? row.previous : 0;
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.event_time > b.event_time; });
  return found;
}

}  // namespace paywarden
