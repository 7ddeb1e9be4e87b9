import { createOrchestration } from '../../orchestration/client.ts';
import { openControlLab, QUICK_TIMING } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

test('a host is asked for its free space first, unless its pool has plenty of room', async () => {
  let asked = 0;
  const host = await lab.addHost({
    name: 'roomy',
    script: {
      describeHost() {
        asked += 1;
        return Promise.resolve({
          v: 1,
          hostId: host.hostId,
          version: '1',
          pools: [host.pool()],
          programs: [],
        });
      },
    },
  });
  const timing = { ...QUICK_TIMING, roomyReportFreshMs: 600_000 };
  const bring = async (): Promise<number> => {
    const copy = { templateId: await lab.addTemplate({ size: 1000 }), poolId: lab.poolId('roomy') };
    await createOrchestration(lab.temporal.client, { timing }).requestDeployment(copy);
    await until('the copy is there', async () => (await lab.copy(copy))?.state === 'Ready');
    return asked;
  };
  expect(await bring()).toBe(0);
  const { capacity } = host.pool();
  host.setFree(capacity / 20);
  // The download reports the space that the pool has now.
  expect(await bring()).toBe(0);
  expect(await bring()).toBe(1);
});
