#!/usr/bin/env node
// In a checkout this builds the compiled program first, or brings it up to date. An installed package already has it.
import { ensureBuilt } from './build.js';

await ensureBuilt();
await import('../dist/bin/main.js');
