import { configurationValues, setConfiguration } from '../../db/zones/configurations.ts';
import { removeZone } from '../../db/zones/zone-removal.ts';
import { createZone, findZone } from '../../db/zones/zones.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

test('a zone with settings of its own can be removed, and its settings go with it', async () => {
  const zone = await createZone(lab.db, { name: 'short-lived' });
  await setConfiguration(lab.db, 'direct.download.timeout', '7', zone.id);
  expect(await configurationValues(lab.db, zone.id)).toEqual({ 'direct.download.timeout': '7' });
  await removeZone(lab.db, zone.id);
  expect(await findZone(lab.db, zone.uuid)).toBeUndefined();
  expect(await configurationValues(lab.db, zone.id)).toEqual({});
});
