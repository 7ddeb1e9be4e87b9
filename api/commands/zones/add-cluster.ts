import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listClusters } from '../../../db/zones/listing.ts';
import { createCluster } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { id, name, required } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { CLUSTER } from '../../fields/answers/places.ts';
import { clusterParameters } from './zones.ts';

export const addCluster = defineCommand({
  name: 'addCluster',
  description: 'Makes a cluster in a zone.',
  roles: ADMINS,
  parameters: {
    clustername: required(name('the name')),
    zoneid: required(id('the zone')),
    ...clusterParameters,
  },
  objects: 'cluster',
  response: CLUSTER,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    const made = await db.transaction().execute(async (tx) => {
      const cluster = await createCluster(tx, {
        zoneId: zone.id,
        name: values.clustername,
        allocationState: values.allocationstate,
      }).catch((error: unknown) => {
        throw error instanceof AlreadyExists
          ? badParameter('clustername', `is taken: ${error.message}.`)
          : error;
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'CLUSTER.CREATE',
          description: `Cluster '${cluster.name}' was made in zone '${zone.name}'`,
          resourceType: 'Cluster',
          resourceUuid: cluster.uuid,
        },
      );
      return cluster;
    });
    const listing = await listClusters(db, { ids: [made.uuid] }, { limit: 1, offset: 0 });
    return answerList('cluster', CLUSTER, listing, caller);
  },
});
