/** Creates or updates the row of a host that joins. */
import { sql } from 'kysely';
import type { ResourceState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { reportedColumns } from './hosts.ts';
import type { JoinRequest } from '../../model/joining.ts';

export interface Place {
  readonly zone: number;
  readonly zoneId: string;
  readonly cluster: number;
  readonly clusterId: string;
}

/**
 * Finds the zone and the cluster that a host names, by name or UUID. Only operators create zones and clusters.
 * @throws NotPossible that names the zone or cluster that does not exist
 */
export async function findPlace(db: Queryable, request: JoinRequest): Promise<Place> {
  const zone = await db
    .selectFrom('data_center')
    .where('removed', 'is', null)
    .where(nameOrUuid(request.zone))
    .select(['id', 'uuid'])
    .executeTakeFirst();
  if (zone === undefined) {
    throw new NotPossible(
      `There is no zone '${request.zone}': make it with \`bypass zone create\`, or correct --zone`,
    );
  }
  const cluster = await db
    .selectFrom('cluster')
    .where('removed', 'is', null)
    .where('data_center_id', '=', zone.id)
    .where(nameOrUuid(request.cluster))
    .select(['id', 'uuid'])
    .executeTakeFirst();
  if (cluster === undefined) {
    throw new NotPossible(
      `Zone '${request.zone}' has no cluster '${request.cluster}': make it with \`bypass api addCluster\`, or correct --cluster`,
    );
  }
  return { zone: zone.id, zoneId: zone.uuid, cluster: cluster.id, clusterId: cluster.uuid };
}

const nameOrUuid = (text: string) => sql<boolean>`(name = ${text} or uuid::text = lower(${text}))`;

export interface KnownHost {
  readonly id: number;
  /** Numeric id of the zone. */
  readonly zone: number;
  readonly signingKey: string;
  readonly state: ResourceState;
  /** Time of the last join request, by the host's clock. */
  readonly joinedAt: Date | null;
  /** Run id of the workflow that admitted the host last. */
  readonly joinedRun: string | null;
}

/**
 * Reads and locks the row of a host; undefined when the host has not joined yet. Joins of one host run one after the other,
 * also the first ones, when there is no row to lock: else the second one finds the invite spent, and disables the host.
 */
export async function lockHost(tx: Queryable, hostId: string): Promise<KnownHost | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`join of host ${hostId}`}, 0))`.execute(tx);
  return tx
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select([
      'id',
      'data_center_id as zone',
      'signing_key as signingKey',
      'resource_state as state',
      'joined_at as joinedAt',
      'joined_run as joinedRun',
    ])
    .forUpdate()
    .executeTakeFirst();
}

/** Records what a host reports about itself, and the present time as `last_seen`. @returns the numeric id of the host */
export async function recordHost(
  tx: Queryable,
  { request, runId }: { readonly request: JoinRequest; readonly runId: string },
  place: Place,
  state: ResourceState,
): Promise<number> {
  const values = {
    name: request.name,
    private_ip_address: request.address,
    data_center_id: place.zone,
    cluster_id: place.cluster,
    resource_state: state,
    sealing_key: request.sealingKey,
    joined_at: request.at,
    joined_run: runId,
    ...reportedColumns(request.report),
    last_seen: sql<Date>`now()`,
  };
  const { id } = await tx
    .insertInto('host')
    .values({ uuid: request.hostId, signing_key: request.signingKey, ...values })
    .onConflict((conflict) => conflict.column('uuid').doUpdateSet(values))
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
