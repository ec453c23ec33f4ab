#include "intake/avro_type.h"

#include <simdjson.h>

#include <utility>

#include "base/time.h"

namespace paywarden {
namespace {

using Element = simdjson::dom::element;
using Kind = AvroType::Kind;

constexpr int kDepthMax = 32;
constexpr uint64_t kItemsMax = 1'000'000;  // of an array or a map: each takes room in the output

constexpr std::pair<std::string_view, Kind> kPrimitives[] = {
    {"null", Kind::null},    {"boolean", Kind::boolean}, {"int", Kind::integer},
    {"long", Kind::integer}, {"float", Kind::single},    {"double", Kind::real},
    {"string", Kind::text},  {"bytes", Kind::text}};

}  // namespace

class AvroSchema::Builder {
 public:
  explicit Builder(std::deque<AvroType>& types) : types_(types) {}

  Result<const AvroType*> build(const Element& schema, int depth = 0) {
    if (depth > kDepthMax) return fail("the Avro schema is nested too deep");
    std::string_view name;
    if (!schema.get(name)) return named(name);
    simdjson::dom::array branches;
    if (!schema.get(branches)) return choice(branches, depth);
    if (schema["type"].get(name)) {
      Element inner;
      if (schema["type"].get(inner)) return fail("the Avro schema has a type without a name");
      return build(inner, depth + 1);
    }
    if (name == "record") return record(schema, depth);
    if (name == "enum") return enumeration(schema);
    if (name == "array" || name == "map") return items(schema, name == "map", depth);
    if (name == "fixed") return fixed(schema);
    TRY_ASSIGN(const AvroType* type, named(name));
    std::string_view logical;
    if (schema["logicalType"].get(logical) || logical != "timestamp-millis") return type;
    AvroType time = *type;
    time.is_time = true;
    return &types_.emplace_back(std::move(time));
  }

 private:
  Result<const AvroType*> named(std::string_view name) {
    for (auto [primitive, kind] : kPrimitives)
      if (name == primitive) return &types_.emplace_back(AvroType{kind, false, 0, {}, {}});
    auto found = names_.find(name.substr(name.rfind('.') + 1));
    if (found != names_.end()) return found->second;
    return fail("the Avro schema has no type '" + std::string(name.substr(0, 64)) + "'");
  }
  AvroType& declare(const Element& schema, Kind kind) {
    AvroType& type = types_.emplace_back();
    type.kind = kind;
    std::string_view name;
    if (!schema["name"].get(name)) names_.emplace(name.substr(name.rfind('.') + 1), &type);
    return type;
  }
  Result<const AvroType*> choice(simdjson::dom::array branches, int depth) {
    AvroType& type = types_.emplace_back();
    type.kind = Kind::choice;
    for (Element branch : branches) {
      TRY_ASSIGN(const AvroType* inner, build(branch, depth + 1));
      type.inside.push_back(inner);
    }
    return &type;
  }
  Result<const AvroType*> record(const Element& schema, int depth) {
    AvroType& type = declare(schema, Kind::record);
    simdjson::dom::array fields;
    if (schema["fields"].get(fields)) return fail("an Avro record has no fields");
    for (Element field : fields) {
      std::string_view name;
      Element inner;
      if (field["name"].get(name) || field["type"].get(inner))
        return fail("a field of an Avro record has no name or no type");
      TRY_ASSIGN(const AvroType* built, build(inner, depth + 1));
      type.names.emplace_back(name);
      type.inside.push_back(built);
    }
    return &type;
  }
  Result<const AvroType*> enumeration(const Element& schema) {
    AvroType& type = declare(schema, Kind::enumeration);
    simdjson::dom::array symbols;
    if (schema["symbols"].get(symbols)) return fail("an Avro enum has no symbols");
    for (Element symbol : symbols) {
      std::string_view text;
      if (symbol.get(text)) return fail("a symbol of an Avro enum is no text");
      type.names.emplace_back(text);
    }
    return &type;
  }
  Result<const AvroType*> items(const Element& schema, bool is_map, int depth) {
    Element inner;
    if (schema[is_map ? "values" : "items"].get(inner))
      return fail("an Avro array or map does not say of what");
    AvroType& type = types_.emplace_back();
    type.kind = is_map ? Kind::map : Kind::array;
    TRY_ASSIGN(const AvroType* built, build(inner, depth + 1));
    type.inside.push_back(built);
    return &type;
  }
  Result<const AvroType*> fixed(const Element& schema) {
    AvroType& type = declare(schema, Kind::fixed);
    uint64_t size = 0;
    if (schema["size"].get(size)) return fail("an Avro fixed has no size");
    type.size = size;
    return &type;
  }

