import { sql } from 'kysely';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { reserve } from '../../db/copies/reservations.ts';
import { failCopy } from '../../db/copies/outcomes.ts';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import { createFigures } from '../../workers/figures.ts';
import { metricsText } from '../../workers/metric-text.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

const DAY_MS = 86_400_000;

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

/** A host whose door has a certificate. */
async function addHost(name: string, days: number, lastSeen: Date | null) {
  const host = await lab.addHost(name);
  const peer = { certificateEnds: new Date(Date.now() + days * DAY_MS).toISOString() };
  await lab.db
    .updateTable('host')
    .set({ peer: JSON.stringify(peer), last_seen: lastSeen })
    .where('id', '=', host.id)
    .execute();
  return host;
}

test('the figures of the database are metrics by zone, and ready copies are not counted', async () => {
  const { db, account, user } = lab;
  const up = await addHost('up', 6.5, new Date());
  await addHost('down', 0.5, null);
  const pool = await lab.addPool(up.uuid, { name: 'small', capacity: 10_000, free: 1500 });
  await lab.addPool(up.uuid, { name: 'large', capacity: 20_000, free: 15_000 });
  const newCopy = async () => {
    const copy = { templateId: (await lab.addTemplate()).uuid, poolId: pool.id };
    return { copy, plan: await openCopy(db, copy, 'w', PROTOCOLS) };
  };
  const set = (uuid: string, values: { readonly fetching: 'peer' } | { readonly state: 'Ready' }) =>
    db.updateTable('template_spool_ref').set(values).where('uuid', '=', uuid).execute();
  const [waits, fetches, ready, failed] = [
    await newCopy(),
    await newCopy(),
    await newCopy(),
    await newCopy(),
  ];
  await set(fetches.plan.copyId, { fetching: 'peer' });
  await set(ready.plan.copyId, { state: 'Ready' });
  const outcome = { copy: failed.copy, outcomeId: 'o', workflowId: 'w' };
  await failCopy(db, outcome, { code: 530, text: 'it is not there', kind: 'NotFound' });
  await reserve(db, waits.plan.copyId, 700);
  // Two jobs wait for one copy.
  for (const hours of [3, 1]) {
    const { jobId } = await createDeploymentJob(db, {
      accountId: account.uuid,
      userId: user.uuid,
      cmd: 'prepareTemplate',
      instanceType: 'Template',
      instanceUuid: waits.copy.templateId,
      copies: [waits.copy],
    });
    await db
      .updateTable('async_job')
      .set({ created: sql<Date>`now() - make_interval(hours => ${hours})` })
      .where('uuid', '=', jobId)
      .execute();
  }
  const waiting = { workflow: 'deployment', reason: 'NoSpace', count: 2, oldest: 90 };
  const figures = createFigures({ db, waits: async () => [waiting] });
  const text = metricsText('control', await figures());
  const of = 'zone="zone"';
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      `bypass_hosts{resource_state="Enabled",state="Up",${of}} 1`,
      `bypass_hosts{resource_state="Enabled",state="Down",${of}} 1`,
      `bypass_deployments{state="Creating",${of}} 2`,
      `bypass_deployments{state="Failed",${of}} 1`,
      `bypass_downloads{phase="waiting",${of}} 1`,
      `bypass_downloads{phase="fetching_peer",${of}} 1`,
      `bypass_deployments_failed{cause="NotFound",${of}} 1`,
      `bypass_deployments_pending{phase="waiting",${of}} 1`,
      `bypass_pools{scope="HOST",state="Up",${of}} 2`,
      `bypass_pools_almost_full{scope="HOST",${of}} 1`,
      `bypass_pool_capacity_bytes{scope="HOST",${of}} 30000`,
      `bypass_pool_free_bytes{scope="HOST",${of}} 16500`,
      `bypass_pool_reserved_bytes{scope="HOST",${of}} 700`,
      'bypass_waits{reason="NoSpace",workflow="deployment"} 2',
      'bypass_waits_oldest_seconds{reason="NoSpace",workflow="deployment"} 90',
    ]),
  );
  expect(text).not.toContain('state="Ready"');
  const valueOf = (series: string) => Number(text.split(`\n${series} `)[1]?.split('\n')[0]);
  // The oldest of the jobs, and the host that is Up.
  expect(Math.floor(valueOf(`bypass_deployments_pending_oldest_seconds{phase="waiting",${of}}`) / 3600)).toBe(
    3,
  );
  expect(Math.floor(valueOf(`bypass_door_certificate_days_left{${of}}`))).toBe(6);
});
