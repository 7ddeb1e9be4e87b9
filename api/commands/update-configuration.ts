import { ConfigurationError } from '../../model/configurations.ts';
import type { Configuration } from '../../model/configurations.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { change, configurationNamed, zoneOf } from '../configurations.ts';
import { badParameter } from '../errors.ts';
import { id, required, text } from '../parameters.ts';
import { CONFIGURATION } from '../responses/configuration.ts';

const VALUE_LENGTH = 4096;

export const updateConfiguration = defineCommand({
  name: 'updateConfiguration',
  description: 'Changes a setting of a zone, or of all zones that have no value of their own.',
  roles: ADMINS,
  parameters: {
    name: required(text('the name of the setting')),
    value: required(text('the value; resetConfiguration takes one away', VALUE_LENGTH)),
    zoneid: id('the zone; all of them when absent'),
  },
  object: 'configuration',
  response: CONFIGURATION,
  async run(context, { name, value, zoneid }) {
    const configuration = configurationNamed(name);
    const zone = await zoneOf(context, configuration, zoneid);
    return change(context, configuration, zone, readValue(configuration, value));
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