  std::deque<AvroType>& types_;
  std::map<std::string, const AvroType*, std::less<>> names_;
};

Result<AvroSchema> AvroSchema::parse(std::string_view json) {
  simdjson::dom::parser parser;
  Element root;
  if (parser.parse(json.data(), json.size()).get(root)) return fail("the Avro schema is no JSON");
  AvroSchema schema;
  TRY_ASSIGN(schema.root_, Builder(schema.types_).build(root));
  return schema;
}

namespace {

class Values {
 public:
  Values(ByteReader& in, std::string& out) : in_(in), json_(out) {}

  bool one(const AvroType& type, int depth) {
    if (depth > kDepthMax) return false;
    switch (type.kind) {
      case Kind::null:
        json_.null();
        return true;
      case Kind::boolean:
        json_.boolean(in_.u8() != 0);
        return in_.ok();
      case Kind::integer:
        return integer(type);
      case Kind::single:
        json_.number(in_.f32());
        return in_.ok();
      case Kind::real:
        json_.number(in_.f64());
        return in_.ok();
      case Kind::text:
        json_.string(text());
        return in_.ok();
      case Kind::fixed:
        json_.string(in_.raw(type.size));
        return in_.ok();
      case Kind::enumeration:
        return symbol(type);
      case Kind::choice: {
        const AvroType* branch = branch_of(type);
        return branch && one(*branch, depth + 1);
      }
      case Kind::array:
      case Kind::map:
        return items(type, depth);
      case Kind::record:
        json_.open_object();
        if (!members(type, depth)) return false;
        json_.close_object();
        return true;
    }
    return false;
  }

 private:
  std::string_view text() {
    int64_t size = in_.svarint();
    return in_.raw(size < 0 ? SIZE_MAX / 2 : static_cast<size_t>(size));
  }
  bool integer(const AvroType& type) {
    int64_t value = in_.svarint();
    bool shown = type.is_time && value > EventTime::min().ms() && value < EventTime::max().ms();
    if (shown)
      json_.string(format_rfc3339(EventTime(value)));
    else
      json_.integer(value);
    return in_.ok();
  }
  bool symbol(const AvroType& type) {
    int64_t place = in_.svarint();
    if (!in_.ok() || place < 0 || static_cast<size_t>(place) >= type.names.size()) return false;
    json_.string(type.names[static_cast<size_t>(place)]);
    return true;
  }
  const AvroType* branch_of(const AvroType& type) {
    int64_t place = in_.svarint();
    bool there = in_.ok() && place >= 0 && static_cast<size_t>(place) < type.inside.size();
    return there ? type.inside[static_cast<size_t>(place)] : nullptr;
  }
  // Blocks of items, each with its count before it; a negative one has the block's bytes behind it. An empty one ends.
  template <typename Item>
  bool blocks(Item item) {
    for (uint64_t seen = 0;;) {
      int64_t count = in_.svarint();
      if (count < 0) {
        in_.svarint();
        count = -count;
      }
      if (!in_.ok() || count < 0) return false;
      if (count == 0) return true;
      seen += static_cast<uint64_t>(count);
      if (seen > kItemsMax) return false;
      for (int64_t i = 0; i < count; ++i)
        if (!item()) return false;
    }
  }
  bool entries(const AvroType& type, int depth) {
    return blocks([&] {
      key_.clear();
      append_json_string(key_, text());
      if (!in_.ok()) return false;
      json_.key(std::string_view(key_).substr(1, key_.size() - 2));
      return one(*type.inside[0], depth + 1);
    });
  }
  bool items(const AvroType& type, int depth) {
    bool is_map = type.kind == Kind::map;
    is_map ? json_.open_object() : json_.open_array();
    bool done =
        is_map ? entries(type, depth) : blocks([&] { return one(*type.inside[0], depth + 1); });
    is_map ? json_.close_object() : json_.close_array();
    return done;
  }
  bool members(const AvroType& type, int depth) {
    for (size_t i = 0; i < type.inside.size(); ++i) {
      const AvroType* inner = type.inside[i];
      if (inner->kind == Kind::choice && !(inner = branch_of(*inner))) return false;
      if (inner->kind == Kind::null) continue;
      if (inner->kind == Kind::map && type.names[i] == "fields") {
        if (!entries(*inner, depth + 1)) return false;
        continue;
      }
      json_.key(type.names[i]);
      if (!one(*inner, depth + 1)) return false;
    }
    return true;
  }

  ByteReader& in_;
  JsonWriter json_;
  std::string key_;
};

}  // namespace

bool AvroSchema::append_json(ByteReader& in, std::string& out) const {
  return Values(in, out).one(*root_, 0);
}

}  // namespace paywarden
