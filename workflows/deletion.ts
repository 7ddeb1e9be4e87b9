/**
 * A template is deleted: it is not to be had from the first step on; then its copies go, each by its own workflow; then
 * its rows.
 */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import type { DoomedCopy } from '../activities/control-deletion.ts';
import { WANTED_SIGNAL } from '../model/names.ts';
import type { DeletionInput, DeletionResult } from '../model/payloads.ts';
import { bare, isFailure, messageOf } from './failures.ts';
import { control, patientControl } from './policies.ts';
import { show } from './status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);
/** Copies that are removed at the same time. */
const AT_ONCE = 20;

export async function deletion(input: DeletionInput): Promise<DeletionResult> {
  let wanted = 0;
  setHandler(wantedSignal, () => {
    wanted += 1;
  });
  try {
    for (;;) {
      await removeCopies(input);
      const served = wanted;
      await control('Remove the rows, tell those who wait').finishDeletion(input);
      if (wanted === served) break;
    }
    show('Deleted.', { State: 'Removed' });
    return { v: 1, deleted: input.templateId };
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() =>
      control('Tell those who wait').failDeletion(input.templateId, messageOf(error)),
    );
    throw bare(error);
  }
}

async function removeCopies({ templateId }: DeletionInput): Promise<void> {
  const { name, copies } = await control('Take the template off the lists').beginDeletion(templateId);
  const queue = [...copies];
  show(`Deleting ${name}, with ${queue.length} copies on pools.`, { State: 'Removing' });
  const lane = async (): Promise<void> => {
    for (let copy = queue.shift(); copy !== undefined; copy = queue.shift()) {
      await removeCopy(templateId, name, copy);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

const removeCopy = (templateId: string, name: string, { poolId, poolName }: DoomedCopy): Promise<void> =>
  patientControl(`Remove the copy on pool ${poolName}`).removeCopy(
    { templateId, poolId },
    `the deletion of ${name}`,
  );
