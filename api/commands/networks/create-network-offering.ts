import { createNetworkOffering as insertOffering } from '../../../db/networks/network-offerings.ts';
import type { NetworkService } from '../../../db/networks/tables.ts';
import { GUEST_TYPES, type GuestType } from '../../../model/vms.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import {
  choice,
  flag,
  integer,
  list,
  map,
  type MapEntry,
  name,
  refused,
  required,
  text,
} from '../../fields/parameters.ts';
import { INTERNET_PROTOCOL, NETWORK_OFFERING } from '../../fields/answers/network.ts';
import { checkDomains } from '../offerings/offerings.ts';
import { answerNetworkOffering, availability } from './network-offerings.ts';

export const createNetworkOffering = defineCommand({
  name: 'createNetworkOffering',
  since: '0.2.0',
  description: 'Makes a network offering. It is disabled until updateNetworkOffering enables it.',
  roles: ADMINS,
  parameters: {
    name: required(name('the name')),
    displaytext: text('the description; the name when absent'),
    guestiptype: required(choice('L2, or Shared', [...GUEST_TYPES, 'Isolated'])),
    traffictype: required(choice('Guest', ['Guest'])),
    enable: flag('true: it can be used at once'),
    specifyvlan: flag('whether its networks may name a VLAN'),
    specifyipranges: flag('whether its networks may name addresses'),
    availability,
    conservemode: flag(
      'whether addresses may have several services; kept for other clients; true when absent',
    ),
    ispersistent: flag('whether its networks exist without machines; kept for other clients'),
    networkrate: integer('megabits per second of a network card; 0 for no limit'),
    maxconnections: integer('connections at most; kept for other clients'),
    tags: text('tags; kept for other clients'),
    supportedservices: list('names of services; kept for other clients: Bypass provides none'),
    serviceproviderlist: map(
      'their providers, as serviceproviderlist[0].service and serviceproviderlist[0].provider; kept for other clients',
      ['service', 'provider'],
    ),
    internetprotocol: choice(
      'IPv4, which is also taken when it is absent, or DualStack; kept for other clients',
      ['IPv4', 'DualStack'],
    ),
    egressdefaultpolicy: flag(
      'whether traffic out is allowed by default; kept for other clients: Bypass has no firewall',
    ),
    details: map('details, as details[0].key=value'),
    domainid: list('the domains that it is for; there is one, ROOT'),
    zoneid: refused('network offerings are of every zone', 'all'),
    forvpc: refused('there are no VPCs here', 'false'),
    serviceofferingid: refused('there are no virtual routers here'),
    networkmode: refused('there are no virtual routers here'),
    routingmode: refused('there are no virtual routers here'),
    specifyasnumber: refused('there are no virtual routers here', 'false'),
    fornsx: refused('there is no NSX here', 'false'),
  },
  object: 'networkoffering',
  response: NETWORK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const guestType = guestTypeOf(values.guestiptype);
    const services = servicesOf(values.supportedservices, values.serviceproviderlist);
    await checkDomains(context, values.domainid);
    const details = [
      ...(values.details ?? []),
      ...(values.internetprotocol === undefined
        ? []
        : [{ key: INTERNET_PROTOCOL, value: values.internetprotocol }]),
    ];
    const uuid = await db.transaction().execute(async (tx) => {
      const made = await insertOffering(tx, {
        name: values.name,
        display_text: values.displaytext || values.name,
        guest_type: guestType,
        traffic_type: values.traffictype,
        state: values.enable === true ? 'Enabled' : 'Disabled',
        specify_vlan: values.specifyvlan,
        specify_ip_ranges: values.specifyipranges,
        availability: values.availability,
        conserve_mode: values.conservemode,
        is_persistent: values.ispersistent,
        egress_default_policy: values.egressdefaultpolicy,
        network_rate: values.networkrate || null,
        max_connections: values.maxconnections ?? null,
        tags: values.tags || null,
        services: JSON.stringify(services),
        details: JSON.stringify(Object.fromEntries(details.map(({ key, value }) => [key, value]))),
      });
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'NETWORK.OFFERING.CREATE',
          description: `Network offering '${values.name}' was made`,
          resourceType: 'NetworkOffering',
          resourceUuid: made,
        },
      );
      return made;
    });
    return answerNetworkOffering(context, uuid);
  },
});

/** @throws ApiError 431 for Isolated */
function guestTypeOf(given: GuestType | 'Isolated'): GuestType {
  if (given !== 'Isolated') return given;
  throw badParameter(
    'guestiptype',
    'is Isolated, which needs a virtual router, and Bypass has none: give L2 for a network of one account, or Shared for one of everybody.',
  );
}

/** @throws ApiError 431 for the provider of a service that is not named */
function servicesOf(
  names: readonly string[] | undefined,
  providers: readonly MapEntry[] | undefined,
): readonly NetworkService[] {
  const services = names ?? [];
  const stray = providers?.find(({ key }) => !services.includes(key));
  if (stray !== undefined)
    throw badParameter('serviceproviderlist', `names '${stray.key}', which supportedservices does not.`);
  return services.map((service) => {
    const provider = providers?.find(({ key }) => key === service)?.value;
    return provider === undefined ? { name: service } : { name: service, provider };
  });
}
