import assert from "node:assert/strict";
import { test } from "node:test";
import {
  example_body, example_of, flattened, key_header, operation_groups, request_path, type_words, type OpenApi,
} from "./openapi";

const doc: OpenApi = {
  tags: [{ name: "payments", description: "Decide" }, { name: "empty" }],
  paths: {
    "/v1/payments": {
      post: {
        tags: ["payments"], summary: "Decide one",
        requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Payment" } } } },
        responses: { "200": { description: "decided" }, "404": { $ref: "#/components/responses/missing" } },
      },
    },
    "/v1/decisions/{payment_id}": {
      parameters: [{ name: "payment_id", in: "path", required: true, schema: { type: "string" } }],
      get: { parameters: [{ name: "full", in: "query" }], responses: {} },
    },
  },
  components: {
    schemas: {
      Payment: {
        allOf: [{ $ref: "#/components/schemas/Id" }],
        type: "object", required: ["amount"],
        properties: {
          amount: { type: "string", example: "9.99" }, outcome: { enum: ["approve", "review"] },
          items: { type: "array", items: { type: "integer", minimum: 3 } }, me: { $ref: "#/components/schemas/Payment" },
        },
      },
      Id: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
      Loop: { $ref: "#/components/schemas/Loop" },
    },
    responses: { missing: { description: "no such payment" } },
    securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Api-Key" } },
  },
};

test("routes in the groups of their tags; refs are followed; empty groups are left out", () => {
  const groups = operation_groups(doc);
  assert.deepEqual(groups.map((group) => [group.name, group.operations.length]), [["payments", 1], ["Routes", 1]]);
  assert.equal(groups[0]!.operations[0]!.answers[1]!.description, "no such payment");
  assert.deepEqual(groups[1]!.operations[0]!.parameters.map((one) => one.name), ["payment_id", "full"]);
});

test("an example is made of the schema, and a schema that contains itself ends", () => {
  const payment = JSON.parse(example_body(doc, operation_groups(doc)[0]!.operations[0]!));
  assert.equal(payment.amount, "9.99");
  assert.equal(payment.outcome, "approve");
  assert.deepEqual(payment.items, [3]);
  assert.equal(payment.id, "text");
  assert.equal(example_of(doc, { $ref: "#/components/schemas/Loop" }), null);
});

test("required names gather over allOf", () => {
  const { required } = flattened(doc, { $ref: "#/components/schemas/Payment" });
  assert.deepEqual([...required].sort(), ["amount", "id"]);
});

test("types in words", () => {
  assert.equal(type_words(doc, { type: "array", items: { $ref: "#/components/schemas/Id" } }), "array of Id");
  assert.equal(type_words(doc, { type: "string", format: "date-time" }), "string (date-time)");
  assert.equal(type_words(doc, { enum: ["a", "b"] }), "a | b");
});

test("request paths are encoded, empty query values left out", () => {
  const one = operation_groups(doc)[1]!.operations[0]!;
  assert.equal(request_path(one, { payment_id: "a/b?c", full: "" }), "/v1/decisions/a%2Fb%3Fc");
  assert.equal(request_path(one, { payment_id: "a", full: "1&2" }), "/v1/decisions/a?full=1%262");
});

test("the key goes where the document says, else as a bearer token", () => {
  assert.deepEqual(key_header(doc, "k"), ["X-Api-Key", "k"]);
  assert.deepEqual(key_header({}, "k"), ["Authorization", "Bearer k"]);
});
