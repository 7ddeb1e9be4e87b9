import { configurationValues } from '../../../db/zones/configurations.ts';
import { configurations } from '../../../model/configurations.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { CONFIGURATION } from '../../fields/answers/configuration.ts';

export const listConfigurations = defineCommand({
  name: 'listConfigurations',
  description:
    'Lists settings, with the values that hold for a zone, or for zones that have none of their own.',
  roles: ADMINS,
  parameters: {
    name: text('the one of this name'),
    category: text('those that belong to this'),
    zoneid: id('as they hold for this zone'),
    ...pagingParameters,
  },
  objects: 'configuration',
  response: CONFIGURATION,
  async run(context, { name, category, zoneid, ...rest }) {
    const { limit, offset } = readPage(rest);
    const zone = zoneid === undefined ? undefined : await zoneNamed(context, 'zoneid', zoneid);
    const values = await configurationValues(context.db, zone?.id);
    const word = rest.keyword?.toLowerCase() ?? '';
    const found = configurations(context.protocols).filter(
      (one) =>
        (name === undefined || one.name === name.toLowerCase()) &&
        (category === undefined || one.category.toLowerCase() === category.toLowerCase()) &&
        one.name.includes(word) &&
        (zone === undefined || one.scope === 'Zone'),
    );
    const rows = found.slice(offset, offset + limit).map((configuration) => ({
      configuration,
      value: values[configuration.name] ?? configuration.fallback,
    }));
    return answerList('configuration', CONFIGURATION, { count: found.length, rows }, context.caller);
  },
});
