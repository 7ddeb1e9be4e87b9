/** Dependencies of the api besides database and workflows, without a limit of calls. */
import { createCallLimit } from '../../api/server/call-limit.ts';
import { watchJobEnds } from '../../api/server/job-ends.ts';
import type { ServerDependencies } from '../../api/server/server.ts';
import { createSessionMemory } from '../../api/server/session-memory.ts';
import { createSharedAnswers } from '../../api/server/shared-answers.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { createFairQueue } from '../../model/fair-queue.ts';

type GivenDependencies = Pick<ServerDependencies, 'db' | 'masterKey' | 'orchestration'> &
  Partial<ServerDependencies>;

export const apiDependencies = (given: GivenDependencies): ServerDependencies => ({
  protocols: PROTOCOLS,
  now: () => new Date(),
  calls: createCallLimit({ db: given.db, kind: 'calls', allowed: 0, windowMs: 1000 }),
  logins: createCallLimit({ db: given.db, kind: 'logins', allowed: 10, windowMs: 60_000 }),
  sessionIdle: 1800,
  ready: () => Promise.resolve(true),
  sessions: createSessionMemory(),
  answers: createSharedAnswers(),
  jobEnds: watchJobEnds(given.db),
  turns: createFairQueue({ slotsPerOwner: 32 }),
  installation: { version: '0.0.0', temporalUiUrl: 'http://127.0.0.1:8233', temporalNamespace: 'default' },
  ...given,
});
