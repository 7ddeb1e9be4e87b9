/** A roll-out as the API shows it: its rows, and the progress of its copies from Temporal. */
import { type RolloutListRow, runningCopies, SHOWN_ROLLOUT_STATES } from '../../../db/rollouts/listing.ts';
import type { CopyError } from '../../../db/jobs/outcomes.ts';
import { copyWorkflowId, rolloutWorkflowId } from '../../../model/names.ts';
import { percent } from '../../../model/progress.ts';
import {
  bytesOfRollout,
  MAX_LIVE_COPIES,
  type RolloutBytes,
  ROLLOUT_SELECTIONS,
} from '../../../model/rollout.ts';
import { runningBytes } from '../../../orchestration/rollouts.ts';
import { TEMPLATE_FORMATS } from '../../../model/states.ts';
import type { CommandContext } from '../../server/command.ts';
import { groupBy } from '../group-by.ts';
import {
  date,
  type FieldDocs,
  integer,
  list,
  listOf,
  long,
  oneOf,
  optional,
  type Shape,
  string,
} from '../response.ts';
import { liveCopies } from './deployment.ts';

export interface RolloutView extends RolloutListRow, RolloutBytes {
  /** Bytes per second of all its copies. */
  readonly rate: number;
}

export const ROLLOUT_ERROR: Shape<CopyError> = {
  error: string('why', ({ error }) => error),
  errorkind: optional.string('why, as one word', ({ errorkind }) => errorkind),
  count: integer('of how many copies', ({ count }) => count),
  storagenames: list('the names of their pools, the first ones', ({ storagenames }) => storagenames),
};

export const ROLLOUT: Shape<RolloutView> = {
  id: string('the id, which is that of its job', ({ uuid }) => uuid),
  templateid: string('the id of the template or ISO', ({ template_uuid }) => template_uuid),
  templatename: string('the name of the template or ISO', ({ template_name }) => template_name),
  format: oneOf(TEMPLATE_FORMATS, 'QCOW2, RAW or ISO', ({ format }) => format),
  zoneid: string('the id of the zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone', ({ zone_name }) => zone_name),
  selection: oneOf(
    ROLLOUT_SELECTIONS,
    'what its pools were chosen by: zone, cluster, pools or tag',
    ({ selection }) => selection,
  ),
  clusterid: optional.string('the id of the cluster of its pools', ({ cluster_uuid }) => cluster_uuid),
  clustername: optional.string('the name of that cluster', ({ cluster_name }) => cluster_name),
  tag: optional.string('the storage tag of its pools', ({ tag }) => tag),
  state: oneOf(
    SHOWN_ROLLOUT_STATES,
    'Running, Paused, Cancelled, Completed, or Failed when it has ended without some of its copies',
    ({ shown_state }) => shown_state,
  ),
  atonce: optional.integer('how many copies it brings at a time at most', ({ at_once }) => at_once),
  total: integer('how many copies it is about', ({ total }) => total),
  ready: integer('how many are there', ({ ready }) => ready),
  running: integer('how many are under way', ({ running }) => running),
  queued: integer('how many wait for their turn', ({ queued }) => queued),
  failed: integer('how many failed', ({ failed }) => failed),
  cancelled: integer('how many were cancelled', ({ cancelled }) => cancelled),
  percent: integer('how much of it is there', percentOf),
  bytes: long('bytes that are there, of all copies', ({ bytes }) => bytes),
  totalbytes: long('bytes of all copies; 0 while the size is not known', ({ totalBytes }) => totalBytes),
  rate: long('bytes per second of all its copies, now', ({ rate }) => rate),
  errors: listOf(ROLLOUT_ERROR, 'why copies failed, the most frequent reasons first', ({ errors }) => errors),
  account: string('the account of who asked', ({ account_name }) => account_name),
  username: string('who asked', ({ username }) => username),
  cancelledby: optional.string('who cancelled it', ({ cancelled_by }) => cancelled_by),
  workflowid: string('its workflow in Temporal', ({ uuid }) => rolloutWorkflowId(uuid)),
  created: date('when it was asked for', ({ created }) => created),
  completed: optional.date('when it ended', ({ completed }) => completed),
};

/** What the job of a roll-out has ended with. */
export const ROLLOUT_OUTCOME: FieldDocs = {
  id: { type: 'string', description: 'the id of the roll-out' },
  total: { type: 'integer', description: 'how many copies it was about' },
  ready: { type: 'integer', description: 'how many are there' },
  failed: { type: 'integer', description: 'how many failed' },
  cancelled: { type: 'integer', description: 'how many were cancelled' },
  errors: {
    type: 'list',
    description: 'why copies failed, the most frequent reasons first',
    fields: ROLLOUT_ERROR,
  },
};

/** By bytes; by copies where no size is known. 100 when all copies are there, and never before. */
function percentOf({ bytes, totalBytes, ready, total }: RolloutView): number {
  if (total > 0 && ready === total) return 100;
  return totalBytes === 0 ? percent(ready, total) : percent(bytes, totalBytes);
}

/** Adds the progress of the copies under way. */
export async function viewRollouts(
  context: CommandContext,
  rows: readonly RolloutListRow[],
): Promise<readonly RolloutView[]> {
  const underWay = rows.filter(({ running }) => running > 0).map(({ uuid }) => uuid);
  const copies = await runningCopies(context.db, underWay, MAX_LIVE_COPIES);
  const live = await liveCopies(context, copies);
  const ofRollout = groupBy(copies, ({ jobId }) => jobId);
  return rows.map((row) => {
    const own = ofRollout.get(row.uuid) ?? [];
    const rates = own.map(
      ({ templateId, poolId }) => live.get(copyWorkflowId(templateId, poolId))?.progress?.rate ?? 0,
    );
    return {
      ...row,
      ...bytesOfRollout(row, row.size, runningBytes(own, live)),
      rate: rates.reduce((sum, rate) => sum + rate, 0),
    };
  });
}
