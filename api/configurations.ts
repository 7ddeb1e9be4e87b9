/** What the commands on settings share. */
import { recordEvent } from '../db/events.ts';
import { configurationValues, setConfiguration } from '../db/configurations.ts';
import type { Place } from '../db/zones.ts';
import { findConfiguration } from '../model/configurations.ts';
import type { Configuration } from '../model/configurations.ts';
import type { CommandContext } from './command.ts';
import { zoneNamed } from './entities.ts';
import { badParameter } from './errors.ts';
import { type Answer, answerOne } from './response.ts';
import { CONFIGURATION } from './responses/configuration.ts';
import { stableUuid } from './stable-uuid.ts';

/** @throws ApiError */
export function configurationNamed(name: string): Configuration {
  const found = findConfiguration(name);
  if (found !== undefined) return found;
  throw badParameter('name', `is '${name}', which no setting is called; listConfigurations has them all.`);
}

/** The zone that a setting is for, or undefined when it is for all. @throws ApiError */
export async function zoneOf(
  context: CommandContext,
  configuration: Configuration,
  zoneid: string | undefined,
): Promise<Place | undefined> {
  if (zoneid === undefined) return undefined;
  if (configuration.scope === 'Zone') return zoneNamed(context, 'zoneid', zoneid);
  throw badParameter('zoneid', `is given, but ${configuration.name} is a setting of the whole installation.`);
}

/** Writes a value, or forgets it, with an event, and answers what holds now. */
export async function change(
  { db, caller }: CommandContext,
  configuration: Configuration,
  zone: Place | undefined,
  value: string | undefined,
): Promise<Answer> {
  const where = zone === undefined ? 'for all zones' : `for zone '${zone.name}'`;
  const { name, fallback } = configuration;
  await db.transaction().execute(async (tx) => {
    await setConfiguration(tx, name, value, zone?.id);
    await recordEvent(tx, {
      type: value === undefined ? 'CONFIGURATION.VALUE.RESET' : 'CONFIGURATION.VALUE.EDIT',
      description:
        value === undefined ? `${name} was reset ${where}` : `${name} was set to '${value}' ${where}`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: zone === undefined ? 'Configuration' : 'Zone',
      resourceUuid: zone?.uuid ?? stableUuid('configuration', name),
    });
  });
  const values = await configurationValues(db, zone?.id);
  return answerOne(
    'configuration',
    CONFIGURATION,
    [{ configuration, value: values[name] ?? fallback }],
    caller,
  );
}
