/** Warnings before a certificate ends: once for each of the days, as events and for Prometheus. */
import { warnOfExpiry } from '../../activities/control/expiry.ts';
import { addCertificate, removeCertificate, revokeEverywhere } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import { DAY_MS } from '../../model/certificate.ts';
import { startHealth } from '../../workers/health.ts';
import { createFigures } from '../../workers/figures.ts';
import { metricsText } from '../../workers/metric-text.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let db: Database;
let zone: number;
beforeAll(async () => {
  database = await freshDatabase();
  ({ db } = database);
  ({ id: zone } = await db
    .insertInto('data_center')
    .values({ name: 'a "zone"' })
    .returning('id')
    .executeTakeFirstOrThrow());
});
afterAll(() => database.close());

const endingIn = (days: number, alias = 'mirror') =>
  addCertificate(db, {
    alias,
    certificate: '',
    digest: 'x',
    expires: new Date(Date.now() + (days + 0.5) * DAY_MS),
    zone_id: zone,
  });
const warnings = async (uuid: string): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('event')
    .where('type', '=', 'CERTIFICATE.EXPIRY')
    .where('resource_uuid', '=', uuid)
    .select(['level', 'description'])
    .orderBy('id')
    .execute();
  return rows.map(({ level, description }) => `${level} ${description}`);
};
/** Looks twice, as if it were so many days later. */
async function look(days: number): Promise<void> {
  const now = new Date(Date.now() + days * DAY_MS);
  await warnOfExpiry(db, now);
  await warnOfExpiry(db, now);
}

test('warns once 30 and 7 days before the expiry, and once after it', async () => {
  const { id, uuid } = await endingIn(25);
  await look(-10);
  expect(await warnings(uuid)).toEqual([]);
  await look(0);
  await look(10);
  expect(await warnings(uuid)).toEqual([
    expect.stringMatching(/^WARN Certificate mirror of zone a "zone" expires on \d{4}-\d\d-\d\d, in 25 days/),
  ]);
  await look(19);
  await look(26);
  expect(await warnings(uuid)).toEqual([
    expect.stringMatching(/in 25 days/),
    expect.stringMatching(/^WARN .*in 6 days/),
    expect.stringMatching(/^ERROR .*has expired on/),
  ]);
  await removeCertificate(db, id);
});

test('a revoked certificate expires without a warning', async () => {
  const { id, uuid } = await endingIn(3);
  await revokeEverywhere(db, id);
  await look(0);
  expect(await warnings(uuid)).toEqual([]);
  await removeCertificate(db, id);
});

test('a look warns of as many as its limit, those that end first, and the next looks of the rest', async () => {
  const ends = [5, 20, -3, 25, 2];
  const made: Awaited<ReturnType<typeof endingIn>>[] = [];
  for (const [at, days] of ends.entries()) made.push(await endingIn(days, `mirror-${at}`));
  const told = async (): Promise<readonly number[]> => {
    const found = await Promise.all(made.map(async ({ uuid }) => (await warnings(uuid)).length > 0));
    return ends.filter((_, at) => found[at]);
  };
  const now = new Date();
  await warnOfExpiry(db, now, 2);
  expect(await told()).toEqual([-3, 2]);
  await warnOfExpiry(db, now, 2);
  expect(await told()).toEqual([5, 20, -3, 2]);
  await warnOfExpiry(db, now, 2);
  expect(await told()).toEqual(ends);
  for (const { id } of made) await removeCertificate(db, id);
});

test('metrics have the days that are left', async () => {
  const { id } = await endingIn(12);
  const figures = createFigures({ db, waits: async () => [] });
  const health = await startHealth(
    0,
    () => true,
    async () => metricsText('control', await figures()),
  );
  try {
    const answer = await fetch(`http://127.0.0.1:${health.port}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toMatch(
      /^# TYPE bypass_certificate_days_left gauge\nbypass_certificate_days_left\{alias="mirror",zone="a \\"zone\\""\} 12$/m,
    );
  } finally {
    await health.close();
    await removeCertificate(db, id);
  }
});
