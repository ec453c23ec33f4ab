#include "engine/core.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace paywarden {

Result<std::unique_ptr<Core>> Core::create(const FieldTable& fields, const FeatureSet& features,
                                           const CoreOptions& options, const FeatureSet* own) {
  if (!own) own = &features;
  TRY_ASSIGN(auto windows, WindowState::create(*own, fields));
  auto names = features.names();
  TRY_ASSIGN(Policy policy,
             Policy::create(RuleVocabulary(fields, names, options.base_currency), options.policy));
  return std::unique_ptr<Core>(
      new Core(fields, features, options, *own, std::move(windows), std::move(policy)));
}

Core::Core(const FieldTable& fields, const FeatureSet& features, const CoreOptions& options,
           const FeatureSet& own, std::unique_ptr<WindowState> windows, Policy policy)
    : fields_(fields),
      features_(features),
      options_(options),
      sentences_(features, fields, options.base_currency),
      windows_(std::move(windows)),
      seen_(options.idempotency_horizon),
      labels_(options.labels),
      rates_(options.base_currency),
      policy_(std::move(policy)),
      own_hash_(own.hash()),
      stride_((features.specs().size() + 15) / 16 * 16),
      rows_(stride_ * kMicroBatchMax),
      keys_(kMicroBatchMax),
      scores_(kMicroBatchMax),
      seen_now_(kMicroBatchMax),
      approximate_(kMicroBatchMax) {
  is_part_ = &own != &features;
  if (!is_part_) return;
  own_row_.resize(own.specs().size());
  for (size_t i = 0; i < features.specs().size() && own_.size() < own.specs().size(); ++i)
    if (features.specs()[i].name == own.specs()[own_.size()].name)
      own_.push_back(static_cast<uint16_t>(i));
  CHECK(own_.size() == own.specs().size(), "a part with features that the whole has not");
}

Sighting Core::admit(const Payment& payment, const PaymentIdentity& identity, uint64_t sequence,
                     uint64_t& earlier) {
  Sighting sighting = seen_.look(identity.id, identity.digest, earlier);
  if (sighting != Sighting::fresh) return sighting;
  admitted_ = std::max(admitted_, payment.event_time);
  seen_.add(identity.id, identity.digest, sequence, admitted_);
  return sighting;
}

void Core::admit_fresh(const Payment& payment, uint64_t sequence) {
  admitted_ = std::max(admitted_, payment.event_time);
  PaymentIdentity identity = identity_of(payment, fields_);
  seen_.add(identity.id, identity.digest, sequence, admitted_);
}

std::optional<uint64_t> Core::sequence_of(std::string_view payment_id) const {
  uint64_t sequence = 0;
  if (seen_.look(hash128(payment_id), {}, sequence) == Sighting::fresh) return std::nullopt;
  return sequence;
}

void Core::observe(Payment& payment, float* out) {
  payment.amount_base_minor = rates_.to_base(payment.amount_minor, payment.currency);
  windows_->keys_of(payment, keys_[0]);
  windows_->observe(payment, keys_[0], out);
  take_waiting_label(payment, keys_[0]);
  labels_.expire(windows_->watermark());
}

// State and features, in log order, with all memory asked for beforehand.
void Core::observe_in_order(std::span<CoreItem> items) {
  for (size_t i = 0; i < items.size(); ++i) {
    Payment& payment = *items[i].payment;
    payment.amount_base_minor = rates_.to_base(payment.amount_minor, payment.currency);
    windows_->keys_of(payment, keys_[i]);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    windows_->prefetch({keys_.data(), items.size()}, i);
    if (is_part_ || items[i].carried) {
      observe_part(items[i], i);
    } else {
      seen_now_[i] = windows_->observe_in_batch(*items[i].payment, keys_[i], row(i));
      approximate_[i].clear();
      for (uint16_t f : seen_now_[i].approximate)
        approximate_[i].push_back(features_.specs()[f].name);
    }
    items[i].frauds = take_waiting_label(*items[i].payment, keys_[i]).frauds;
    labels_.expire(windows_->watermark());
  }
  windows_->finish_batch();
}

// Its own features between those that others computed.
void Core::observe_part(const CoreItem& item, size_t i) {
  size_t count = features_.specs().size();
  float* out = row(i);
  std::vector<uint16_t> approximate;
  std::fill_n(out, count, std::numeric_limits<float>::quiet_NaN());
  if (item.carried) {
    std::copy_n(item.carried->values.begin(), std::min(count, item.carried->values.size()), out);
    approximate = item.carried->approximate;
  }
  float* own = is_part_ ? own_row_.data() : out;
  seen_now_[i] = windows_->observe(*item.payment, keys_[i], own);
  for (size_t k = 0; k < own_.size(); ++k) out[own_[k]] = own_row_[k];
  for (uint16_t f : seen_now_[i].approximate) approximate.push_back(is_part_ ? own_[f] : f);
  std::sort(approximate.begin(), approximate.end());
  approximate_[i].clear();
  for (uint16_t f : approximate) approximate_[i].push_back(features_.specs()[f].name);
  if (!item.carried) return;
  seen_now_[i].late |= item.carried->late;
  item.carried->late = seen_now_[i].late;
  item.carried->values.assign(out, out + count);
  item.carried->approximate = std::move(approximate);
}

