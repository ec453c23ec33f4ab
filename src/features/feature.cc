#include "features/feature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <span>

#include "base/digest.h"
#include "base/spelling.h"
#include "features/sentence_template.h"

namespace paywarden {
namespace {

constexpr std::array<std::string_view, 4> kOptionKeys = {"lateness_max", "label_delay",
                                                         "key_idle_max", "events_per_key_max"};

std::string suggestion(std::string_view key, std::span<const std::string_view> known) {
  std::string_view near = nearest_word(key, known);
  return near.empty() ? "see docs/CONFIGURATION.md" : "did you mean '" + std::string(near) + "'?";
}

constexpr std::array<std::string_view, 29> kOperationNames = {"count",
                                                              "sum",
                                                              "mean",
                                                              "min",
                                                              "max",
                                                              "stddev",
                                                              "count_distinct",
                                                              "ratio",
                                                              "fraud_count",
                                                              "fraud_rate",
                                                              "rank",
                                                              "median_ratio",
                                                              "deviation",
                                                              "count_above",
                                                              "fraud_min",
                                                              "time_since_fraud",
                                                              "time_since_first_fraud",
                                                              "count_since_fraud",
                                                              "time_since_last",
                                                              "age",
                                                              "distance",
                                                              "speed",
                                                              "value",
                                                              "log",
                                                              "hour",
                                                              "weekday",
                                                              "years_since",
                                                              "distance_between",
                                                              "code"};

std::optional<Operation> operation_of(std::string_view name) {
  for (size_t i = 0; i < kOperationNames.size(); ++i)
    if (kOperationNames[i] == name) return static_cast<Operation>(i);
  return std::nullopt;
}

// What `field` an operation takes.
enum class Takes { nothing, quantity, any, time, text };
Takes takes(Operation operation) {
  switch (operation) {
    case Operation::sum:
    case Operation::mean:
    case Operation::min:
    case Operation::max:
    case Operation::stddev:
    case Operation::ratio:
    case Operation::rank:
    case Operation::median_ratio:
    case Operation::deviation:
    case Operation::count_above:
    case Operation::fraud_min:
    case Operation::value:
    case Operation::log:
      return Takes::quantity;
    case Operation::count_distinct:
      return Takes::any;
    case Operation::years_since:
      return Takes::time;
    case Operation::code:
      return Takes::text;
    case Operation::count:
    case Operation::fraud_count:
    case Operation::fraud_rate:
    case Operation::time_since_fraud:
    case Operation::time_since_first_fraud:
    case Operation::count_since_fraud:
    case Operation::time_since_last:
    case Operation::age:
    case Operation::distance:
    case Operation::speed:
    case Operation::hour:
    case Operation::weekday:
    case Operation::distance_between:
      return Takes::nothing;
  }
  return Takes::nothing;
}

bool fits(Takes wanted, FieldIndex f, FieldType type) {
  bool quantity = type == FieldType::amount || type == FieldType::integer ||
                  type == FieldType::number || type == FieldType::boolean;
  switch (wanted) {
    case Takes::nothing:
      return false;
    case Takes::quantity:
      return quantity;
    case Takes::any:
      return f != field::event_time && f != field::amount;
    case Takes::time:
      return type == FieldType::time;
    case Takes::text:
      return type == FieldType::text && f != field::card;
  }
  return false;
}

// Whether a value divided by the usual one means anything.
bool has_quotient(Operation operation) {
  return operation != Operation::hour && operation != Operation::weekday &&
         operation != Operation::code && operation != Operation::log &&
         operation != Operation::deviation;
}

// Reads one `[[feature]]` table; every failure carries the place of the offending value.
class Reader {
 public:
  Reader(const toml::table& table, const FieldTable& fields, std::string_view file)
      : table_(table), fields_(fields), file_(file) {}

  // One spec for each element of `over` (or one without it).
  Result<std::vector<FeatureSpec>> read() {
    FeatureSpec spec;
    TRY(check_keys());
    TRY_ASSIGN(spec.name, text("name"));
    TRY_ASSIGN(std::string operation, text("operation"));
    auto op = operation_of(operation);
    if (!op)
      return bad("operation", "there is no operation '" + operation + "'",
                 "see docs/CONFIGURATION.md for the list");
    spec.operation = *op;
    TRY(read_field(spec));
    TRY(read_by(spec));
    TRY(read_places(spec));
    TRY(read_codes(spec));
    TRY(read_reference(spec));
    spec.unit = table_["unit"].value_or(std::string());
    spec.why = table_["why"].value_or(std::string());
    TRY(read_says(spec));
    return spread(spec);
  }

