/** Whether the bytes that a sink holds begin a gzip file. */
import type { Sink } from '../sink.ts';

/** False while the sink does not hold the beginning of the file (RFC 1952 section 2.3.1). */
export async function beginsGzip(sink: Sink): Promise<boolean> {
  const [first, second] = await sink.beginning(2);
  return first === 0x1f && second === 0x8b;
}
