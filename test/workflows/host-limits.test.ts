import { setHostLimits } from '../../db/host-limits.ts';
import { removeHost } from '../../db/hosts.ts';
import { limitsWorkflowId } from '../../model/names.ts';
import type { HostLimits } from '../../model/payloads.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab, NewHost } from '../support/control-lab.ts';
import { deferred } from '../support/deferred.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const setAndTell = async (hostId: string, downloads: number | null): Promise<void> => {
  await setHostLimits(lab.db, hostId, { downloads, rate: 1000 });
  await lab.orchestration.requestHostLimits(hostId);
};
const ended = (hostId: string): Promise<unknown> =>
  lab.temporal.client.workflow.getHandle(limitsWorkflowId(hostId)).result();
const row = (hostId: string) =>
  lab.db.selectFrom('host').where('uuid', '=', hostId).selectAll().executeTakeFirstOrThrow();

/** A host that writes down what it is told. */
async function listening(
  name: string,
  { dead = false, before }: { readonly dead?: boolean; readonly before?: Promise<unknown> } = {},
): Promise<{ readonly host: ScriptedHost; readonly told: readonly HostLimits[] }> {
  const told: HostLimits[] = [];
  const report = () => {
    const { revision, downloads = 2, rate = 0 } = told.at(-1) ?? { revision: 0 };
    const about = { v: 1, hostId: host.hostId, version: '1', pools: [host.pool()], programs: [] } as const;
    return { ...about, limits: { revision, downloads, rate } };
  };
  const script: NewHost['script'] = {
    async setLimits({ limits }) {
      told.push(limits);
      await before;
      return report();
    },
    describeHost: async () => report(),
  };
  const host: ScriptedHost = await lab.addHost({ name, dead, script });
  return { host, told };
}

test('a host is told what is set, and what it says is in force is recorded', async () => {
  const { host, told } = await listening('told');
  await setAndTell(host.hostId, 4);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: true });
  expect(told).toEqual([{ revision: 1, downloads: 4, rate: 1000 }]);
  expect(await row(host.hostId)).toMatchObject({ current_download_limit: 4, current_rate_limit: 1000 });
  await setAndTell(host.hostId, null);
  await ended(host.hostId);
  expect(told[1]).toEqual({ revision: 2, rate: 1000 });
  expect(await row(host.hostId)).toMatchObject({ current_download_limit: 2, current_rate_limit: 1000 });
});

test('what is set meanwhile is told after that, the newest last', async () => {
  const hold = deferred();
  const { host, told } = await listening('slow', { before: hold.promise });
  await setAndTell(host.hostId, 1);
  await until('it is asked', () => told.length === 1);
  await setAndTell(host.hostId, 5);
  await setAndTell(host.hostId, 6);
  hold.resolve();
  await ended(host.hostId);
  expect(told.map(({ downloads }) => downloads)).toEqual([1, 6]);
  expect((await row(host.hostId)).current_download_limit).toBe(6);
});

test('one that does not answer is told when it is asked for its report', async () => {
  const { host, told } = await listening('away', { dead: true });
  await setAndTell(host.hostId, 3);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: false });
  await host.start();
  const describing = await lab.startUpkeep();
  await until('it is told', () => told.length > 0);
  await describing.terminate();
  expect(told[0]).toMatchObject({ downloads: 3 });
});

test('one that is forgotten is told nothing', async () => {
  const { host } = await listening('forgotten', { dead: true });
  await removeHost(lab.db, host.hostId);
  await lab.orchestration.requestHostLimits(host.hostId);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: false });
});