  tl::unexpected<Error> bad(std::string_view key, std::string what, std::string remedy = {}) const {
    const toml::node* node = table_.get(key);
    auto line = (node ? node->source() : table_.source()).begin.line;
    return fail(
        "feature '" + std::string(table_["name"].value_or(std::string_view("?"))) + "': " + what,
        std::string(file_) + ":" + std::to_string(line), std::move(remedy));
  }

 private:
  Status check_keys() const {
    constexpr std::array<std::string_view, 13> kKeys = {
        "name",  "operation", "field",     "by",     "over", "place", "to",
        "codes", "unit",      "reference", "factor", "why",  "says"};
    for (const auto& [key, node] : table_)
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end())
        return bad(key.str(), "unknown key '" + std::string(key.str()) + "'",
                   suggestion(key.str(), kKeys));
    return {};
  }

  Result<std::string> text(std::string_view key) const {
    auto value = table_[key].value<std::string>();
    if (!value || value->empty()) return bad(key, "'" + std::string(key) + "' must be a text");
    return *value;
  }

  Result<FieldIndex> field_named(std::string_view key, const std::string& name) const {
    auto f = fields_.find(name);
    if (!f)
      return bad(key, "the schema has no field '" + name + "'", "declare it in [[schema.field]]");
    return *f;
  }

  Status read_field(FeatureSpec& spec) const {
    Takes wanted = takes(spec.operation);
    if (wanted == Takes::nothing) {
      if (table_.contains("field")) return bad("field", "the operation takes no field");
      return {};
    }
    TRY_ASSIGN(std::string name, text("field"));
    TRY_ASSIGN(FieldIndex f, field_named("field", name));
    if (!fits(wanted, f, fields_[f].type))
      return bad("field", "'" + name + "' (" + std::string(name_of(fields_[f].type)) +
                              ") does not fit '" + std::string(name_of(spec.operation)) + "'");
    spec.field = f;
    return {};
  }

  Result<std::vector<std::string>> texts(std::string_view key) const {
    const toml::node* node = table_.get(key);
    std::vector<std::string> out;
    if (!node) return out;
    if (auto one = node->value<std::string>()) {
      out.push_back(*one);
      return out;
    }
    const toml::array* many = node->as_array();
    if (!many) return bad(key, "'" + std::string(key) + "' must be a text or a list of texts");
    for (const toml::node& element : *many) {
      auto one = element.value<std::string>();
      if (!one) return bad(key, "'" + std::string(key) + "' must hold texts only");
      out.push_back(*one);
    }
    return out;
  }

  Status read_by(FeatureSpec& spec) const {
    TRY_ASSIGN(auto names, texts("by"));
    if (is_keyed(spec.operation) != !names.empty())
      return bad("by", names.empty() ? "needs 'by', the key whose history it looks at"
                                     : "looks at the payment alone: no 'by'");
    if (names.size() > 2) return bad("by", "a key is one field or a pair of fields");
    for (const std::string& name : names) {
      TRY_ASSIGN(FieldIndex f, field_named("by", name));
      FieldType type = fields_[f].type;
      if (type == FieldType::number || type == FieldType::amount || f == field::event_time ||
          f == field::payment_id)
        return bad("by", "'" + name + "' is no key: use a text, integer, boolean or date field");
      spec.by.push_back(f);
    }
    std::sort(spec.by.begin(), spec.by.end());
    return {};
  }

  Status read_place(std::string_view key, PlaceFields& place) const {
    if (!table_.contains(key)) return {};
    TRY_ASSIGN(auto names, texts(key));
    if (names.size() != 2)
      return bad(key, "'" + std::string(key) + "' must be [latitude field, longitude field]");
    TRY_ASSIGN(place.latitude, field_named(key, names[0]));
    TRY_ASSIGN(place.longitude, field_named(key, names[1]));
    if (fields_[place.latitude].type != FieldType::number ||
        fields_[place.longitude].type != FieldType::number)
      return bad(key, "a place is made of two number fields, in degrees");
    return {};
  }

  Status read_places(FeatureSpec& spec) const {
    bool one = spec.operation == Operation::distance || spec.operation == Operation::speed;
    bool two = spec.operation == Operation::distance_between;
    if (!one && !two && table_.contains("place"))
      return bad("place", "the operation takes no place");
    if (!two && table_.contains("to")) return bad("to", "the operation takes no second place");
    if (two) spec.place = {field::latitude, field::longitude};
    TRY(read_place("place", spec.place));
    return read_place("to", spec.to);
  }

