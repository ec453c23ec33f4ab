// Runs src/lib/*.test.ts under node:test: bundled by esbuild first, because Node 18 reads no TypeScript.
//
//   node tests/unit.mjs
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const library = join(dirname(fileURLToPath(import.meta.url)), "../src/lib");
const tests = readdirSync(library).filter((name) => name.endsWith(".test.ts"));
const out = mkdtempSync(join(tmpdir(), "paywarden-page-"));
try {
  await build({
    entryPoints: tests.map((name) => join(library, name)),
    bundle: true, platform: "node", format: "esm", outdir: out, outExtension: { ".js": ".mjs" },
  });
  const files = readdirSync(out).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
