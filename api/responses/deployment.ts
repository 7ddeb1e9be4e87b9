/** A deployment, one template on one pool, as the API shows it: what the database and Temporal know of it. */
import type { Queryable } from '../../db/database.ts';
import {
  type AttemptRow,
  attemptsOf,
  type DeploymentListRow,
  hostNames,
} from '../../db/listings/deployments.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { percent } from '../../model/progress.ts';
import type { CopyState } from '../../model/states.ts';
import type { LiveCopy } from '../../orchestration/client.ts';
import { inTime } from '../background.ts';
import type { CommandContext } from '../command.ts';
import { explain } from '../explain.ts';
import { groupBy } from '../group-by.ts';
import { inspectionShown } from '../inspection.ts';
import { date, forAdmins, formatDate, integer, list, long, map, type Shape, string } from '../response.ts';

export interface DeploymentView extends DeploymentListRow {
  readonly attempts: readonly AttemptRow[];
  /** The host that works on it, or did last. */
  readonly host?: { readonly id: string | undefined; readonly name: string };
  readonly live?: LiveCopy;
}

/** Those that lists can be asked for. */
export const DEPLOYMENT_STATES = [
  'Allocated',
  'Creating',
  'Ready',
  'Destroying',
  'Failed',
] as const satisfies readonly CopyState[];

/** Tries that are shown of one deployment. */
const ATTEMPTS_SHOWN = 20;

export const workflowOf = (row: DeploymentListRow): string =>
  copyWorkflowId(row.template_uuid, row.pool_uuid);

const isThere = ({ download_state }: DeploymentView): boolean => download_state === 'DOWNLOADED';

function percentOf(view: DeploymentView): number {
  if (isThere(view)) return 100;
  const progress = view.live?.progress;
  return progress === undefined ? view.download_pct : percent(progress.bytes, progress.total);
}

const bytesOf = (view: DeploymentView): number =>
  isThere(view) ? view.template_size : (view.live?.progress?.bytes ?? 0);

const totalOf = (view: DeploymentView): number =>
  isThere(view) ? view.template_size : view.live?.progress?.total || view.expected_size;

const sourceOf = ({ live, attempts }: DeploymentView): string | undefined =>
  live?.progress?.source || attempts.at(-1)?.source;

const attemptsShown = ({ attempts }: DeploymentView, admin: boolean): readonly unknown[] =>
  attempts.map((attempt) => ({
    id: attempt.uuid,
    ...(admin ? { hostid: attempt.host_uuid ?? undefined, hostname: attempt.host_name } : {}),
    source: attempt.source,
    started: formatDate(attempt.started),
    ended: formatDate(attempt.ended),
    bytes: attempt.bytes,
    errorkind: attempt.failure_kind ?? undefined,
    error: attempt.error_str ?? undefined,
    note: attempt.note ?? undefined,
    inspection: inspectionShown(attempt.evidence, 'refused'),
  }));

