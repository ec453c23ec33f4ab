#include "decision/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr uint8_t kVersion = 1;

// Takes "NAME=number" off the front of the text.
bool take_number(std::string_view& text, std::string_view name, float& number) {
  if (!text.starts_with(name) || !text.substr(name.size()).starts_with('=')) return false;
  text.remove_prefix(name.size() + 1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return error == std::errc();
}

Status check_thresholds(const Thresholds& t) {
  if (!(t.review >= 0 && t.decline >= 0 && t.review <= t.decline && t.decline < 1e9f))
    return fail("thresholds must be 0 or more, and review not above decline", {},
                "for example: review=0.5 decline=0.9");
  return {};
}

tl::unexpected<Error> fail_for_engine(ChangeKind kind) {
  return fail("a change of " + std::string(name_of(kind)) + " is no matter of the policy", {},
              "the engine applies it");
}

template <typename T>
Status take(Result<T> parsed, T& to) {
  if (parsed) to = *parsed;
  return parsed.map([](const T&) {});
}

ListOperation operation_of(ChangeKind kind) {
  if (kind == ChangeKind::list_add) return ListOperation::add;
  if (kind == ChangeKind::list_remove) return ListOperation::remove;
  return kind == ChangeKind::list_replace ? ListOperation::replace : ListOperation::drop;
}

}  // namespace

std::string_view name_of(Mode mode) {
  return mode == Mode::decide ? "decide" : "observe";
}

Result<Mode> parse_mode(std::string_view name) {
  for (Mode mode : {Mode::decide, Mode::observe})
    if (name_of(mode) == name) return mode;
  return fail("that is no mode", {}, "it is 'decide' or 'observe'");
}

std::string text_of(const Thresholds& thresholds) {
  return fmt::format("review={} decline={}", thresholds.review, thresholds.decline);
}

Result<Thresholds> parse_thresholds(std::string_view text) {
  Thresholds t;
  bool ok = take_number(text, "review", t.review) && text.starts_with(' ');
  if (ok) text.remove_prefix(1);
  ok = ok && take_number(text, "decline", t.decline) && text.empty();
  if (!ok) return fail("these are no thresholds", {}, "for example: review=0.5 decline=0.9");
  TRY(check_thresholds(t));
  return t;
}

Policy::Policy(RuleVocabulary words, const PolicyOptions& options)
    : words_(std::move(words)),
      options_(options),
      thresholds_(options.thresholds),
      mode_(options.mode),
      lists_(options.list_limits),
      guard_(options.guard) {}

Result<Policy> Policy::create(RuleVocabulary words, const PolicyOptions& options) {
  TRY(check_thresholds(options.thresholds));
  TRY(check_guard(options.guard));
  return Policy(std::move(words), options);
}

Policy::Fired Policy::run_rules(const PolicyInput& input, Decision& out) {
  Fired fired;
  out.rules.clear();
  for (uint32_t index : rules_.run(input, run_)) {
    const Rule& rule = rules_[index];
    out.rules.push_back(rule.name);
    fired.always = fired.always || rule.always;
    fired.most_severe = std::max(fired.most_severe, rule.outcome);
  }
  return fired;
}

Outcome Policy::of_score(float score, const Thresholds& thresholds) {
  if (score >= thresholds.decline) return Outcome::decline;
  return score >= thresholds.review ? Outcome::review : Outcome::approve;
}

Outcome Policy::as_if(float score, const Thresholds& thresholds) const {
  return fired_.always ? Outcome::approve
                       : std::max(fired_.most_severe, of_score(score, thresholds));
}

GuardEvent Policy::decide(const PolicyInput& input, Decision& out) {
  Fired fired = fired_ = run_rules(input, out);
  Outcome of_model = fired.always ? Outcome::approve : of_score(input.score, thresholds_);
  bool engages = guard_.record(of_model == Outcome::decline);
  bool held_back = of_model == Outcome::decline && guard_.engaged();
  Outcome outcome = std::max(fired.most_severe, held_back ? Outcome::review : of_model);
  if (fired.always) outcome = Outcome::approve;
  out.guarded = held_back && outcome == Outcome::review;
  out.would_be = outcome;
  out.observed = mode_ == Mode::observe;
  out.outcome = out.observed ? Outcome::approve : outcome;
  return engages ? GuardEvent::engaged : GuardEvent::none;
}

