/** A deployment (one template on one pool) as the API shows it: its row, and its live progress from Temporal. */
import type { User } from '../../../db/accounts/accounts.ts';
import type { Queryable } from '../../../db/database.ts';
import {
  type AttemptRow,
  attemptsOf,
  type DeploymentListRow,
  hostNames,
} from '../../../db/copies/listing.ts';
import { copyWorkflowId } from '../../../model/names.ts';
import { withHost } from '../../../model/failures.ts';
import { adviceOn } from '../../../model/job-errors.ts';
import { percent } from '../../../model/progress.ts';
import { isPeerUrl, peerHostOf } from '../../../model/spread.ts';
import { type CopyState, TEMPLATE_FORMATS } from '../../../model/states.ts';
import type { LiveCopy } from '../../../orchestration/live.ts';
import type { CopyId } from '../../../orchestration/orchestration.ts';
import { inTime } from '../../server/temporal-deadline.ts';
import type { CommandContext } from '../../server/command.ts';
import { asApiError } from '../../server/known-errors.ts';
import { groupBy } from '../group-by.ts';
import { inspection } from './inspection.ts';
import { date, forAdmins, integer, listOf, long, oneOf, optional, type Shape, string } from '../response.ts';

/** Names of hosts that gave bytes, by their UUIDs. */
type PeerNames = ReadonlyMap<string, string>;

export interface DeploymentView extends DeploymentListRow {
  readonly attempts: readonly AttemptRow[];
  readonly peers: PeerNames;
  /** The host that works on the deployment, or did last. */
  readonly host?: { readonly id: string | undefined; readonly name: string };
  readonly live?: LiveCopy;
}

/** The states that answers show, and by which lists can be filtered. */
export const DEPLOYMENT_STATES = [
  'Allocated',
  'Creating',
  'Ready',
  'Destroying',
  'Failed',
] as const satisfies readonly CopyState[];

/** The newest tries of a deployment that an answer shows. */
const MAX_ATTEMPTS = 20;

export const workflowOf = (row: DeploymentListRow): string =>
  copyWorkflowId(row.template_uuid, row.pool_uuid);

const isDownloaded = ({ download_state }: DeploymentView): boolean => download_state === 'DOWNLOADED';

function percentOf(view: DeploymentView): number {
  return isDownloaded(view) ? 100 : percent(bytesOf(view), totalOf(view));
}

/** Without a running download: the kept bytes, from which the next download resumes. */
const bytesOf = (view: DeploymentView): number =>
  isDownloaded(view) ? view.template_size : view.live?.progress?.bytes || view.kept_bytes;

const totalOf = (view: DeploymentView): number =>
  isDownloaded(view) ? view.template_size : view.live?.progress?.total || view.expected_size;

const sourceOf = (view: DeploymentView, caller: Viewer): string | undefined => {
  const source = view.live?.progress?.source || view.attempts.at(-1)?.source;
  return source === undefined ? undefined : shownSource({ source, peers: view.peers }, caller);
};

type Viewer = Pick<User, 'role'>;

/** Only administrators see which host gave the bytes. */
function shownSource(
  { source, peers }: { readonly source: string; readonly peers: PeerNames },
  { role }: Viewer,
): string {
  if (!isPeerUrl(source)) return source;
  const hostId = peerHostOf(source) ?? '';
  return role === 'admin' ? `host ${peers.get(hostId) ?? hostId}` : 'another host';
}

type ShownAttempt = Omit<AttemptRow, 'id' | 'copy_id' | 'host_id' | 'sequence'> & {
  readonly peers: PeerNames;
};

/** The tries of the running attempt, from Temporal: they are recorded in the database only when the attempt ends. */
function runningTries({ live, host, attempts, peers }: DeploymentView): readonly ShownAttempt[] {
  const { attempt } = live?.progress ?? {};
  if (attempt === undefined || attempts.some(({ uuid }) => uuid === attempt.id)) return [];
  return attempt.tries.map(({ source, startedAt, endedAt, bytes, failure, note }) => ({
    uuid: attempt.id,
    host_uuid: host?.id ?? null,
    host_name: host?.name ?? '',
    source,
    started: new Date(startedAt),
    ended: new Date(endedAt),
    bytes,
    failure_kind: failure?.kind ?? null,
    error_str: failure?.message ?? null,
    note: note ?? null,
    evidence: null,
    peers,
  }));
}

const adviceOf = (kind: string | null): string | undefined => (kind === null ? undefined : adviceOn(kind));

