/** A host's row, as its joining makes or changes it. */
import { sql } from 'kysely';
import type { JoinRequest } from '../model/payloads.ts';
import type { ResourceState } from '../model/states.ts';
import type { Queryable } from './database.ts';
import { NotPossible } from './errors.ts';

export interface Place {
  readonly zone: number;
  readonly zoneId: string;
  readonly cluster: number;
  readonly clusterId: string;
}

/**
 * The zone and the cluster that a host says it belongs to, by name or UUID. Operators make them, hosts never.
 * @throws NotPossible naming the one that does not exist
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
  /** Numeric id of its zone. */
  readonly zone: number;
  readonly signingKey: string;
  readonly state: ResourceState;
  /** When it asked to join the last time, by its own clock. */
  readonly joinedAt: Date | null;
  /** The run of the workflow that let it. */
  readonly joinedRun: string | null;
}

/** The row of a host, locked; undefined when it has not joined yet. */
export const lockHost = (tx: Queryable, hostId: string): Promise<KnownHost | undefined> =>
  tx
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

/** Writes what a host says of itself; it is seen now. @returns its numeric id */
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
    version: request.report.version,
    programs: JSON.stringify(request.report.programs),
    problems: JSON.stringify(request.report.problems ?? []),
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
