// A small OpenAPI document for the try-it page while no real server is there.
export const openapi = {
  openapi: "3.1.0",
  info: { title: "Paywarden", version: "0.1.0", description: "Decides payments as they happen. Mock for development." },
  tags: [
    { name: "payments", description: "Decide payments and read decisions." },
    { name: "labels", description: "Say what turned out to be fraud." },
  ],
  paths: {
    "/v1/payments": {
      post: {
        tags: ["payments"], summary: "Decide one payment",
        description: "Answers when the decision is durable. The same id with the same body gives the same answer.",
        requestBody: {
          required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Payment" } } },
        },
        responses: {
          200: { description: "Decided, or the earlier decision repeated",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Decision" } } } },
          409: { description: "The id was used before with another body" },
          422: { description: "A field was rejected; the answer names it" },
          429: { description: "Over the key's quota; see Retry-After" },
        },
      },
    },
    "/v1/payments:batch": {
      post: {
        tags: ["payments"], summary: "Decide many, one JSON object a line",
        requestBody: { required: true, content: { "application/x-ndjson": { schema: { $ref: "#/components/schemas/Payment" } } } },
        responses: { 200: { description: "One answer a line with `line` and `status`" } },
      },
    },
    "/v1/decisions/{payment_id}": {
      get: {
        tags: ["payments"], summary: "Read a decision",
        parameters: [{ name: "payment_id", in: "path", required: true, schema: { type: "string" }, example: "p-1" }],
        responses: { 200: { description: "The decision",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Decision" } } } }, 404: { description: "No such payment" } },
      },
    },
    "/v1/labels": {
      post: {
        tags: ["labels"], summary: "Label a payment",
        requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Label" } } } },
        responses: { 200: { description: "Kept" }, 202: { description: "The payment is not known (yet); kept pending" } },
      },
    },
  },
  components: {
    securitySchemes: { key: { type: "http", scheme: "bearer" } },
    schemas: {
      Payment: {
        type: "object", required: ["id", "event_time", "card", "amount"],
        properties: {
          id: { type: "string", description: "Unique; at most 128 bytes", example: "p-1" },
          event_time: { type: "string", format: "date-time", description: "UTC" },
          card: { type: "string", description: "Card number; only its token is kept", example: "4111 1111 1111 1111".replace(/\d{4}$/, "XXXX") },
          amount: { type: "string", example: "912.40" }, currency: { type: "string", example: "EUR" },
          merchant: { type: "string", example: "Lindner Elektronik" },
        },
      },
      Decision: {
        type: "object",
        properties: {
          payment_id: { type: "string" }, score: { type: "number", minimum: 0, maximum: 1 },
          outcome: { enum: ["approve", "review", "decline"] },
          reasons: { type: "array", items: { $ref: "#/components/schemas/Reason" } },
          rules: { type: "array", items: { type: "string" } },
        },
      },
      Reason: {
        type: "object",
        properties: { feature: { type: "string" }, value: { type: "number" }, usual: { type: "number" }, contribution: { type: "number" }, text: { type: "string" } },
      },
      Label: {
        type: "object", required: ["payment_id", "is_fraud"],
        properties: { payment_id: { type: "string", example: "p-1" }, is_fraud: { type: "boolean" } },
      },
    },
  },
};
