/** Failures as hosts report them. An unknown kind becomes the generic kind of its class; its text stays. */
import * as z from 'zod/mini';
import { genericKinds, isFailureKind } from '../failures.ts';
import type { Failure, FailureClass, NamedHost } from '../failures.ts';
import type { DownloadFailure, DownloadStopped, ForeignFile, Try } from '../payloads.ts';
import { imageEvidence } from './evidence.ts';
import { poolReport } from './pools.ts';
import { ifUnderstood, message, moment, opaque, text, understood, version, whole } from './schema.ts';
import type { Schema } from './schema.ts';

const isClass = (given: unknown): given is FailureClass =>
  typeof given === 'string' && Object.hasOwn(genericKinds, given);

/** A failure without a class, of an unknown kind, counts as one of the host. */
const kindOf = (kind: string, failureClass: unknown) =>
  isFailureKind(kind) ? kind : genericKinds[isClass(failureClass) ? failureClass : 'host'];

export const failure: Schema<Failure> = opaque(
  z.pipe(
    message<Omit<Failure, 'kind'> & { readonly kind: string }>({
      kind: text(),
      class: ifUnderstood(z.enum(Object.keys(genericKinds) as [FailureClass])),
      message: text(),
      host: ifUnderstood(message<NamedHost>({ id: text(), name: text() })),
      url: ifUnderstood(text()),
      rule: ifUnderstood(text()),
      path: ifUnderstood(text()),
      retryAfterMs: ifUnderstood(whole()),
    }),
    z.transform(({ kind, ...rest }): Failure => ({ ...rest, kind: kindOf(kind, rest.class) })),
  ),
);

const oneTry = message<Try>({
  source: text(),
  startedAt: moment(),
  endedAt: moment(),
  bytes: whole(),
  failure: ifUnderstood(failure),
  evidence: ifUnderstood(imageEvidence),
  note: ifUnderstood(text()),
  changed: ifUnderstood(text()),
  foreign: ifUnderstood(z.array(message<ForeignFile>({ path: text(), movedTo: text() }))),
});

/** Unreadable tries are left out. */
export const triesOf = understood(oneTry);

export const downloadFailure = message<DownloadFailure>({
  v: version(),
  failure,
  hostId: text(),
  tries: triesOf,
  pool: ifUnderstood(poolReport),
});

/** Every field is optional, since the report of a stopped download only informs. */
export const downloadStopped = message<Partial<Pick<DownloadStopped, 'tries' | 'pool'>>>({
  tries: z.optional(triesOf),
  pool: ifUnderstood(poolReport),
});
