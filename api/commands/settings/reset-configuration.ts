import { ADMINS, defineCommand } from '../../server/command.ts';
import { changeConfiguration, configurationNamed, zoneOf } from './configurations.ts';
import { id, required, text } from '../../fields/parameters.ts';
import { CONFIGURATION } from '../../fields/answers/configuration.ts';

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
    const configuration = configurationNamed(context, name);
    return changeConfiguration(
      context,
      configuration,
      await zoneOf(context, configuration, zoneid),
      undefined,
    );
  },
});
