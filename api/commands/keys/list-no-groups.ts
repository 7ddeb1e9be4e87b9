/** listAffinityGroups and listSecurityGroups: Bypass has none of either, and clients ask before they deploy. */
import { type Command, defineCommand, EVERYBODY } from '../../server/command.ts';
import { noSuchEntity } from '../../server/errors.ts';
import { ownerNamed, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { string } from '../../fields/response.ts';

const emptyList = (name: string, objects: string, nameFilter: string, what: string): Command =>
  defineCommand({
    name,
    since: '0.2.0',
    description: `Lists nothing: Bypass has no ${what}s.`,
    roles: EVERYBODY,
    parameters: {
      id: id('this one'),
      [nameFilter]: text('the one of this name'),
      ...ownerParameters,
      ...pagingParameters,
    },
    objects,
    response: {
      id: string('the id', () => ''),
      name: string('the name', () => ''),
    },
    async run(context, values) {
      readPage(values);
      if (values.id !== undefined) throw noSuchEntity(context.command, 'id', values.id);
      await ownerNamed(context, values);
      return {};
    },
  });

export const listAffinityGroups = emptyList('listAffinityGroups', 'affinitygroup', 'name', 'affinity group');
export const listSecurityGroups = emptyList(
  'listSecurityGroups',
  'securitygroup',
  'securitygroupname',
  'security group',
);
