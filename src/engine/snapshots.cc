#include "engine/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crc32c.h"

namespace paywarden {
namespace {

// 01 and 02 had other digests of known ids (seen_payments.cc) and are read; an earlier program skips 03 as damaged.
constexpr std::string_view kMagic = "PWSNAP03", kEarlierMagics[] = {"PWSNAP01", "PWSNAP02"};
constexpr std::string_view kPrefix = "snapshot-", kSuffix = ".pws";
constexpr size_t kTrailerBytes = 12;

}  // namespace

std::string Snapshots::path_of(uint64_t sequence) const {
  return fmt::format("{}/{}{:020}{}", directory_, kPrefix, sequence, kSuffix);
}

Status Snapshots::write_file(File& file, const Core& core, uint64_t sequence) const {
  uint64_t offset = 0;
  uint32_t crc = 0;
  ChunkedWriter out([&](std::string_view chunk) -> Status {
    crc = crc32c(chunk, crc);
    TRY(file.write_all(offset, chunk));
    offset += chunk.size();
    return {};
  });
  out.bytes().raw(kMagic.data(), kMagic.size());
  out.bytes().u64(sequence);
  core.save(out);
  TRY(out.finish());
  std::string trailer;
  ByteWriter writer(trailer);
  writer.u64(offset);
  crc = crc32c(trailer, crc);
  writer.u32(crc);
  TRY(file.write_all(offset, trailer));
  return file.sync_data();
}

Status Snapshots::write(const Core& core, uint64_t sequence) {
  std::string path = path_of(sequence), fresh = path + ".new";
  TRY_ASSIGN(bool stale, files_.exists(fresh));
  if (stale) TRY(files_.remove(fresh));
  {
    TRY_ASSIGN(auto file, files_.open(fresh, OpenMode::create));
    TRY(write_file(*file, core, sequence));
  }
  TRY(files_.rename(fresh, path));
  return files_.sync_directory(directory_);
}

Result<std::vector<uint64_t>> Snapshots::list() const {
  TRY_ASSIGN(auto names, files_.list(directory_));
  std::vector<uint64_t> out;
  for (std::string_view name : names) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    uint64_t sequence = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), sequence).ptr ==
        name.data() + name.size())
      out.push_back(sequence);
  }
  std::sort(out.rbegin(), out.rend());
  return out;
}

Status Snapshots::load(uint64_t sequence, Core& core, const Core::ModelFinder& models) const {
  std::string path = path_of(sequence);
  TRY_ASSIGN(std::string bytes, read_whole(files_, path));
  auto damaged = [&] {
    return fail("the snapshot is damaged", path, "it is skipped; an elder one or the log serves");
  };
  bool is_ours = bytes.starts_with(kMagic);
  for (std::string_view earlier : kEarlierMagics) is_ours |= bytes.starts_with(earlier);
  if (bytes.size() < kMagic.size() + 8 + kTrailerBytes || !is_ours) return damaged();
  std::string_view body(bytes.data(), bytes.size() - kTrailerBytes);
  ByteReader trailer(std::string_view(bytes).substr(body.size()));
  uint64_t length = trailer.u64();
  uint32_t crc = crc32c(std::string_view(bytes).substr(0, body.size() + 8));
  if (length != body.size() || trailer.u32() != crc) return damaged();
  ByteReader in(body.substr(kMagic.size()));
  if (in.u64() != sequence) return damaged();
  ByteReader state(body.substr(kMagic.size() + 8));
  auto loaded = core.load(state, models);
  if (!loaded) return fail(loaded.error().what, path, loaded.error().remedy);
  return {};
}

Status Snapshots::prune(size_t keep) {
  TRY_ASSIGN(auto sequences, list());
  for (size_t i = keep; i < sequences.size(); ++i) TRY(files_.remove(path_of(sequences[i])));
  return {};
}

}  // namespace paywarden
