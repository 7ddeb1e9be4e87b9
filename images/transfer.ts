/** One connection's bytes into the intake. */
import { ImageError } from '../model/failures.ts';
import type { TemplateFormat } from '../model/states.ts';
import { compressionOf } from './decompression/compression.ts';
import { HEAD_LENGTH } from './inspection/format.ts';
import { inspectHead } from './inspection/inspect.ts';
import type { InspectionLimits } from './inspection/limits.ts';
import type { Intake, Origin } from './intake.ts';
import type { RateLimit } from './rate-limit.ts';
import type { OpenedSource } from './sources/source.ts';

export interface TransferOptions {
  readonly origin: Origin;
  readonly format: TemplateFormat;
  readonly limits: InspectionLimits | undefined;
  readonly rateLimit: RateLimit;
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
}

/**
 * Reads a source to its end. Whatever ends it, all bytes that arrived are on disk and recorded afterwards.
 * @throws ImageError; the signal's reason when aborted
 */
export async function transfer(
  source: OpenedSource,
  intake: Intake,
  options: TransferOptions,
): Promise<void> {
  const { origin } = options;
  try {
    if (source.offset !== intake.position) await intake.restart();
    await receive(source, intake, options);
  } finally {
    source.close();
    await intake.settle(origin);
  }
  if (origin.total > 0 && intake.position < origin.total) {
    throw new ImageError('ConnectionLost', 'ended before the end of the file', { url: source.finalUrl });
  }
}

async function receive(source: OpenedSource, intake: Intake, options: TransferOptions): Promise<void> {
  const { origin, format, limits, rateLimit, signal, onBytes } = options;
  let head: Buffer | undefined = source.offset === 0 ? Buffer.alloc(0) : undefined;
  for await (const batch of source.body) {
    signal.throwIfAborted();
    const length = batch.reduce((sum, chunk) => sum + chunk.length, 0);
    if (origin.total > 0 && intake.position + length > origin.total) {
      throw new ImageError('SizeMismatch', `sends more than the ${origin.total} bytes of the file`);
    }
    await rateLimit.take(length, signal);
    await intake.accept(batch, origin);
    onBytes(length);
    if (head === undefined) continue;
    head = Buffer.concat([head, ...batch]);
    if (head.length < HEAD_LENGTH) continue;
    // A login page or a foreign format is refused here, not after 40 GB of it. What is packed is looked at unpacked.
    const first = head.subarray(0, HEAD_LENGTH);
    if (compressionOf(first) === undefined)
      inspectHead(first, origin.total || Number.MAX_SAFE_INTEGER, format, limits);
    head = undefined;
  }
}
