/** What the commands on settings share. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { configurationValues, setConfiguration } from '../../../db/zones/configurations.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { findConfiguration } from '../../../model/configurations.ts';
import type { Configuration } from '../../../model/configurations.ts';
import type { CommandContext } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { CONFIGURATION } from '../../fields/answers/configuration.ts';
import { stableUuid } from '../../fields/stable-uuid.ts';

/** @throws ApiError 431 when there is no such setting */
export function configurationNamed({ protocols }: CommandContext, name: string): Configuration {
  const found = findConfiguration(name, protocols);
  if (found !== undefined) return found;
  throw badParameter('name', `is '${name}', which no setting is called; listConfigurations has them all.`);
}

/** The zone to which a value applies; undefined for all zones. @throws ApiError 431 when the setting has no values per zone */
export async function zoneOf(
  context: CommandContext,
  configuration: Configuration,
  zoneid: string | undefined,
): Promise<Place | undefined> {
  if (zoneid === undefined) return undefined;
  if (configuration.scope === 'Zone') return zoneNamed(context, 'zoneid', zoneid);
  throw badParameter('zoneid', `is given, but ${configuration.name} is a setting of the whole installation.`);
}

/** Sets a value, or with `undefined` resets it, records that as an event, and answers the value in force. */
export async function changeConfiguration(
  { db, caller }: CommandContext,
  configuration: Configuration,
  zone: Place | undefined,
  value: string | undefined,
): Promise<Answer> {
  const where = zone === undefined ? 'for all zones' : `for zone '${zone.name}'`;
  const { name, fallback } = configuration;
  await db.transaction().execute(async (tx) => {
    await setConfiguration(tx, name, value, zone?.id);
    await recordCallerEvent(
      { db: tx, caller },
      {
        type: value === undefined ? 'CONFIGURATION.VALUE.RESET' : 'CONFIGURATION.VALUE.EDIT',
        description:
          value === undefined ? `${name} was reset ${where}` : `${name} was set to '${value}' ${where}`,
        resourceType: zone === undefined ? 'Configuration' : 'Zone',
        resourceUuid: zone?.uuid ?? stableUuid('configuration', name),
      },
    );
  });
  const values = await configurationValues(db, zone?.id);
  return answerOne(
    'configuration',
    CONFIGURATION,
    [{ configuration, value: values[name] ?? fallback }],
    caller,
  );
}