  Status read_codes(FeatureSpec& spec) const {
    TRY_ASSIGN(spec.codes, texts("codes"));
    if ((spec.operation == Operation::code) != !spec.codes.empty())
      return bad("codes", spec.codes.empty() ? "needs 'codes', the texts to number"
                                             : "only 'code' takes codes");
    if (spec.codes.size() > kCodesMax)
      return bad("codes", "more than " + std::to_string(kCodesMax) + " codes");
    if (std::set<std::string>(spec.codes.begin(), spec.codes.end()).size() != spec.codes.size())
      return bad("codes", "a text stands twice in 'codes'");
    return {};
  }

  Status read_reference(FeatureSpec& spec) const {
    bool wanted = spec.operation == Operation::count_above;
    for (std::string_view key : {"reference", "factor"})
      if (table_.contains(key) != wanted)
        return bad(
            key,
            wanted ? "needs 'factor' and 'reference': above so many times the mean over that window"
                   : "only 'count_above' takes '" + std::string(key) + "'");
    if (!wanted) return {};
    TRY_ASSIGN(std::string span, text("reference"));
    TRY_ASSIGN(spec.reference, window_length("reference", span));
    spec.factor = table_["factor"].value_or(0.0);
    if (!(spec.factor > 0 && spec.factor <= kFactorMax))
      return bad("factor", "'factor' is above 0 and at most 1000");
    return {};
  }

  // A placeholder for what the operation does not have is refused: it would never be filled.
  Status read_says(FeatureSpec& spec) const {
    if (!table_.contains("says")) return {};
    auto says = table_["says"].value<std::string>();
    if (!says) return bad("says", "'says' must be a text");
    auto sentence = SentenceTemplate::parse(*says);
    if (!sentence) return bad("says", "'says': " + sentence.error().what, sentence.error().remedy);
    std::string operation = '\'' + std::string(name_of(spec.operation)) + '\'';
    if (sentence->uses(SentencePlace::field) && takes(spec.operation) != Takes::quantity)
      return bad("says", "'says': {field} is a number of the payment, and " + operation +
                             " takes no such field");
    if (sentence->uses(SentencePlace::over) && !is_windowed(spec.operation))
      return bad("says", "'says': " + operation + " has no window for {over}");
    if (sentence->uses(SentencePlace::times) && !has_quotient(spec.operation))
      return bad("says", "'says': {times} of " + operation + " means nothing",
                 "use {value} and {usual}");
    spec.says = std::move(*says);
    return {};
  }

  Result<Duration> window_length(std::string_view key, const std::string& span) const {
    auto over = parse_duration(span);
    if (!over) return bad(key, over.error().what, over.error().remedy);
    if (over->ms() <= 0 || *over > kWindowMax)
      return bad(key, "a window is longer than 0 and at most " + format_duration(kWindowMax));
    return *over;
  }

  Result<std::vector<FeatureSpec>> spread(const FeatureSpec& spec) const {
    TRY_ASSIGN(auto spans, texts("over"));
    if (is_windowed(spec.operation) != !spans.empty())
      return bad("over", spans.empty() ? "needs 'over', the length of its window"
                                       : "has no window: no 'over'");
    if (spans.empty()) return std::vector<FeatureSpec>{spec};
    std::vector<FeatureSpec> out;
    for (const std::string& span : spans) {
      TRY_ASSIGN(Duration over, window_length("over", span));
      out.push_back(spec);
      out.back().over = over;
      size_t at = spec.name.find("{over}");
      if (at != std::string::npos)
        out.back().name.replace(at, 6, span);
      else if (spans.size() > 1)
        return bad("name", "several windows need {over} in the name");
    }
    return out;
  }

