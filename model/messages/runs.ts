/** Messages to running workflows. */
import * as z from 'zod/mini';
import type { CertificateRequest, KeystoreRequest } from '../certificate-jobs.ts';
import type {
  EndedNotice,
  HandOverRequest,
  LostAttempt,
  StopRequest,
  WantedRequest,
} from '../run-messages.ts';
import { progress } from './progress.ts';
import { ifUnderstood, message, text, understood, uuid, version } from './schema.ts';

export const stopRequest = message<StopRequest>({
  v: version(),
  by: text(),
  remove: z.boolean(),
  at: ifUnderstood(z.string()),
  listener: ifUnderstood(z.string()),
});

export const endedNotice = message<EndedNotice>({ v: version(), workflowId: z.string() });

export const lostAttempt = message<LostAttempt>({
  v: version(),
  attemptId: z.string(),
  progress: ifUnderstood(progress),
});

export const handOverRequest = message<HandOverRequest>({ v: version(), hostId: uuid() });

export const keystoreRequest = message<KeystoreRequest>({
  v: version(),
  listener: ifUnderstood(z.string()),
});

export const certificateRequest = message<CertificateRequest>({
  v: version(),
  hostIds: understood(z.string()),
});

export const wantedRequest = message<WantedRequest>({
  v: version(),
  listener: ifUnderstood(z.string()),
  priority: ifUnderstood(z.number()),
});
