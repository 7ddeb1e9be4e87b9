/**
 * At 1,000 hosts × 200 templates, no statement reads a big table from its first row to its last: neither one of a list, with
 * any of its filters, nor one of the steps of workflows. What is run is the product; PostgreSQL itself tells its plans.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { buildServer } from '../../api/server/server.ts';
import { createAccount } from '../../db/accounts/accounts.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import { recordOrchestration } from '../api/recording-orchestration.ts';
import { send } from '../labs/api.ts';
import type { Reply } from '../labs/api.ts';
import { apiDependencies } from '../support/api-dependencies.ts';
import { fillWithFleet } from '../support/big-fleet.ts';
import { watchPlans } from '../support/plans.ts';
import { freshDatabase } from '../support/postgres.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { callsOf, valuesOf } from './scans/calls.ts';
import type { Call } from './scans/calls.ts';
import { stepsOfControl } from './scans/steps.ts';
import type { Traffic } from './scans/steps.ts';

const SIZE = isFullRun ? { hosts: 1000, templates: 200 } : { hosts: 40, templates: 20 };
/** A table with fewer rows is read as a whole in less time than an index would take. */
const BIG = isFullRun ? 3000 : 300;
/** In the short form all tables are small: PostgreSQL reads one as a whole only where no index serves. */
const SETTINGS = isFullRun ? {} : { enable_seqscan: 'off' };

/** Statements that read a whole table, by a part of their text, and why they may. */
const EXCEPTIONS: readonly { readonly part: string; readonly table: string; readonly why: string }[] = [];

const masterKey = masterKeyOf([randomBytes(32)]);
const hash = () => Promise.resolve('x');
let fleet: Awaited<ReturnType<typeof openFleet>>;

async function openFleet() {
  const database = await freshDatabase();
  const { db } = database;
  const root = await createAccount(db, masterKey, { username: 'root', password: 'x' }, 'admin', hash);
  const alice = await createAccount(db, masterKey, { username: 'alice', password: 'x' }, 'user', hash);
  await fillWithFleet(db, SIZE);
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples >= ${BIG}`.execute(db);
  const watched = await watchPlans(db, database.url, SETTINGS);
  const orchestration = recordOrchestration(watched.db);
  const server = buildServer(apiDependencies({ db: watched.db, masterKey, orchestration }));
  const big = new Set(rows.map(({ name }) => name));
  return {
    db,
    watched,
    big,
    call(caller: 'root' | 'alice', command: string, given: Call): Promise<Reply> {
      const credentials = caller === 'root' ? root : alice;
      return send(server, { command, response: 'json', ...given, apiKey: credentials.apiKey }, credentials);
    },
    /** What the statements since the last call read as a whole, as a sentence each. */
    wholeReads: (what: string): readonly string[] =>
      watched
        .takeScans()
        .filter(({ table }) => big.has(table))
        .filter(
          ({ table, statement }) =>
            !EXCEPTIONS.some((one) => one.table === table && statement.includes(one.part)),
        )
        .map(({ table, statement }) => `${what} reads all of ${table}: ${statement.replaceAll(/\s+/g, ' ')}`),
    async close() {
      await server.close();
      await watched.close();
      await database.close();
    },
  };
}

beforeAll(async () => {
  fleet = await openFleet();
}, 600_000);
afterAll(() => fleet.close());

test('a statement for which no index serves is told of, with its table', async () => {
  fleet.wholeReads('');
  await sql`select id from vm_instance where generation = 77`.execute(fleet.watched.db);
  expect(fleet.wholeReads('it')).toEqual([
    'it reads all of vm_instance: select id from vm_instance where generation = 77',
  ]);
  const expected = [
    'template_spool_ref',
    'download_attempt',
    'async_job',
    'async_job_copy',
    'event',
    'vm_instance',
  ];
  expect([...fleet.big]).toEqual(expect.arrayContaining([...expected, 'volumes', 'nics', 'vm_tag']));
});

test.each(casesOfForm(['root', 'alice'] as const))(
  'no list that %s asks for reads a big table as a whole, whatever its filter',
  async (caller) => {
    const { pod } = (await fleet.call('root', 'listPods', {})).inner;
    const { oscategory } = (await fleet.call('root', 'listOsCategories', {})).inner;
    const values = await valuesOf(fleet.db, pod[0].id as string, oscategory[0].id as string);
    const found: string[] = [];
    const refused: string[] = [];
    fleet.wholeReads('');
    for (const { command, given } of callsOf(values, caller === 'root')) {
      const what = `${command} ${JSON.stringify(given)}`;
      const { status, text } = await fleet.call(caller, command, given);
      if (status !== 200) refused.push(`${what}: ${text}`);
      found.push(...fleet.wholeReads(what));
    }
    expect(found).toEqual([]);
    if (caller === 'root') expect(refused).toEqual([]);
  },
  600_000,
);

/** Bytes at which Temporal's server begins to warn of a message; it takes 2 MB. */
const WARNED_OF = 256 * 1024;

/** Requests of each kind that one step makes: those of two kinds of rows, or looks whether the workflows of seven run. */
const MOST_REQUESTS = 1000;
const MOST_LOOKS = 4000;

test('no step of the control side reads a big table as a whole, sends a big message, or makes more requests in a bigger fleet', async () => {
  const { db, watched } = fleet;
  const { rows } = await sql<{ uuid: string }>`select uuid from host`.execute(db);
  const uuid = async (table: string, where = 'true'): Promise<string> => {
    const one = await sql<{ uuid: string }>`
      select uuid from ${sql.table(table)} where ${sql.raw(where)} order by id limit 1`.execute(db);
    return one.rows[0]?.uuid ?? '';
  };
  const given = { db: watched.db, masterKey, protocols: PROTOCOLS };
  const hostIds = rows.map((row) => row.uuid);
  const found: string[] = [];
  const requests = new Map<string, number>();
  const traffic: Traffic = {
    request: (method) => requests.set(method, (requests.get(method) ?? 0) + 1),
    message(activity, bytes) {
      if (bytes > WARNED_OF) found.push(`a message of ${activity} has ${bytes} bytes`);
    },
  };
  fleet.wholeReads('');
  for (const { name, run } of await stepsOfControl(given, { uuid }, hostIds, traffic)) {
    requests.clear();
    await run();
    found.push(...fleet.wholeReads(name));
    for (const [method, count] of requests)
      if (count > (method === 'isRunning' ? MOST_LOOKS : MOST_REQUESTS))
        found.push(`${name} makes ${count} requests: ${method}`);
  }
  expect(found).toEqual([]);
}, 600_000);
