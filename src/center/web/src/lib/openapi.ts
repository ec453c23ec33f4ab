// Reads an OpenAPI 3 document into what the try-it page shows: routes in their groups, their parameters,
// bodies and answers, and an example body made from the schema when the document has none.
//
//   const groups = operation_groups(doc);
//   const body = example_body(doc, groups[0].operations[0]);

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  examples?: unknown[];
  default?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
}

interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: "query" | "path" | "header" | "cookie";
  description?: string;
  required?: boolean;
  schema?: Schema;
  example?: unknown;
}

interface Body {
  $ref?: string;
  description?: string;
  required?: boolean;
  content?: Record<string, Media>;
}

interface RawOperation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: Body;
  responses?: Record<string, Body>;
  security?: Record<string, string[]>[];
}

export interface SecurityScheme {
  $ref?: string;
  type: string;
  in?: string;
  name?: string;
  scheme?: string;
  description?: string;
}

export interface OpenApi {
  openapi?: string;
  info?: { title?: string; version?: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths?: Record<string, Record<string, unknown>>;
  components?: Record<string, Record<string, unknown>>;
}

export interface Answer {
  status: string;
  description: string;
  content_type: string | null;
  schema: Schema | null;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  body: { content_type: string; media: Media; required: boolean } | null;
  answers: Answer[];
}

export interface Group {
  name: string;
  description: string;
  operations: Operation[];
}

const methods = ["get", "post", "put", "patch", "delete"];
/** Schemas may refer to themselves; an example stops here. */
const depth_max = 6;

export function resolved<T extends { $ref?: string }>(doc: OpenApi, value: T): T {
  let at: unknown = value;
  for (let hops = 0; hops < 10 && is_object(at) && typeof at.$ref === "string"; ++hops) {
    at = at.$ref.replace(/^#\//, "").split("/").reduce<unknown>(
      (node, part) => (is_object(node) ? node[part.replace(/~1/g, "/").replace(/~0/g, "~")] : undefined), doc);
  }
  return (is_object(at) ? at : {}) as T;
}

export function operation_groups(doc: OpenApi): Group[] {
  const groups = new Map<string, Group>();
  for (const tag of doc.tags ?? []) {
    groups.set(tag.name, { name: tag.name, description: tag.description ?? "", operations: [] });
  }
  for (const [path, item] of Object.entries(doc.paths ?? {})) {
    const shared = (item.parameters ?? []) as Parameter[];
    for (const method of methods) {
      if (!is_object(item[method])) continue;
      const raw = item[method] as RawOperation;
      const name = raw.tags?.[0] ?? "Routes";
      if (!groups.has(name)) groups.set(name, { name, description: "", operations: [] });
      groups.get(name)!.operations.push(operation(doc, method, path, raw, shared));
    }
  }
  return [...groups.values()].filter((group) => group.operations.length);
}

function operation(
  doc: OpenApi, method: string, path: string, raw: RawOperation, shared: Parameter[],
): Operation {
  const parameters = [...shared, ...(raw.parameters ?? [])].map((one) => resolved(doc, one));
  return {
    id: `${method}${path.replace(/[^A-Za-z0-9]+/g, "-")}`,
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? "",
    description: raw.description ?? "",
    parameters: parameters.filter((one) => one.in !== "cookie"),
    body: body_of(doc, raw.requestBody),
    answers: Object.entries(raw.responses ?? {}).map(([status, answer]) => answer_of(doc, status, answer)),
  };
}

function body_of(doc: OpenApi, raw: Body | undefined): Operation["body"] {
  if (!raw) return null;
  const body = resolved(doc, raw);
  const first = Object.entries(body.content ?? {})[0];
  if (!first) return null;
  return { content_type: first[0], media: first[1], required: body.required ?? false };
}

function answer_of(doc: OpenApi, status: string, raw: Body): Answer {
  const answer = resolved(doc, raw);
  const [content_type, media] = Object.entries(answer.content ?? {})[0] ?? [null, null];
  return { status, description: answer.description ?? "", content_type, schema: media?.schema ?? null };
}

/** The document's own example, else one made from the schema; text for the editor. */
export function example_body(doc: OpenApi, one: Operation): string {
  if (!one.body) return "";
  const { media, content_type } = one.body;
  const given = media.example ?? Object.values(media.examples ?? {})[0]?.value;
  const value = given ?? (media.schema ? example_of(doc, media.schema) : "");
  if (typeof value === "string") return value;
  return content_type.includes("ndjson") ? JSON.stringify(value) : JSON.stringify(value, null, 2);
}

export function example_of(doc: OpenApi, raw: Schema, depth = 0): unknown {
  const schema = resolved(doc, raw);
  const given = schema.example ?? schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0];
  if (given !== undefined) return given;
  if (depth > depth_max) return null;
  const one_of = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (one_of) return example_of(doc, one_of, depth + 1);
  const { properties } = flattened(doc, schema);
  if (properties.length) {
    return Object.fromEntries(properties.map(([name, part]) => [name, example_of(doc, part, depth + 1)]));
  }
  return example_of_type(doc, schema, depth);
}

function example_of_type(doc: OpenApi, schema: Schema, depth: number): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "array") return schema.items ? [example_of(doc, schema.items, depth + 1)] : [];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "object") return {};
  if (schema.format === "date-time") return "2026-01-01T12:00:00.000Z";
  return type === "string" ? "text" : null;
}

/** Properties of a schema with those of its allOf parts, and which of them must be there. */
export function flattened(doc: OpenApi, raw: Schema): { properties: [string, Schema][]; required: Set<string> } {
  const schema = resolved(doc, raw);
  const properties = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  for (const part of schema.allOf ?? []) {
    const inner = flattened(doc, part);
    properties.push(...inner.properties);
    inner.required.forEach((name) => required.add(name));
  }
  return { properties, required };
}

/** "array of Payment", "string (date-time)", "approve | review | decline". */
export function type_words(doc: OpenApi, raw: Schema): string {
  if (raw.$ref) return raw.$ref.split("/").at(-1)!;
  const schema = resolved(doc, raw);
  if (schema.enum) return schema.enum.map(String).join(" | ");
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return either.map((part) => type_words(doc, part)).join(" or ");
  if (schema.items) return `array of ${type_words(doc, schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
  return schema.format ? `${type} (${schema.format})` : type ?? "any";
}

/** "/v1/decisions/{payment_id}?x=" with its values put in; an empty optional query value is left out. */
export function request_path(one: Operation, values: Record<string, string>): string {
  const path = one.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
  const query = new URLSearchParams();
  for (const parameter of one.parameters) {
    const value = values[parameter.name];
    if (parameter.in === "query" && value) query.set(parameter.name, value);
  }
  return query.size ? `${path}?${query}` : path;
}

/** The header that carries an API key, as the document's security schemes say. */
export function key_header(doc: OpenApi, key: string): [string, string] {
  const schemes = Object.values(doc.components?.securitySchemes ?? {}) as SecurityScheme[];
  const named = schemes.map((one) => resolved(doc, one)).find((one) => one.type === "apiKey" && one.in === "header");
  return named?.name ? [named.name, key] : ["Authorization", `Bearer ${key}`];
}

const is_object = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
