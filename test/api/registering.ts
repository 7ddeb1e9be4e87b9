/** Calls that register, and what a refused one must leave as it was. */
import { sql } from 'kysely';
import type { Caller, Json, Lab, Parameters } from './lab.ts';

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

/** What workflows were started with. */
export const inputs = (lab: Lab): readonly Json[] => lab.orchestration.of('register');

/** Rows of what a refused call must not write. */
async function written({ db }: Lab): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const table of ['vm_template', 'event', 'async_job'] as const) {
    const { n } = await db
      .selectFrom(table)
      // That a URL was refused is written down.
      .$if(table === 'event', (query) => query.where(sql<boolean>`type not like '%.URL.DENY'`))
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    counts.push(n);
  }
  return counts;
}

/** The sentence of a refusal; nothing was stored, and no workflow asked. */
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
