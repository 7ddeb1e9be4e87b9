import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listClusters } from '../../../db/zones/listing.ts';
import { updateCluster as writeCluster } from '../../../db/zones/zones.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { clusterNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { choice, id, name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { CLUSTER } from '../../fields/answers/places.ts';
import { clusterParameters, renamed } from './zones.ts';

export const updateCluster = defineCommand({
  name: 'updateCluster',
  since: '0.2.0',
  description: 'Changes a cluster. Hosts that name it in --cluster need a new name before their next start.',
  roles: ADMINS,
  parameters: {
    id: required(id('the cluster')),
    clustername: name('another name; its pod has the same'),
    managedstate: choice('the state: Managed', ['Managed']),
    ...clusterParameters,
  },
  object: 'cluster',
  response: CLUSTER,
  async run(context, { id: given, clustername, allocationstate }) {
    const { db, caller } = context;
    const cluster = await clusterNamed(context, 'id', given);
    await db.transaction().execute(async (tx) => {
      const changes = { name: clustername, allocationState: allocationstate };
      const updated = await writeCluster(tx, cluster.id, changes).catch((error: unknown) => {
        throw error instanceof AlreadyExists
          ? badParameter('clustername', `is taken: ${error.message}.`)
          : error;
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'CLUSTER.UPDATE',
          description: `Cluster '${cluster.name}' was changed${renamed(cluster.name, updated.name)}`,
          resourceType: 'Cluster',
          resourceUuid: cluster.uuid,
        },
      );
    });
    const { rows } = await listClusters(db, { ids: [cluster.uuid] }, { limit: 1, offset: 0 });
    return answerOne('cluster', CLUSTER, rows, caller);
  },
});
