import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import threads from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { withoutPromiseHooks } from '../../workers/workflow-threads.ts';

/** Tells what a hook on promises saw, and what a promise remembers of where it was made. */
const PROGRAM = `
  const { AsyncLocalStorage } = require('node:async_hooks');
  const v8 = require('node:v8');
  const { parentPort } = require('node:worker_threads');
  let hooked = 0;
  v8.promiseHooks.createHook({ init: () => (hooked += 1) });
  const scope = new AsyncLocalStorage();
  const read = async () => { await null; return scope.getStore(); };
  Promise.all([scope.run('a', read), scope.run('b', read), read()])
    .then((scopes) => parentPort.postMessage({ hooked: hooked > 0, scopes }));`;

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-threads-'));
  program = join(folder, 'program.cjs');
  await writeFile(program, PROGRAM);
});
afterAll(() => rm(folder, { recursive: true }));

const said = async (thread: Worker): Promise<unknown> => (await once(thread, 'message'))[0] as unknown;
const start = (): Promise<Worker> => Promise.resolve(new threads.Worker(program));
const scopes = ['a', 'b', undefined];

test('threads of workflows have no hooks on promises, and keep scopes apart; other threads have them', async () => {
  expect(await said(await withoutPromiseHooks(start))).toEqual({ hooked: false, scopes });
  expect(await said(await start())).toEqual({ hooked: true, scopes });
});
