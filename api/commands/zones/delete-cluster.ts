import { recordCallerEvent } from '../../server/caller-event.ts';
import { isEmpty, removeCluster } from '../../../db/zones/zone-removal.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { clusterNamed } from '../../fields/entities.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { stillOccupied } from './zones.ts';

export const deleteCluster = defineCommand({
  name: 'deleteCluster',
  since: '0.2.0',
  description: 'Removes a cluster without hosts and storage pools, and the pod that it is in.',
  roles: ADMINS,
  parameters: { id: required(id('the cluster')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const cluster = await clusterNamed(context, 'id', values.id);
    const occupants = await removeCluster(db, cluster.id);
    if (!isEmpty(occupants)) throw stillOccupied(`Cluster '${cluster.name}'`, occupants);
    const text = `Cluster '${cluster.name}' was removed`;
    await recordCallerEvent(
      { db, caller },
      {
        type: 'CLUSTER.DELETE',
        description: text,
        resourceType: 'Cluster',
        resourceUuid: cluster.uuid,
      },
    );
    return render(SUCCESS, { text }, caller);
  },
});
