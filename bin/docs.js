// Writes docs/, which is made from the definitions of the API's commands.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './build.js';

await ensureBuilt();
const { documents } = await import('../dist/api/documents.js');
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
mkdirSync(join(root, 'docs'), { recursive: true });
for (const [name, text] of Object.entries(documents(version))) writeFileSync(join(root, 'docs', name), text);
