/** What the api needs beside its database and its workflows, as tests want it: without a limit of calls. */
import { createCallLimit } from '../../api/call-limit.ts';
import type { ServerDependencies } from '../../api/server.ts';
import { createSessionMemory } from '../../api/session-memory.ts';
import { createSharedAnswers } from '../../api/shared-answers.ts';

type Given = Pick<ServerDependencies, 'db' | 'masterKey' | 'orchestration'> & Partial<ServerDependencies>;

export const apiDependencies = (given: Given): ServerDependencies => ({
  now: () => new Date(),
  calls: createCallLimit(0, 1000),
  logins: createCallLimit(10, 60_000),
  sessionIdle: 1800,
  ready: () => Promise.resolve(true),
  sessions: createSessionMemory(),
  answers: createSharedAnswers(),
  installation: { version: '0.0.0', temporalUiUrl: 'http://127.0.0.1:8233', temporalNamespace: 'default' },
  ...given,
});
