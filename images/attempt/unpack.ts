/** The stage after verifying: unpacks the rest of a packed file. */
import type { Part } from '../pools/pool.ts';
import type { Unpacked, Unpacker } from '../unpack/unpacker.ts';
import type { ProgressMeter } from './progress-meter.ts';

/** @returns undefined when the file is not packed */
export async function unpack(
  part: Part,
  unpacker: Unpacker,
  meter: ProgressMeter,
): Promise<Unpacked | undefined> {
  const total = part.position;
  if (!unpacker.unpacking) return unpacker.finish();
  meter.phase('inflating', { total, bytes: unpacker.taken });
  unpacker.onTaken = (count) => meter.addReused(count);
  const unpacked = await unpacker.finish();
  meter.phase('verifying', { total, bytes: total });
  return unpacked;
}
