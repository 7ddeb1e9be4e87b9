/** Helpers for tests of registrations: valid parameters, and the check that a refused call changed nothing. */
import { sql } from 'kysely';
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

export const URL_GIVEN = 'https://images.example.org/debian.qcow2';

export const template = (lab: Lab, changes: Parameters = {}): Parameters => ({
  name: 'debian',
  format: 'QCOW2',
  hypervisor: 'KVM',
  url: URL_GIVEN,
  directdownload: true,
  zoneid: lab.zone.uuid,
  ...changes,
});

export const iso = (lab: Lab, changes: Parameters = {}): Parameters => ({
  name: 'debian iso',
  url: 'https://images.example.org/debian.iso',
  directdownload: true,
  zoneid: lab.zone.uuid,
  ...changes,
});

/** The inputs with which workflows were started. */
export const inputs = (lab: Lab): readonly Json[] => lab.orchestration.of('register');

/** Counts the rows that a refused call must not write. */
async function written({ db }: Lab): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const table of ['vm_template', 'event', 'async_job'] as const) {
    const { n } = await db
      .selectFrom(table)
      // A refused URL is recorded as an event, which is allowed.
      .$if(table === 'event', (query) => query.where(sql<boolean>`type not like '%.URL.DENY'`))
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    counts.push(n);
  }
  return counts;
}

/** The sentence of a refusal. Checks that the call stored nothing and started no workflow. */
export async function refusal(
  lab: Lab,
  command: string,
  parameters: Parameters,
  who: Caller = lab.admin,
): Promise<string> {
  const before = await written(lab);
  const { status, inner } = await who.call(command, parameters);
  expect([430, 431, 531]).toContain(status);
  expect(inner.errorcode).toBe(status);
  expect(await written(lab)).toEqual(before);
  expect(lab.orchestration.asked).toEqual([]);
  return inner.errortext as string;
}
