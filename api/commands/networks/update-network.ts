import { findNetworkOffering, offeringOfNetwork } from '../../../db/networks/network-offerings.ts';
import { type Network, updateNetwork as writeNetwork } from '../../../db/networks/networks.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter, forbiddenParameter } from '../../server/errors.ts';
import { instantJob } from '../../server/instant-job.ts';
import { entity } from '../../fields/entities.ts';
import { id, name, orNull, refused, required, text } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { renamed } from '../zones/zones.ts';
import { answerNetwork, checkHostNetwork, hostNetwork, ownNetwork } from './networks.ts';

export const updateNetwork = defineCommand({
  name: 'updateNetwork',
  since: '0.2.0',
  description: 'Changes a network. Machines in it take another network of hosts at their next start.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the network')),
    name: name('another name'),
    displaytext: text('another description'),
    networkdomain: text('another domain of the names in it; none when empty'),
    networkofferingid: id('another offering of the same type and VLAN; for administrators'),
    hostnetwork: hostNetwork,
    guestvmcidr: refused('Bypass gives no addresses'),
  },
  response: JOB,
  async run(context, values) {
    const { db, caller } = context;
    const network = await ownNetwork(context, 'id', values.id);
    checkHostNetwork(context, values.hostnetwork);
    const offeringId = await otherOffering(context, network, values.networkofferingid);
    await db.transaction().execute(async (tx) => {
      await writeNetwork(tx, network.id, {
        name: values.name,
        display_text: values.displaytext,
        network_domain: orNull(values.networkdomain),
        network_offering_id: offeringId,
        host_network: orNull(values.hostnetwork),
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'NETWORK.UPDATE',
          description: `Network '${network.name}' was changed${renamed(network.name, values.name ?? network.name)}`,
          resourceType: 'Network',
          resourceUuid: network.uuid,
        },
      );
    });
    const result = await answerNetwork(context, network.uuid);
    const jobid = await instantJob(context, { type: 'Network', uuid: network.uuid }, result);
    return render(JOB, { jobid }, caller);
  },
});

/** @returns undefined when the offering stays. @throws ApiError 431 for one of another kind, 531 for users */
async function otherOffering(
  context: CommandContext,
  network: Network,
  given: string | undefined,
): Promise<number | undefined> {
  if (given === undefined) return undefined;
  const { db, caller } = context;
  const offering = await entity(context, 'networkofferingid', given, (uuid) => findNetworkOffering(db, uuid));
  if (offering.id === network.network_offering_id) return undefined;
  if (caller.role !== 'admin')
    throw forbiddenParameter('networkofferingid', 'is another one, which only administrators may give.');
  const before = await offeringOfNetwork(db, network);
  if (
    offering.state !== 'Enabled' ||
    offering.guest_type !== before.guest_type ||
    offering.specify_vlan !== before.specify_vlan
  )
    throw badParameter(
      'networkofferingid',
      `is '${offering.name}'; give one that is enabled, of type ${before.guest_type}, and ${before.specify_vlan ? 'with' : 'without'} specifyvlan.`,
    );
  return offering.id;
}
