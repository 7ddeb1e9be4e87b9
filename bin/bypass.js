#!/usr/bin/env node
// In a checkout the compiled program is made or refreshed first; an installed package has it already.
import { ensureBuilt } from './build.js';

await ensureBuilt();
await import('../dist/workers/main.js');
