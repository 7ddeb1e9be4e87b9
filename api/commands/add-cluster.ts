import { AlreadyExists } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { listClusters } from '../../db/listings/zones.ts';
import { createCluster } from '../../db/zones.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { zoneNamed } from '../entities.ts';
import { badParameter } from '../errors.ts';
import { choice, id, name, required } from '../parameters.ts';
import { answerList } from '../response.ts';
import { CLUSTER } from '../responses/places.ts';

export const addCluster = defineCommand({
  name: 'addCluster',
  description: 'Makes a cluster in a zone.',
  roles: ADMINS,
  parameters: {
    clustername: required(name('the name')),
    zoneid: required(id('the zone')),
    hypervisor: choice('the hypervisor: KVM', ['KVM']),
    clustertype: choice('the type: CloudManaged', ['CloudManaged']),
  },
  objects: 'cluster',
  response: CLUSTER,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    const made = await db.transaction().execute(async (tx) => {
      const cluster = await createCluster(tx, { zoneId: zone.id, name: values.clustername }).catch(
        (error: unknown) => {
          throw error instanceof AlreadyExists
            ? badParameter('clustername', `is taken: ${error.message}.`)
            : error;
        },
      );
      await recordEvent(tx, {
        type: 'CLUSTER.CREATE',
        description: `Cluster '${cluster.name}' was made in zone '${zone.name}'`,
        userUuid: caller.userUuid,
        accountUuid: caller.accountUuid,
        resourceType: 'Cluster',
        resourceUuid: cluster.uuid,
      });
      return cluster;
    });
    const listing = await listClusters(db, { ids: [made.uuid] }, { limit: 1, offset: 0 });
    return answerList('cluster', CLUSTER, listing, caller);
  },
});
