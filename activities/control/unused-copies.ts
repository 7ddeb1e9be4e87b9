/** Removes copies of deleted images that no machine uses any more. */
import { unusedCopies } from '../../db/copies/users.ts';
import { copyWorkflowId } from '../../model/names.ts';
import type { ControlDeps } from './deps.ts';

/** Removals that one look requests: the next one, at the latest a minute later, requests more. */
const MAX_REQUESTED = 500;

/** Requests their removal. @returns the number of requests */
export async function removeUnused({
  db,
  orchestration,
}: Pick<ControlDeps, 'db' | 'orchestration'>): Promise<number> {
  let requested = 0;
  for (const { templateId, poolId, templateName, poolName } of await unusedCopies(db, MAX_REQUESTED)) {
    if (await orchestration.isRunning(copyWorkflowId(templateId, poolId))) continue;
    const by = `the deletion of ${templateName}, which no virtual machine uses any more`;
    await orchestration.startRemoval(
      { templateId, poolId },
      { by },
      { template: templateName, pool: poolName },
    );
    requested += 1;
  }
  return requested;
}