  const toml::table& table_;
  const FieldTable& fields_;
  std::string_view file_;
};

Status read_options(const toml::table& config, std::string_view file, FeatureOptions& options) {
  const toml::table* table = config["features"].as_table();
  if (!table) return {};
  for (const auto& [key, node] : *table) {
    std::string where = std::string(file) + ":" + std::to_string(node.source().begin.line);
    Duration* span = key == "lateness_max"   ? &options.lateness_max
                     : key == "label_delay"  ? &options.label_delay
                     : key == "key_idle_max" ? &options.key_idle_max
                                             : nullptr;
    if (span) {
      auto parsed = parse_duration(node.value_or(std::string()));
      if (!parsed)
        return fail("features." + std::string(key.str()) + ": " + parsed.error().what, where,
                    parsed.error().remedy);
      *span = *parsed;
    } else if (key == "events_per_key_max") {
      int64_t n = node.value_or(int64_t{-1});
      if (n < 64 || n > 32768)
        return fail("features.events_per_key_max must be 64 to 32768", where);
      options.events_per_key_max = static_cast<uint32_t>(n);
    } else {
      return fail("unknown key 'features." + std::string(key.str()) + "'", where,
                  suggestion(key.str(), kOptionKeys));
    }
  }
  return {};
}

// With six decimals, as hashes have always had it, and with all that it takes where that is another number.
std::string exact_text(double value) {
  std::string text = std::to_string(value);
  return std::strtod(text.c_str(), nullptr) == value ? text : fmt::format("{:.17g}", value);
}

std::string canonical(const FeatureSpec& spec, const FieldTable& fields) {
  std::string text =
      spec.name + '|' + std::string(name_of(spec.operation)) + '|' + std::to_string(spec.over.ms());
  if (spec.field) text += "|field=" + fields[*spec.field].name;
  for (FieldIndex f : spec.by) text += "|by=" + fields[f].name;
  for (FieldIndex f :
       {spec.place.latitude, spec.place.longitude, spec.to.latitude, spec.to.longitude})
    text += '|' + fields[f].name;
  for (const std::string& code : spec.codes)
    text += "|code=" + std::to_string(code.size()) + ':' + code;
  if (spec.operation == Operation::count_above)
    text += "|above=" + exact_text(spec.factor) + '|' + std::to_string(spec.reference.ms());
  return text + '\n';
}

std::string hash_of(const std::vector<FeatureSpec>& specs, const FeatureOptions& options,
                    const FieldTable& fields) {
  std::string text = "features 1\n";
  for (Duration span : {options.lateness_max, options.label_delay, options.key_idle_max})
    text += std::to_string(span.ms()) + '\n';
  text += std::to_string(options.events_per_key_max) + '\n' +
          std::to_string(options.base_exponent) + '\n';
  for (const FeatureSpec& spec : specs) text += canonical(spec, fields);
  return sha256_hex(text);
}

}  // namespace

std::string_view name_of(Operation operation) {
  return kOperationNames[static_cast<size_t>(operation)];
}
bool is_keyed(Operation operation) {
  return operation <= Operation::speed;
}
bool is_windowed(Operation operation) {
  return operation <= Operation::count_since_fraud;
}

std::vector<std::string> FeatureSet::names() const {
  std::vector<std::string> out;
  for (const FeatureSpec& spec : specs_) out.push_back(spec.name);
  return out;
}

FeatureSet FeatureSet::only(const std::function<bool(const FeatureSpec&)>& keep,
                            const FieldTable& fields) const {
  FeatureSet out;
  out.options_ = options_;
  for (const FeatureSpec& spec : specs_)
    if (keep(spec)) out.specs_.push_back(spec);
  out.hash_ = hash_of(out.specs_, out.options_, fields);
  return out;
}

Result<FeatureSet> FeatureSet::parse(const toml::table& config, const FieldTable& fields,
                                     std::string_view file, int base_exponent) {
  FeatureSet set;
  set.options_.base_exponent = base_exponent;
  TRY(read_options(config, file, set.options_));
  const toml::array* list = config["feature"].as_array();
  if (!list) return fail("no [[feature]] is declared", std::string(file), "declare at least one");
  std::set<std::string> names;
  for (const toml::node& node : *list) {
    const toml::table* table = node.as_table();
    if (!table) return fail("'feature' must be tables: [[feature]]", std::string(file));
    Reader reader(*table, fields, file);
    TRY_ASSIGN(auto specs, reader.read());
    for (FeatureSpec& spec : specs) {
      if (!names.insert(spec.name).second)
        return reader.bad("name", "'" + spec.name + "' is declared twice");
      if (fields.find(spec.name) || spec.name == "score")
        return reader.bad("name", "'" + spec.name + "' is a field's name already");
      set.specs_.push_back(std::move(spec));
    }
  }
  if (set.specs_.size() > kFeaturesMax)
    return fail(std::to_string(set.specs_.size()) + " features are declared", std::string(file),
                "at most " + std::to_string(kFeaturesMax));
  set.hash_ = hash_of(set.specs_, set.options_, fields);
  return set;
}

}  // namespace paywarden