export const ATTEMPT: Shape<ShownAttempt> = {
  id: string('the id of the download that it belongs to', ({ uuid }) => uuid),
  hostid: forAdmins(optional.string('the id of the host', ({ host_uuid }) => host_uuid)),
  hostname: forAdmins(string('the name of the host', ({ host_name }) => host_name)),
  source: string('the URL, or the host that gave it', shownSource),
  started: date('when it began', ({ started }) => started),
  ended: date('when it ended', ({ ended }) => ended),
  bytes: long('bytes that came', ({ bytes }) => bytes),
  errorkind: optional.string('what went wrong, as one word', ({ failure_kind }) => failure_kind),
  advice: optional.string('what can be done about it', ({ failure_kind }) => adviceOf(failure_kind)),
  error: optional.string('what went wrong', ({ error_str }) => error_str),
  note: optional.string('why it began anew', ({ note }) => note),
  inspection: inspection(
    'what was seen of an image that was refused',
    ({ evidence }) => evidence,
    () => 'refused',
  ),
};

export const DEPLOYMENT: Shape<DeploymentView> = {
  id: string('the id of the copy', ({ uuid }) => uuid),
  templateid: string('the id of the template or ISO', ({ template_uuid }) => template_uuid),
  templatename: string('the name of the template or ISO', ({ template_name }) => template_name),
  format: oneOf(TEMPLATE_FORMATS, 'QCOW2, RAW or ISO', ({ format }) => format),
  zoneid: string('the id of the zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone', ({ zone_name }) => zone_name),
  storageid: forAdmins(string('the id of the pool', ({ pool_uuid }) => pool_uuid)),
  storagename: string('the name of the pool', ({ pool_name }) => pool_name),
  state: oneOf(DEPLOYMENT_STATES, 'Allocated, Creating, Ready, Destroying or Failed', ({ state }) => state),
  downloadstate: string(
    'NOT_DOWNLOADED, DOWNLOAD_IN_PROGRESS, DOWNLOADED or DOWNLOAD_ERROR',
    (view) => view.download_state,
  ),
  percent: integer('how much of it is there', percentOf),
  bytes: long('bytes of it that are there', bytesOf),
  total: long('bytes of the whole', totalOf),
  rate: optional.long('bytes per second, while it downloads', ({ live }) => live?.progress?.rate),
  phase: optional.string('what is being done', ({ live }) => live?.progress?.phase),
  ahead: optional.integer('how many downloads of the host go before it', ({ live }) => live?.progress?.ahead),
  hostid: forAdmins(
    optional.string('the id of the host that works on it, or did last', ({ host }) => host?.id),
  ),
  hostname: forAdmins(
    optional.string('the name of the host that works on it, or did last', ({ host }) => host?.name),
  ),
  source: optional.string('the URL or host that it comes from, or came from last', sourceOf),
  sourcehostid: forAdmins(
    optional.string(
      'the id of the host that it comes from, or came from; absent: from the origin',
      ({ parent_host_uuid }) => parent_host_uuid,
    ),
  ),
  sourcehostname: forAdmins(
    optional.string('the name of that host', ({ parent_host_name }) => parent_host_name),
  ),
  sourcedeploymentid: optional.string(
    'the id of the copy that it is taken from',
    ({ parent_uuid }) => parent_uuid,
  ),
  depth: optional.integer('how many hosts are between it and the origin', ({ depth }) => depth),
  originbytes: long('bytes that the origin has sent for it', ({ origin_bytes }) => origin_bytes),
  peerbytes: long('bytes that other hosts have sent for it', ({ peer_bytes }) => peer_bytes),
  copyinghosts: integer(
    'how many hosts are copying it from here now',
    ({ copying_hosts }) => copying_hosts.length,
  ),
  copyinghostnames: forAdmins(
    optional.string('the names of these hosts', ({ copying_hosts }) => copying_hosts.join(', ') || undefined),
  ),
  error: optional.string('why it failed', ({ error_str, error_host }, { role }) =>
    error_str !== null && role === 'admin' ? withHost(error_str, error_host) : error_str,
  ),
  errorkind: optional.string('why it failed, as one word', ({ error_kind }) => error_kind),
  advice: optional.string('what can be done about it', ({ error_kind }) => adviceOf(error_kind)),
  waitreason: optional.string('why it waits', ({ live }, { role }) =>
    role === 'admin' ? live?.wait?.reason : (live?.wait?.publicReason ?? live?.wait?.reason),
  ),
  nexttry: optional.date('when it tries again', ({ live }) =>
    live?.wait === undefined ? undefined : new Date(live.wait.until),
  ),
  attempts: listOf(ATTEMPT, `the last ${MAX_ATTEMPTS} tries, oldest first`, (view) =>
    [...view.attempts.map((attempt) => ({ ...attempt, peers: view.peers })), ...runningTries(view)].slice(
      -MAX_ATTEMPTS,
    ),
  ),
  attemptcount: integer('how many downloads were begun', ({ attempt_count, live }) =>
    Math.max(attempt_count, live?.attempt ?? 0),
  ),
  workflowid: forAdmins(string('its workflow in Temporal', workflowOf)),
  installpath: forAdmins(optional.string('its file within the pool', ({ install_path }) => install_path)),
  localpath: forAdmins(
    optional.string('its file on the host that downloaded it', ({ local_path }) => local_path),
  ),
  size: optional.long('bytes of its file', (view) => (isDownloaded(view) ? view.template_size : undefined)),
  physicalsize: optional.long(
    'bytes that its file takes on disk',
    ({ physical_size }) => physical_size || undefined,
  ),
  sha256: optional.string('the SHA-256 of its file', ({ sha256 }) => sha256),
  verified: optional.date(
    'when its file was last found to be the image that was published',
    ({ verified }) => verified,
  ),
  inspection: inspection(
    'what the inspection of its file found',
    ({ evidence }) => evidence,
    () => 'accepted',
  ),
  cancelledby: optional.string('who stopped it', ({ cancelled_by }) => cancelled_by),
  created: date('when it was asked for first', ({ created }) => created),
  lastupdated: date('when its state changed last', ({ last_updated }) => last_updated),
};

