import { ConfigurationError } from '../../../model/configurations.ts';
import type { Configuration } from '../../../model/configurations.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { changeConfiguration, configurationNamed, zoneOf } from './configurations.ts';
import { badParameter } from '../../server/errors.ts';
import { id, required, requiredOrEmpty, text } from '../../fields/parameters.ts';
import { CONFIGURATION } from '../../fields/answers/configuration.ts';

const VALUE_LENGTH = 4096;

export const updateConfiguration = defineCommand({
  name: 'updateConfiguration',
  description: 'Changes a setting of a zone, or of all zones that have no value of their own.',
  roles: ADMINS,
  parameters: {
    name: required(text('the name of the setting')),
    value: requiredOrEmpty(
      text('the value, empty for an empty list; resetConfiguration takes one away', VALUE_LENGTH),
    ),
    zoneid: id('the zone; all of them when absent'),
  },
  object: 'configuration',
  response: CONFIGURATION,
  async run(context, { name, value, zoneid }) {
    const configuration = configurationNamed(context, name);
    const zone = await zoneOf(context, configuration, zoneid);
    return changeConfiguration(context, configuration, zone, readValue(configuration, value));
  },
});

function readValue(configuration: Configuration, value: string): string {
  try {
    return configuration.read(value);
  } catch (error) {
    if (error instanceof ConfigurationError) throw badParameter('value', `is not right: ${error.message}.`);
    throw error;
  }
}
