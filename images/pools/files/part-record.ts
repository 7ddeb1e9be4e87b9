/** The record beside a part file: the source of its bytes, and which bytes are durable. */
import * as z from 'zod/mini';
import { ifUnderstood, message, readJson, text, uuid, whole } from '../../../model/messages/schema.ts';
import type { Provenance, RecordedMirror } from '../../fetch/sink.ts';
import { replaceFile } from '../../../platform/replace-file.ts';
import { readShort } from '../../regular-files.ts';
import { addSpan, lengthOf, prefixOf } from '../../spans.ts';
import type { Spans } from '../../spans.ts';

/** Maximum number of recorded spans beyond the prefix. Bytes of omitted spans are fetched again. */
const MAX_SPANS = 256;
const MAX_GIVERS = 256;
/**
 * Maximum bytes of a record: URLs and tags of 64 mirrors, and the spans. Anybody may write records onto a shared
 * pool.
 */
const MAX_RECORD = 1_048_576;

/** Which bytes of a part file are durable, and where they came from. */
export interface Checkpoint extends Provenance {
  readonly v: 1;
  /** The host that wrote the part. */
  readonly hostId: string;
  /** Length of the synced prefix. */
  readonly offset: number;
  /** Synced spans beyond the prefix, as [first byte, byte after the last]. */
  readonly beyond?: readonly (readonly [number, number])[];
}

const record = message<Checkpoint>({
  v: z.literal(1),
  hostId: text(),
  url: text(),
  finalUrl: text(),
  etag: z.optional(text()),
  total: whole(),
  offset: whole(),
  beyond: z.optional(z.array(z.tuple([whole(), whole()])).check(z.maxLength(MAX_SPANS))),
  others: z.optional(z.array(message<RecordedMirror>({ url: text(), etag: z.optional(text()) }))),
  lineage: ifUnderstood(uuid()),
  givers: z.optional(z.array(text()).check(z.maxLength(MAX_GIVERS))),
});

const isSound = ({ offset, total, beyond = [] }: Checkpoint): boolean =>
  beyond.every(([first, end]) => offset < first && first < end && end <= total);

/** The record of a file that holds these spans. */
export function checkpointOf(origin: Omit<Checkpoint, 'v' | 'offset' | 'beyond'>, held: Spans): Checkpoint {
  const offset = prefixOf(held);
  const longest = held
    .filter(({ first }) => first > offset)
    .toSorted((a, b) => lengthOf(b) - lengthOf(a))
    .slice(0, MAX_SPANS)
    .toSorted((a, b) => a.first - b.first)
    .map(({ first, end }) => [first, end] as const);
  return { v: 1, ...origin, offset, ...(longest.length === 0 ? {} : { beyond: longest }) };
}

/** Spans that a record promises. */
export function heldBy(checkpoint: Checkpoint | undefined): Spans {
  if (checkpoint === undefined) return [];
  const beyond = (checkpoint.beyond ?? []).map(([first, end]) => ({ first, end }));
  return beyond.reduce<Spans>(addSpan, addSpan([], { first: 0, end: checkpoint.offset }));
}

export const heldEnd = (checkpoint: Checkpoint): number => heldBy(checkpoint).at(-1)?.end ?? 0;

/** @returns undefined when the record is absent, damaged or too long: then the bytes of the part cannot be used */
export async function readRecord(path: string): Promise<Checkpoint | undefined> {
  const { value } = readJson(record, await readShort(path, MAX_RECORD).catch(() => undefined));
  return value !== undefined && isSound(value) ? value : undefined;
}

export const writeRecord = (path: string, checkpoint: Checkpoint): Promise<void> =>
  replaceFile(path, JSON.stringify(checkpoint));
