// Builds two pages (the center at /, the API's try-it page at /docs) into plain files that need no inline
// script, no inline style and no other host, so that the server can answer with `default-src 'self'`.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: { input: ["index.html", "docs.html"] },
  },
});
