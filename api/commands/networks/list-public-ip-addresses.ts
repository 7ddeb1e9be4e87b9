import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { networkNamed } from '../../fields/entities.ts';
import { ownerNamed, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { string } from '../../fields/response.ts';

export const listPublicIpAddresses = defineCommand({
  name: 'listPublicIpAddresses',
  since: '0.2.0',
  description: 'Lists nothing: Bypass has no public addresses. Clients ask before they change a network.',
  roles: EVERYBODY,
  parameters: {
    associatednetworkid: id('those of this network'),
    ipaddress: text('this one'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'publicipaddress',
  response: { id: string('the id', () => '') },
  async run(context, values) {
    readPage(values);
    if (values.associatednetworkid !== undefined)
      await networkNamed(context, 'associatednetworkid', values.associatednetworkid);
    await ownerNamed(context, values);
    return {};
  },
});
