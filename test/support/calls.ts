/** Calls of the API that tests of many commands make. */
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

/** The code and the sentence with which a call is refused. */
export async function refusal(
  who: Caller,
  command: string,
  parameters: Parameters,
): Promise<readonly [status: number, sentence: string]> {
  const { status, inner } = await who.call(command, parameters);
  return [status, inner.errortext];
}

/** The result of a job that ends at once. */
export async function done(who: Caller, command: string, parameters: Parameters): Promise<Json> {
  const { jobid } = await who.ok(command, parameters);
  const { jobstatus, jobresult } = await who.ok('queryAsyncJobResult', { jobid });
  expect(jobstatus).toBe(1);
  return jobresult;
}

export const namesOf = (rows: readonly Json[] | undefined): readonly string[] =>
  (rows ?? []).map(({ name }) => name as string);

/** The events about a resource, the newest first. */
export const eventsOf = async ({ admin }: Pick<Lab, 'admin'>, resourceid: string): Promise<readonly Json[]> =>
  (await admin.ok('listEvents', { resourceid })).event ?? [];

/** Their types. */
export const eventTypesOf = async (lab: Pick<Lab, 'admin'>, resourceid: string): Promise<readonly string[]> =>
  (await eventsOf(lab, resourceid)).map(({ type }) => type as string);
