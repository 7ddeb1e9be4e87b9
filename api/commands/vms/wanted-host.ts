/** Where an administrator wants a machine. */
import { wantedHost } from '../../../db/vms/parts.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { findCluster } from '../../../db/zones/zones.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { clustersAsked, entity } from '../../fields/entities.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { requireAdminFor } from '../../server/admin-parameters.ts';

interface WantedValues {
  readonly hostid: string | undefined;
  readonly clusterid?: string | undefined;
  readonly podid?: string | undefined;
}

export interface WantedColumns {
  readonly wanted_host_id: number | null;
  readonly wanted_cluster_id: number | null;
}

/** @throws ApiError 531 for users, 431 for a host that cannot take the machine; in CloudStack's words */
export async function wantedColumns(
  context: CommandContext,
  zoneId: number,
  { hostid, clusterid, podid }: WantedValues,
): Promise<WantedColumns> {
  requireAdminFor(context, { podid, clusterid, hostid });
  const host = hostid === undefined ? undefined : await usableHost(context, zoneId, hostid);
  const clusters = await clustersAsked(context, { clusterid }, { podid });
  if (new Set(clusters).size > 1)
    throw badParameter('podid', 'and clusterid name different clusters; each cluster is a pod of its own.');
  const cluster = await clusterOf(context, clusters[0]);
  return { wanted_host_id: host?.id ?? null, wanted_cluster_id: cluster?.id ?? null };
}

const clusterOf = async ({ db }: CommandContext, uuid: string | undefined): Promise<Place | undefined> =>
  uuid === undefined ? undefined : findCluster(db, uuid);

/** @throws ApiError 431 */
export async function usableHost(context: CommandContext, zoneId: number, hostid: string) {
  const host = await entity(context, 'hostid', hostid, (uuid) => wantedHost(context.db, uuid));
  if (host.zoneId !== zoneId)
    throw badParameter('hostid', `names host '${host.name}', which is in another zone.`);
  if (host.usable) return host;
  throw new ApiError(
    apiCodes.parameter,
    `Unable to deploy the VM as the host: ${host.name} is not in the right state`,
    { parameter: 'hostid', hostId: host.uuid },
  );
}