Result<RuleSet> Policy::compile(const RuleSource& source, const Lists& lists) const {
  auto rules = compile_rules(source, words_, lists, options_.rule_limits);
  if (!rules) return tl::unexpected(first_error(rules.error()));
  return std::move(*rules);
}

RuleProblems Policy::problems_of(const RuleSource& source) const {
  auto rules = compile_rules(source, words_, lists_, options_.rule_limits);
  return rules ? RuleProblems{} : std::move(rules.error());
}

ListEdit Policy::edit_of(const Change& change) const {
  return {operation_of(change.kind), change.name, change.content,
          rules_.looks_for_cards_in(change.name)};
}

Status Policy::check_drop(const Change& change) const {
  if (change.kind == ChangeKind::list_drop && rules_.uses_list(change.name))
    return fail("rules use the list '" + change.name + "'", {}, "change the rules first");
  return {};
}

Status Policy::validate(const Change& change) const {
  TRY(check_change(change, options_.change_limits));
  switch (change.kind) {
    case ChangeKind::model:
    case ChangeKind::rates:
      return fail_for_engine(change.kind);
    case ChangeKind::thresholds:
      return parse_thresholds(change.content).map([](const Thresholds&) {});
    case ChangeKind::rules:
      return compile({change.name, change.content}, lists_).map([](const RuleSet&) {});
    case ChangeKind::list_add:
    case ChangeKind::list_remove:
    case ChangeKind::list_replace:
    case ChangeKind::list_drop:
      TRY(check_drop(change));
      return lists_.check(edit_of(change));
    case ChangeKind::mode:
      return parse_mode(change.content).map([](Mode) {});
    case ChangeKind::guard_reset:
    case ChangeKind::guard_engaged:
      break;
  }
  return {};
}

Status Policy::apply_rules(const Change& change) {
  RuleSource source{change.name, change.content};
  TRY_ASSIGN(rules_, compile(source, lists_));
  source_ = std::move(source);
  run_ = rules_.start();
  return {};
}

// Each case checks before it changes: validate() first would do the work of large ones twice.
Status Policy::apply(const Change& change) {
  TRY(check_change(change, options_.change_limits));
  switch (change.kind) {
    case ChangeKind::model:
    case ChangeKind::rates:
      return fail_for_engine(change.kind);
    case ChangeKind::thresholds:
      return take(parse_thresholds(change.content), thresholds_);
    case ChangeKind::rules:
      return apply_rules(change);
    case ChangeKind::list_add:
    case ChangeKind::list_remove:
    case ChangeKind::list_replace:
    case ChangeKind::list_drop:
      TRY(check_drop(change));
      return lists_.apply(edit_of(change));
    case ChangeKind::mode:
      return take(parse_mode(change.content), mode_);
    case ChangeKind::guard_reset:
      guard_.reset();
      break;
    case ChangeKind::guard_engaged:
      break;
  }
  return {};
}

// version u8 | review f32 | decline f32 | mode u8 | rules' file text | rules text | the guard | the
// lists.
void Policy::encode_without_lists(ByteWriter& out) const {
  out.u8(kVersion);
  out.f32(thresholds_.review);
  out.f32(thresholds_.decline);
  out.u8(static_cast<uint8_t>(mode_));
  out.text(source_.file);
  out.text(source_.text);
  guard_.encode(out);
}

void Policy::encode(std::string& out) const {
  ByteWriter w(out);
  encode_without_lists(w);
  lists_.encode(w);
}

Status Policy::restore(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.u8() != kVersion)
    return fail("the policy's state has an unknown format", {}, "start without the snapshot");
  Policy read(words_, options_);
  read.thresholds_.review = in.f32();
  read.thresholds_.decline = in.f32();
  uint8_t mode = in.u8();
  read.mode_ = static_cast<Mode>(mode);
  read.source_.file = in.text();
  read.source_.text = in.text();
  bool whole = read.guard_.restore(in) && read.lists_.restore(in) && in.at_end() && mode <= 1;
  if (!whole || !check_thresholds(read.thresholds_))
    return fail("the policy's state is damaged", {}, "start without the snapshot");
  TRY_ASSIGN(read.rules_, compile(read.source_, read.lists_));
  read.run_ = read.rules_.start();
  *this = std::move(read);
  return {};
}

Hash128 Policy::hash() const {
  std::string bytes;
  ByteWriter w(bytes);
  encode_without_lists(w);
  Hash128 lists = lists_.hash();
  w.u64(lists.low);
  w.u64(lists.high);
  return hash128(bytes);
}

}  // namespace paywarden
