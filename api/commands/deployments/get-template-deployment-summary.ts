import { listDeployments } from '../../../db/copies/listing.ts';
import { countDeployments, type DeploymentCounts } from '../../../db/copies/summary.ts';
import { throughput, type Throughput } from '../../../db/copies/throughput.ts';
import { byMinute, MINUTE_MS } from '../../../model/throughput.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { MAX_PAGE_SIZE } from '../../fields/paging.ts';
import { answerOne, date, integer, listOf, long, type Shape } from '../../fields/response.ts';
import { type DeploymentView, liveOf, workflowOf } from '../../fields/answers/deployment.ts';

const MINUTES = 60;

interface Summary extends DeploymentCounts, Throughput {
  readonly running: readonly Pick<DeploymentView, 'live'>[];
}

interface MinuteRate {
  readonly from: Date;
  readonly perSecond: number;
}

const waits = ({ live }: Summary['running'][number]): boolean =>
  live?.wait !== undefined || live?.progress?.phase === 'waiting';
const rateOf = ({ running }: Summary): number =>
  running.reduce((sum, { live }) => sum + (live?.progress?.rate ?? 0), 0);

export const THROUGHPUT: Shape<MinuteRate> = {
  time: date('when the minute began', ({ from }) => from),
  rate: long('bytes per second', ({ perSecond }) => perSecond),
};

export const SUMMARY: Shape<Summary> = {
  running: integer('how many are under way', ({ running }) => running.filter((one) => !waits(one)).length),
  waiting: integer(
    'how many wait, for room, time or their turn',
    ({ running }) => running.filter(waits).length,
  ),
  failed: integer('how many have failed', ({ byState }) => byState.Failed ?? 0),
  failedlastday: integer('how many failed in the last day', ({ failedLately }) => failedLately),
  ready: integer('how many are there', ({ byState }) => byState.Ready ?? 0),
  rate: long('bytes per second of all together, now', rateOf),
  throughput: listOf(
    THROUGHPUT,
    `bytes per second in each of the last ${MINUTES} minutes, the oldest first; one that is over stays as it is`,
    throughputOf,
  ),
};

/** Bytes per minute: the counted minutes, which no longer change, and the bytes that arrived since the last count. */
function throughputOf({ counted, uncounted }: Summary): readonly MinuteRate[] {
  const now = Date.now();
  const fresh = uncounted.map(byMinute);
  return counted.map(({ from, bytes }) => {
    const start = from.getTime();
    const more = fresh.reduce((sum, minutes) => sum + (minutes.get(start) ?? 0), 0);
    const seconds = Math.max(1, (Math.min(now, start + MINUTE_MS) - start) / 1000);
    return { from, perSecond: Math.round((bytes + more) / seconds) };
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
    const [counts, { rows }] = await Promise.all([
      countDeployments(db, accountId),
      listDeployments(db, { accountId, state: 'Creating' }, page),
    ]);
    const live = await liveOf(context, rows);
    const running = rows.map((row) => {
      const known = live.get(workflowOf(row));
      return known === undefined ? {} : { live: known };
    });
    const fetches = running.flatMap(({ live: known }) => known?.fetch ?? []);
    const fetched = await throughput(db, MINUTES, { accountId, running: fetches });
    return answerOne('templatedeploymentsummary', SUMMARY, [{ ...counts, ...fetched, running }], caller);
  },
});
