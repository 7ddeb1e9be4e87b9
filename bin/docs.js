// Writes the generated files: the API's reference, the types of its answers, the table of settings, and the metrics.
// With --check it writes nothing; it names stale files and then exits with 1. Part of `npm run check`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { root } from './build.js';

register('./typescript-loader.js', import.meta.url);
const { documents } = await import('../api/server/documents.ts');
const { configurationDocument } = await import('../workers/configuration-document.ts');
const { monitoringDocument } = await import('../workers/monitoring-document.ts');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const generated = {
  ...documents(version),
  'docs/configuration.md': configurationDocument(),
  'docs/monitoring.md': monitoringDocument(),
};
const stale = Object.entries(generated).filter(
  ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
);
if (process.argv.includes('--check')) {
  for (const [path] of stale) process.stdout.write(`${path} is stale: npm run docs\n`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else for (const [path, text] of stale) writeFileSync(join(root, path), text);
