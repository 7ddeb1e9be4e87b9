/** The page is built once, into dist/ui, and served from there; everything it needs is in it. */
import { defineConfig } from 'vite';

// oxlint-disable-next-line import/no-default-export -- Vite reads it from there
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    // The strict Content-Security-Policy allows no data: scripts, and small images may as well be files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      onLog(level, log, handle) {
        // React's markers for server rendering, which the page does not use.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
});
