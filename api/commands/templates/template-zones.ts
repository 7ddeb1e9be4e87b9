/** Which zones a template or ISO is registered in: one, several or all. */
import { allZones, findZones } from '../../../db/zones/zones.ts';
import type { CommandContext } from '../../server/command.ts';
import { badParameter, forbiddenParameter, noSuchEntity } from '../../server/errors.ts';
import { isUuid } from '../../fields/parameters.ts';

const ALL_ZONES = '-1';

export interface Zones {
  readonly zoneIds: readonly string[];
  readonly allZones: boolean;
}

/** Reads the zones. Contradictions between the parameters are refused before any zone is looked up. */
export function readZones(
  context: CommandContext,
  {
    zoneid,
    zoneids,
  }: { readonly zoneid: string | undefined; readonly zoneids?: readonly string[] | undefined },
): Promise<Zones> {
  const several = zoneids ?? [];
  if (zoneid === undefined && several.length === 0) {
    throw badParameter('zoneid', 'or zoneids must be given: the id of a zone, or -1 for all zones.');
  }
  if (zoneid !== undefined && several.length > 0) {
    throw badParameter('zoneid', 'and zoneids exclude each other; give one of them.');
  }
  if (several.length > 1 && several.includes(ALL_ZONES)) {
    throw badParameter('zoneids', 'has -1 (all zones) beside other zones; give -1 alone, or the zones.');
  }
  const wanted = zoneid === undefined ? several : [zoneid];
  const parameter = zoneid === undefined ? 'zoneids' : 'zoneid';
  return wanted.includes(ALL_ZONES) ? everyZone(context, parameter) : theseZones(context, parameter, wanted);
}

async function everyZone({ db, caller }: CommandContext, parameter: string): Promise<Zones> {
  if (caller.role !== 'admin') {
    throw forbiddenParameter(
      parameter,
      'is -1 (all zones), which only administrators may give; give the ids of zones.',
    );
  }
  const zones = await allZones(db);
  if (zones.length === 0)
    throw badParameter(parameter, 'is -1 (all zones), but there is no zone yet; createZone makes one.');
  return { zoneIds: zones.map(({ uuid }) => uuid), allZones: true };
}

async function theseZones(
  context: CommandContext,
  parameter: string,
  ids: readonly string[],
): Promise<Zones> {
  const uuids = ids.filter(isUuid).map((id) => id.toLowerCase());
  const known = new Map((await findZones(context.db, uuids)).map((zone) => [zone.uuid, zone]));
  for (const id of ids) {
    const zone = known.get(id.toLowerCase());
    if (zone === undefined) throw noSuchEntity(context.command, parameter, id);
    if (zone.allocation_state === 'Disabled' && context.caller.role !== 'admin')
      throw badParameter(parameter, `names zone '${zone.name}', which is disabled; give another zone.`);
  }
  return { zoneIds: [...known.keys()], allZones: false };
}
