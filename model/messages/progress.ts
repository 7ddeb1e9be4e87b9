/** Progress in heartbeats. It is not signed, and only informs, so that odd values are replaced or left out. */
import * as z from 'zod/mini';
import { phases } from '../progress.ts';
import type { ProbeProgress, ProbeVerdict, Progress, RunningAttempt } from '../progress.ts';
import { triesOf } from './failures.ts';
import { ifUnderstood, message, text, understood, version, whole } from './schema.ts';
import type { Schema } from './schema.ts';

const amount = (): Schema<number> => z.catch(z.number().check(z.minimum(0)), 0);

const runningAttempt = message<RunningAttempt>({ id: text(), incarnation: text(), tries: triesOf });

export const progress = message<Progress>({
  v: version(),
  phase: z.catch(z.enum(phases), 'downloading'),
  bytes: z.catch(whole(), 0),
  total: z.catch(whole(), 0),
  fetched: ifUnderstood(whole()),
  rate: amount(),
  source: z.catch(text(), ''),
  ahead: ifUnderstood(whole()),
  attempt: ifUnderstood(runningAttempt),
});

const verdict = message<ProbeVerdict>({
  url: text(),
  reachable: z.boolean(),
  reason: ifUnderstood(text()),
  size: amount(),
});

export const probeProgress = message<ProbeProgress>({
  v: version(),
  hostId: text(),
  verdicts: understood(verdict),
});
