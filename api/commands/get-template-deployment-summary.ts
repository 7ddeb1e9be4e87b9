import { listDeployments } from '../../db/listings/deployments.ts';
import {
  countDeployments,
  type DeploymentCounts,
  fetchedByMinute,
  type Minute,
} from '../../db/listings/deployment-summary.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { MAX_PAGE_SIZE } from '../paging.ts';
import { answerOne, formatDate, integer, list, long, type Shape } from '../response.ts';
import { type DeploymentView, liveOf, workflowOf } from '../responses/deployment.ts';

const MINUTES = 60;

interface Summary extends DeploymentCounts {
  readonly running: readonly Pick<DeploymentView, 'live' | 'last_updated'>[];
  readonly fetched: readonly Minute[];
}

const waits = ({ live }: Summary['running'][number]): boolean =>
  live?.wait !== undefined || live?.progress?.phase === 'waiting';
const rateOf = ({ running }: Summary): number =>
  running.reduce((sum, { live }) => sum + (live?.progress?.rate ?? 0), 0);

const SUMMARY: Shape<Summary> = {
  running: integer('how many are under way', ({ running }) => running.filter((one) => !waits(one)).length),
  waiting: integer(
    'how many wait, for room, time or their turn',
    ({ running }) => running.filter(waits).length,
  ),
  failed: integer('how many have failed', ({ byState }) => byState.Failed ?? 0),
  failedlastday: integer('how many failed in the last day', ({ failedLately }) => failedLately),
  ready: integer('how many are there', ({ byState }) => byState.Ready ?? 0),
  rate: long('bytes per second of all together, now', rateOf),
  throughput: list(`bytes per second in each of the last ${MINUTES} minutes, the oldest first`, (summary) =>
    throughputOf(summary).map(({ from, perSecond }) => ({ time: formatDate(from), rate: perSecond })),
  ),
};

/** Tries that have ended, and what runs: its bytes are spread over the time since it began. */
function throughputOf({ fetched, running }: Summary): readonly { from: Date; perSecond: number }[] {
  const now = Date.now();
  return fetched.map(({ from, bytes }) => {
    const start = from.getTime();
    const end = Math.min(now, start + 60_000);
    const underWay = running.reduce((sum, { live, last_updated }) => {
      const begun = Math.min(last_updated.getTime(), now - 1000);
      const overlap = Math.max(0, end - Math.max(start, begun));
      return sum + ((live?.progress?.bytes ?? 0) * overlap) / (now - begun);
    }, 0);
    const seconds = Math.max(1, (end - start) / 1000);
    return { from, perSecond: Math.round((bytes + underWay) / seconds) };
  });
}

export const getTemplateDeploymentSummary = defineCommand({
  name: 'getTemplateDeploymentSummary',
  description: 'Tells in numbers what runs, waits and failed, and how much was fetched in the last hour.',
  roles: EVERYBODY,
  parameters: {},
  object: 'templatedeploymentsummary',
  response: SUMMARY,
  async run(context) {
    const { db, caller } = context;
    const accountId = caller.role === 'admin' ? undefined : caller.accountId;
    const page = { limit: MAX_PAGE_SIZE, offset: 0 };
    const [counts, fetched, { rows }] = await Promise.all([
      countDeployments(db, accountId),
      fetchedByMinute(db, MINUTES, accountId),
      listDeployments(db, { accountId, state: 'Creating' }, page),
    ]);
    const live = await liveOf(context, rows);
    const running = rows.map((row) => {
      const known = live.get(workflowOf(row));
      return { last_updated: row.last_updated, ...(known === undefined ? {} : { live: known }) };
    });
    return answerOne('templatedeploymentsummary', SUMMARY, [{ ...counts, fetched, running }], caller);
  },
});