export const DEPLOYMENT: Shape<DeploymentView> = {
  id: string('the id of the copy', ({ uuid }) => uuid),
  templateid: string('the id of the template or ISO', ({ template_uuid }) => template_uuid),
  templatename: string('the name of the template or ISO', ({ template_name }) => template_name),
  format: string('QCOW2, RAW or ISO', ({ format }) => format),
  zoneid: string('the id of the zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone', ({ zone_name }) => zone_name),
  storageid: forAdmins(string('the id of the pool', ({ pool_uuid }) => pool_uuid)),
  storagename: string('the name of the pool', ({ pool_name }) => pool_name),
  state: string('Allocated, Creating, Ready, Destroying or Failed', ({ state }) => state),
  downloadstate: string(
    'NOT_DOWNLOADED, DOWNLOAD_IN_PROGRESS, DOWNLOADED or DOWNLOAD_ERROR',
    (view) => view.download_state,
  ),
  percent: integer('how much of it is there', percentOf),
  bytes: long('bytes of it that are there', bytesOf),
  total: long('bytes of the whole', totalOf),
  rate: long('bytes per second, while it downloads', ({ live }) => live?.progress?.rate),
  phase: string('what is being done', ({ live }) => live?.progress?.phase),
  ahead: integer('how many downloads of the host go before it', ({ live }) => live?.progress?.ahead),
  hostid: forAdmins(string('the id of the host that works on it, or did last', ({ host }) => host?.id)),
  hostname: forAdmins(string('the name of the host that works on it, or did last', ({ host }) => host?.name)),
  source: string('the URL that it comes from, or came from last', sourceOf),
  error: string('why it failed', ({ error_str }) => error_str),
  waitreason: string('why it waits', ({ live }) => live?.wait?.reason),
  nexttry: date('when it tries again', ({ live }) =>
    live?.wait === undefined ? undefined : new Date(live.wait.until),
  ),
  attempts: list(`the last ${ATTEMPTS_SHOWN} tries, oldest first`, (view, caller) =>
    attemptsShown(view, caller.role === 'admin'),
  ),
  attemptcount: integer('how many downloads were begun', ({ attempt_count, live }) =>
    Math.max(attempt_count, live?.attempt ?? 0),
  ),
  workflowid: forAdmins(string('its workflow in Temporal', workflowOf)),
  installpath: forAdmins(string('its file within the pool', ({ install_path }) => install_path)),
  localpath: forAdmins(string('its file on the host that downloaded it', ({ local_path }) => local_path)),
  size: long('bytes of its file', (view) => (isThere(view) ? view.template_size : undefined)),
  physicalsize: long('bytes that its file takes on disk', ({ physical_size }) => physical_size || undefined),
  sha256: string('the SHA-256 of its file', ({ sha256 }) => sha256),
  inspection: map('what the inspection of its file found', ({ evidence }) =>
    inspectionShown(evidence, 'accepted'),
  ),
  cancelledby: string('who stopped it', ({ cancelled_by }) => cancelled_by),
  created: date('when it was asked for first', ({ created }) => created),
  lastupdated: date('when its state changed last', ({ last_updated }) => last_updated),
};

/** Adds to rows what belongs to them; the number of queries is the same for any number of rows. */
export async function viewDeployments(
  db: Queryable,
  rows: readonly DeploymentListRow[],
  live: ReadonlyMap<string, LiveCopy>,
): Promise<readonly DeploymentView[]> {
  const tries = await attemptsOf(
    db,
    rows.map(({ id }) => id),
    ATTEMPTS_SHOWN,
  );
  const attempts = groupBy(tries, ({ copy_id }) => copy_id);
  const names = await hostNames(
    db,
    [...live.values()].flatMap(({ hostId }) => hostId ?? []),
  );
  return rows.map((row) => {
    const running = live.get(workflowOf(row));
    const own = attempts.get(row.id) ?? [];
    const host = hostOf(running, own.at(-1), names);
    return {
      ...row,
      attempts: own,
      ...(running === undefined ? {} : { live: running }),
      ...(host === undefined ? {} : { host }),
    };
  });
}

function hostOf(
  live: LiveCopy | undefined,
  last: AttemptRow | undefined,
  names: ReadonlyMap<string, string>,
): DeploymentView['host'] {
  if (live?.hostId !== undefined) return { id: live.hostId, name: names.get(live.hostId) ?? live.hostId };
  return last === undefined ? undefined : { id: last.host_uuid ?? undefined, name: last.host_name };
}

/** What Temporal knows of those that are under way; nothing when it does not answer: a list is shown all the same. */
export async function liveOf(
  context: CommandContext,
  rows: readonly DeploymentListRow[],
): Promise<ReadonlyMap<string, LiveCopy>> {
  const copies = rows
    .filter(isUnderWay)
    .map((row) => ({ templateId: row.template_uuid, poolId: row.pool_uuid }));
  if (copies.length === 0) return new Map();
  try {
    return await inTime(context, context.orchestration.live(copies));
  } catch (error) {
    if (explain(error) === undefined) throw error;
    context.log.warn({ err: error }, 'how far deployments are is not known: Temporal does not answer');
    return new Map();
  }
}

const isUnderWay = ({ state }: DeploymentListRow): boolean => state !== 'Ready' && state !== 'Failed';