LabelChange Core::take_waiting_label(const Payment& payment, const PaymentKeys& keys) {
  if (!labels_.any_waiting()) return {};
  Hash128 id = hash128(payment.id());
  auto word = labels_.take_waiting(id);
  if (!word) return {};
  LabelChange change = labels_.learn(id, payment.event_time, *word);
  windows_->apply_label(payment.event_time, keys, change.frauds, change.labelled);
  return change;
}

void Core::decide(std::span<CoreItem> items) {
  CHECK(items.size() <= kMicroBatchMax, "a micro-batch is larger than its buffers");
  observe_in_order(items);
  if (model_)
    model_->score(rows_.data(), stride_, items.size(), scores_.data());
  else
    std::fill(scores_.begin(), scores_.end(), std::numeric_limits<float>::quiet_NaN());
  if (shadow_) shadow_->score(rows_.data(), stride_, items.size(), shadow_scores_.data());
  for (size_t i = 0; i < items.size(); ++i)
    if (items[i].decision) {
      items[i].decision->late = seen_now_[i].late;
      items[i].decision->approximate = approximate_[i];
      fill(items[i], row(i), i);
    }
}

void Core::set_shadow(std::shared_ptr<const Model> model) {
  shadow_ = std::move(model);
  shadow_scores_.resize(kMicroBatchMax);
}

void Core::fill(CoreItem& item, const float* features, size_t i) {
  Decision& d = *item.decision;
  const float score = scores_[i];
  const Payment& payment = *item.payment;
  d.payment_id.assign(payment.id());
  d.event_time = payment.event_time;
  d.card = payment.card_masked;
  d.score = model_ ? score : 0;
  d.model.assign(model_ ? std::string_view(model_->name()) : std::string_view("none"));
  d.reasons.clear();
  item.guard = policy_.decide({score, {features, features_.specs().size()}, payment}, d);
  if (shadow_)
    d.shadow = {shadow_->name(), shadow_scores_[i],
                policy_.as_if(shadow_scores_[i], shadow_->thresholds())};
  Outcome whole = d.observed ? d.would_be : d.outcome;
  if (!model_ || !want_reasons_ || whole == Outcome::approve) return;
  model_->explain(features, *scratch_, options_.reasons_max, d.reasons);
  sentences_.say(payment, d.reasons);
}

LabelFate Core::label(const Label& label, const Payment* payment, LabelChange* told) {
  Hash128 id = hash128(label.payment_id);
  if (!payment) {
    labels_.wait(id, label.is_fraud);
    return LabelFate::waiting;
  }
  labels_.take_waiting(id);  // overtaken by this word
  LabelChange change = labels_.learn(id, payment->event_time, label.is_fraud);
  windows_->keys_of(*payment, keys_[0]);
  windows_->apply_label(payment->event_time, keys_[0], change.frauds, change.labelled);
  if (told) *told = change;
  return LabelFate::applied;
}

Status Core::validate(const Change& change) const {
  if (change.kind == ChangeKind::model) return {};
  if (change.kind == ChangeKind::rates) {
    auto rates = CurrencyRates::parse(change.content, options_.base_currency);
    if (!rates) return tl::unexpected(rates.error());
    return {};
  }
  return policy_.validate(change);
}

// A model comes with thresholds of its own; a later change of thresholds overrides them.
Status Core::apply(const Change& change, std::shared_ptr<const Model> model) {
  if (change.kind == ChangeKind::rates) {
    TRY_ASSIGN(rates_, CurrencyRates::parse(change.content, options_.base_currency));
    return {};
  }
  if (change.kind != ChangeKind::model) return policy_.apply(change);
  CHECK(model != nullptr, "a model change without its model");
  Change thresholds{
      ChangeKind::thresholds, {}, text_of(model->thresholds()), change.author, change.reason,
      change.event_time};
  TRY(policy_.apply(thresholds));
  set_model(std::move(model));
  return {};
}

void Core::set_model(std::shared_ptr<const Model> model) {
  model_ = std::move(model);
  model_hash_ = model_->content_hash();
  scratch_ = model_->scratch();
}

uint64_t Core::state_hash() const {
  uint64_t hash = hash_combine(windows_->state_hash(), seen_.state_hash());
  hash = hash_combine(hash, labels_.state_hash());
  Hash128 policy = policy_.hash();
  hash = hash_combine(hash_combine(hash, policy.low), policy.high);
  return hash_combine(hash, hash64(model_hash_ + rates_.text()));
}

void Core::save(ChunkedWriter& out) const {
  out.bytes().text(own_hash_);
  out.bytes().text(model_hash_);
  out.bytes().text(rates_.text());
  out.bytes().i64(admitted_.ms());
  std::string policy;
  policy_.encode(policy);
  out.bytes().text(policy);
  labels_.save(out);
  seen_.save(out);
  windows_->save(out);
}

Status Core::load(ByteReader& in, const ModelFinder& models) {
  if (in.text() != own_hash_) return fail("the snapshot has other features than the configuration");
  model_hash_ = in.text();
  TRY_ASSIGN(rates_, CurrencyRates::parse(in.text(), options_.base_currency));
  admitted_ = EventTime(in.i64());
  if (!in.ok()) return fail("the snapshot is cut short");
  if (!model_hash_.empty()) {
    TRY_ASSIGN(auto model, models(model_hash_));
    set_model(std::move(model));
  }
  TRY(policy_.restore(in.text()));
  if (!labels_.load(in) || !seen_.load(in) || !windows_->load(in) || !in.at_end())
    return fail("the snapshot is damaged");
  return {};
}

}  // namespace paywarden