/** Adds tries, host and progress to each row; the number of queries does not depend on the number of rows. */
export async function viewDeployments(
  db: Queryable,
  rows: readonly DeploymentListRow[],
  live: ReadonlyMap<string, LiveCopy>,
): Promise<readonly DeploymentView[]> {
  const tries = await attemptsOf(
    db,
    rows.map(({ id }) => id),
    MAX_ATTEMPTS,
  );
  const attempts = groupBy(tries, ({ copy_id }) => copy_id);
  const running = [...live.values()];
  const sources = [...tries.map(({ source }) => source), ...running.flatMap(sourcesOf)];
  const names = await hostNames(db, [
    ...new Set([
      ...running.flatMap(({ hostId }) => hostId ?? []),
      ...sources.flatMap((source) => peerHostOf(source) ?? []),
    ]),
  ]);
  return rows.map((row) => {
    const itsRun = live.get(workflowOf(row));
    const own = attempts.get(row.id) ?? [];
    const host = hostOf(itsRun, own.at(-1), names);
    return {
      ...row,
      attempts: own,
      peers: names,
      ...(itsRun === undefined ? {} : { live: itsRun }),
      ...(host === undefined ? {} : { host }),
    };
  });
}

/** Sources that a running download names. */
const sourcesOf = ({ progress }: LiveCopy): readonly string[] =>
  progress === undefined
    ? []
    : [progress.source, ...(progress.attempt?.tries ?? []).map(({ source }) => source)];

function hostOf(
  live: LiveCopy | undefined,
  last: AttemptRow | undefined,
  names: ReadonlyMap<string, string>,
): DeploymentView['host'] {
  if (live?.hostId !== undefined) return { id: live.hostId, name: names.get(live.hostId) ?? live.hostId };
  return last === undefined ? undefined : { id: last.host_uuid ?? undefined, name: last.host_name };
}

/** The progress of the deployments under way, from Temporal. */
export const liveOf = (
  context: CommandContext,
  rows: readonly DeploymentListRow[],
): Promise<ReadonlyMap<string, LiveCopy>> =>
  liveCopies(
    context,
    rows.filter(isUnderWay).map((row) => ({ templateId: row.template_uuid, poolId: row.pool_uuid })),
  );

/** The open workflows of these copies. Empty when Temporal does not answer: lists work without it. */
export async function liveCopies(
  context: CommandContext,
  copies: readonly CopyId[],
): Promise<ReadonlyMap<string, LiveCopy>> {
  if (copies.length === 0) return new Map();
  try {
    return await inTime(context, context.orchestration.live(copies));
  } catch (error) {
    if (asApiError(error) === undefined) throw error;
    context.log.warn({ err: error }, 'how far deployments are is not known: Temporal does not answer');
    return new Map();
  }
}

const isUnderWay = ({ state }: DeploymentListRow): boolean => state !== 'Ready' && state !== 'Failed';
