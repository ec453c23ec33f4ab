#include "decision/lists.h"

#include <algorithm>

#include "base/spelling.h"
#include "decision/card_numbers.h"

namespace paywarden {
namespace {

constexpr size_t kNameBytesMax = 64;

bool is_list_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string_view trimmed(std::string_view line) {
  size_t begin = line.find_first_not_of(" \t\r"), end = line.find_last_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin, end - begin + 1);
}

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string place(const ListEdit& edit, size_t line) {
  return "list '" + std::string(edit.list) + "', line " + std::to_string(line);
}

// The messages never repeat the entry: it may be what must not be stored.
Status check_entry(std::string_view entry, const ListEdit& edit, size_t line,
                   const ListLimits& limits) {
  if (entry.size() > limits.entry_bytes_max)
    return fail("an entry has more than " + std::to_string(limits.entry_bytes_max) + " bytes",
                place(edit, line), "put one entry on each line");
  if (holds_control(entry))
    return fail("an entry holds a control character", place(edit, line), "remove it");
  if (find_card_number(entry))
    return fail("an entry looks like a card number", place(edit, line),
                "lists hold card tokens, never card numbers");
  if (edit.tokens_only && !is_card_token(entry))
    return fail("an entry is not a card token, and rules look for cards in this list",
                place(edit, line),
                "a token is 32 hex digits in lower case, as the decision page shows it");
  return {};
}

}  // namespace

const StringSet* Lists::find(std::string_view name) const {
  auto it = lists_.find(name);
  return it == lists_.end() ? nullptr : &it->second;
}

std::vector<std::string_view> Lists::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, list] : lists_) names.push_back(name);
  return names;
}

tl::unexpected<Error> Lists::unknown(std::string_view name) const {
  std::string_view near = nearest_word(name, names());
  return fail(
      "there is no list '" + std::string(name) + "'", {},
      near.empty() ? "make it with a replace" : "did you mean '" + std::string(near) + "'?");
}

Status Lists::check_name(const ListEdit& edit) const {
  bool there = find(edit.list) != nullptr;
  if (there) return {};
  if (!is_list_name(edit.list))
    return fail("that is no name for a list", {}, "use a-z, 0-9 and _, a letter first, at most 64");
  if (edit.operation != ListOperation::replace) return unknown(edit.list);
  if (lists_.size() >= limits_.lists_max)
    return fail("there are " + std::to_string(limits_.lists_max) + " lists already", {},
                "drop one that no rule uses");
  return {};
}

Result<StringSet> Lists::parse(const ListEdit& edit) const {
  StringSet entries;
  auto lines = static_cast<size_t>(std::count(edit.entries.begin(), edit.entries.end(), '\n')) + 1;
  entries.reserve(std::min(lines, limits_.entries_max));
  size_t line = 0;
  for (std::string_view rest = edit.entries; !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view entry = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++line;
    if (entry.empty()) continue;
    TRY(check_entry(entry, edit, line, limits_));
    if (entries.size() >= limits_.entries_max)
      return fail("more than " + std::to_string(limits_.entries_max) + " entries",
                  place(edit, line), "shorten the list");
    entries.insert(entry);
  }
  return entries;
}

Lists::Totals Lists::totals_without(std::string_view list) const {
  Totals totals;
  for (const auto& [name, entries] : lists_) {
    if (name == list) continue;
    totals.entries += entries.size();
    totals.bytes += entries.text_bytes();
  }
  return totals;
}

Status Lists::check_totals(const ListEdit& edit, const StringSet& entries) const {
  bool adds = edit.operation == ListOperation::add;
  Totals totals = totals_without(adds ? std::string_view() : edit.list);
  const StringSet* list = adds ? find(edit.list) : nullptr;
  entries.for_each([&](std::string_view entry) {
    if (list && list->contains(entry)) return;
    ++totals.entries;
    totals.bytes += entry.size();
  });
  std::string where = "list '" + std::string(edit.list) + "'";
  if (totals.entries > limits_.entries_max)
    return fail(
        "the lists would hold more than " + std::to_string(limits_.entries_max) + " entries", where,
        "remove what is not needed");
  if (totals.bytes > limits_.bytes_max)
    return fail("the lists would hold more than " + std::to_string(limits_.bytes_max) + " bytes",
                where, "remove what is not needed");
  return {};
}

Status Lists::check(const ListEdit& edit) const {
  TRY(check_name(edit));
  if (edit.operation == ListOperation::drop) return {};
  TRY_ASSIGN(StringSet entries, parse(edit));
  if (edit.operation == ListOperation::remove) return {};
  return check_totals(edit, entries);
}

Status Lists::apply(const ListEdit& edit) {
  TRY(check_name(edit));
  if (edit.operation == ListOperation::drop) {
    lists_.erase(lists_.find(edit.list));
    return {};
  }
  TRY_ASSIGN(StringSet entries, parse(edit));
  if (edit.operation == ListOperation::remove) {
    StringSet& list = lists_.find(edit.list)->second;
    entries.for_each([&list](std::string_view entry) { list.erase(entry); });
    return {};
  }
  TRY(check_totals(edit, entries));
  StringSet& list = lists_[std::string(edit.list)];
  if (edit.operation == ListOperation::replace)
    list = std::move(entries);
  else
    entries.for_each([&list](std::string_view entry) { list.insert(entry); });
  return {};
}

Hash128 Lists::hash() const {
  Hash128 h;
  for (const auto& [name, list] : lists_) {
    Hash128 key = hash128(name), content = list.hash();
    h.low = hash_combine(hash_combine(h.low, key.low), content.low);
    h.high = hash_combine(hash_combine(h.high, key.high), content.high);
  }
  return h;
}

void Lists::encode(ByteWriter& out) const {
  out.varint(lists_.size());
  for (const auto& [name, list] : lists_) {
    out.text(name);
    out.varint(list.size());
    for (std::string_view entry : list.sorted()) out.text(entry);
  }
}

bool Lists::restore(ByteReader& in) {
  std::map<std::string, StringSet, std::less<>> read;
  uint64_t lists = in.varint();
  for (uint64_t i = 0; i < lists && in.ok(); ++i) {
    StringSet& list = read[std::string(in.text())];
    uint64_t entries = in.varint();
    for (uint64_t k = 0; k < entries && in.ok(); ++k) list.insert(in.text());
    if (list.size() != entries) return false;
  }
  if (!in.ok() || read.size() != lists) return false;
  lists_ = std::move(read);
  return true;
}

bool holds_tokens_only(const StringSet& list) {
  bool all = true;
  list.for_each([&all](std::string_view entry) { all = all && is_card_token(entry); });
  return all;
}

}  // namespace paywarden
