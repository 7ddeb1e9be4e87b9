/**
 * Wakes copies that wait for a host that gives them, when another fetch begins or ends and so leaves uploads free. A hint: a
 * copy that gets none looks again by itself.
 */
import { log } from '@temporalio/activity';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { copiesToWake } from '../../db/spread/waiting.ts';
import type { ControlDeps } from './deps.ts';

/** @param copy whose fetch has begun or ended */
export async function wakeWaiting(
  { db, orchestration }: Pick<ControlDeps, 'db' | 'orchestration'>,
  copy: CopyUuids,
): Promise<void> {
  try {
    await orchestration.signalSourceFree(await copiesToWake(db, copy));
  } catch (error) {
    log.warn('copies that wait for another host were not woken; they look again by themselves', { error });
  }
}
