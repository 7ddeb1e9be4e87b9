import { ADMINS, defineCommand } from '../command.ts';
import { change, configurationNamed, zoneOf } from '../configurations.ts';
import { id, required, text } from '../parameters.ts';
import { CONFIGURATION } from '../responses/configuration.ts';

export const resetConfiguration = defineCommand({
  name: 'resetConfiguration',
  description:
    'Takes away the value that a zone, or all of them, gave to a setting: what stands behind it holds again.',
  roles: ADMINS,
  parameters: {
    name: required(text('the name of the setting')),
    zoneid: id('the zone; the value for all zones when absent'),
  },
  object: 'configuration',
  response: CONFIGURATION,
  async run(context, { name, zoneid }) {
    const configuration = configurationNamed(name);
    return change(context, configuration, await zoneOf(context, configuration, zoneid), undefined);
  },
});
