import { beating } from '../../activities/context.ts';
import { templateWorkflowId } from '../../model/names.ts';
import type { RegistrationInput } from '../../model/payloads.ts';
import { sealAtRest } from '../../trust/sealing.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab } from '../support/control-lab.ts';
import { aborted, reachable, unreachable } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { deferred } from '../support/deferred.ts';
import { until } from '../support/until.ts';

const WAIT_MS = 30_000;
let lab: ControlLab;
let host: ScriptedHost;
/** What the host does with a probe. */
let probe: NonNullable<HostScript['probe']>;

beforeAll(async () => {
  lab = await openControlLab();
  host = await lab.addHost({ name: 'prober', script: { probe: (job) => probe(job) } });
});
beforeEach(() => {
  probe = ({ url }) => Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
});
afterAll(() => lab.close());

const register = (input: RegistrationInput) => lab.orchestration.register(input, WAIT_MS);
const template = (uuid: string) =>
  lab.db.selectFrom('vm_template').where('uuid', '=', uuid).selectAll().executeTakeFirst();

async function expectNothingLeft(templateId: string): Promise<void> {
  expect(await template(templateId)).toBeUndefined();
  const stored = await lab.db
    .selectFrom('template_store_ref')
    .leftJoin('vm_template', 'vm_template.id', 'template_store_ref.template_id')
    .where('vm_template.id', 'is', null)
    .selectAll('template_store_ref')
    .execute();
  expect(stored).toEqual([]);
}

test('a template is there, but not usable, while a host looks at its URL; then it is', async () => {
  const input = lab.registration();
  let during: Awaited<ReturnType<typeof template>>;
  probe = async ({ url, format, templateId, budgetMs }) => {
    during = await template(templateId);
    expect({ url, format }).toEqual({ url: input.url, format: 'QCOW2' });
    expect(budgetMs).toBeGreaterThan(4000);
    return { v: 1, hostId: host.hostId, urls: [reachable(url, { etag: '"1"' })] };
  };
  expect(await register(input)).toEqual({ outcome: 'active' });
  expect(during?.state).toBe('NotUploaded');
  const row = await template(input.templateId);
  expect(row).toMatchObject({ state: 'Active', size: 1000, virtual_size: 4000, name: 'debian' });
  const [stored] = await lab.db
    .selectFrom('template_store_ref')
    .where('template_id', '=', row?.id ?? 0)
    .selectAll()
    .execute();
  expect(stored).toMatchObject({ store_id: null, download_state: 'BYPASSED', state: 'Ready', size: 1000 });
  const mirrors = await lab.db
    .selectFrom('template_mirror')
    .where('template_id', '=', row?.id ?? 0)
    .selectAll()
    .execute();
  expect(mirrors).toMatchObject([{ url: input.url, reachable: true, etag: '"1"', ranges: true }]);
  const event = await lab.db
    .selectFrom('event')
    .where('resource_uuid', '=', input.templateId)
    .selectAll()
    .executeTakeFirstOrThrow();
  expect(event).toMatchObject({
    type: 'TEMPLATE.CREATE',
    level: 'INFO',
    workflow_id: templateWorkflowId(input.templateId),
  });
});

test('the same call joins, while it runs and afterwards', async () => {
  const input = lab.registration();
  let probes = 0;
  probe = ({ url }) => {
    probes += 1;
    return Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
  };
  const outcomes = await Promise.all([register(input), register(input), register(input)]);
  expect(outcomes).toEqual([{ outcome: 'active' }, { outcome: 'active' }, { outcome: 'active' }]);
  expect(await register(input)).toEqual({ outcome: 'active' });
  expect(probes).toBe(1);
});

test('a caller waits only so long; the registration goes on', async () => {
  const input = lab.registration();
  const asked = deferred();
  probe = ({ url }) =>
    beating(null, async () => {
      await asked.promise;
      return { v: 1, hostId: host.hostId, urls: [reachable(url)] };
    });
  expect(await lab.orchestration.register(input, 500)).toEqual({ outcome: 'pending' });
  asked.resolve();
  expect(await register(input)).toEqual({ outcome: 'active' });
});

test('a refused one leaves nothing but an event, and says why, for each URL', async () => {
  const input = lab.registration({ url: 'http://origin.test/debian.meta4' });
  const urls = [
    unreachable('http://a.test/d', 'answers 404 Not Found'),
    unreachable('http://b.test/d', 'refused the connection'),
  ];
  probe = () => Promise.resolve({ v: 1, hostId: host.hostId, urls });
  const outcome = await register(input);
  expect(outcome).toEqual({
    outcome: 'refused',
    refusal: {
      v: 1,
      message:
        'None of 2 URLs can be downloaded: http://a.test/d: answers 404 Not Found; http://b.test/d: refused the connection',
      apiCode: 530,
      hostName: 'prober',
      urls,
    },
  });
  await expectNothingLeft(input.templateId);
  const { status } = await lab.temporal.client.workflow
    .getHandle(templateWorkflowId(input.templateId))
    .describe();
  expect(status.name).toBe('FAILED');
  // The same call once more, when the source is mended.
  probe = ({ url }) => Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
  expect(await register(input)).toEqual({ outcome: 'active' });
});

test('one reachable URL of a metalink is enough, unless the zone demands all', async () => {
  const urls = [
    unreachable('http://a.test/d', 'answers 404 Not Found'),
    reachable('http://b.test/d', { priority: 2 }),
  ];
  probe = () => Promise.resolve({ v: 1, hostId: host.hostId, urls, metalink: { digest: 'ab', size: 1000 } });
  const input = lab.registration({ url: 'http://origin.test/debian.meta4' });
  expect(await register(input)).toEqual({ outcome: 'active' });
  expect(await template(input.templateId)).toMatchObject({ size: 1000, metalink_digest: 'ab' });
  const zone = lab.db.updateTable('data_center').where('uuid', '=', lab.zoneId);
  await zone.set({ demand_all_mirrors: true }).execute();
  const other = lab.registration();
  expect(await register(other)).toMatchObject({
    outcome: 'refused',
    refusal: { message: expect.stringMatching(/every URL.*a\.test.*404/) as string },
  });
  await expectNothingLeft(other.templateId);
  await zone.set({ demand_all_mirrors: false }).execute();
});

test('a host that does not take the probe is passed over for another', async () => {
  const dead = await lab.addHost({ name: 'dead', pool: 'd', dead: true });
  await host.setUp(false);
  const input = lab.registration();
  const registering = register(input);
  const handle = lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId));
  await until('the dead one is asked', async () => {
    const described = await handle.describe().catch(() => undefined);
    return described?.raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'probe');
  });
  await host.setUp(true);
  expect(await registering).toEqual({ outcome: 'active' });
  await dead.setUp(false);
});

test('without a host it is refused at once', async () => {
  await host.setUp(false);
  const input = lab.registration();
  expect(await register(input)).toMatchObject({
    outcome: 'refused',
    refusal: {
      message:
        'No host could look at the URL: no KVM host of the zone is Up and has the certificates of its zone',
      apiCode: 530,
    },
  });
  await expectNothingLeft(input.templateId);
  await host.setUp(true);
});

test('a zone that does not exist is refused in words', async () => {
  const input = lab.registration({ zoneIds: ['00000000-0000-4000-8000-000000000000'] });
  expect(await register(input)).toMatchObject({
    outcome: 'refused',
    refusal: { message: 'There is no zone 00000000-0000-4000-8000-000000000000' },
  });
});

test('secrets reach the host that looks, sealed for it', async () => {
  const secrets = { v: 1, origin: 'http://origin.test', headers: [], username: 'u', password: 'p' } as const;
  let box: string | undefined;
  probe = ({ url, sealed }) => {
    box = sealed;
    return Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
  };
  const input = lab.registration({ sealed: await sealAtRest(lab.masterKey, secrets) });
  await register(input);
  expect(await host.open(box ?? '', input.templateId)).toMatchObject(secrets);
});

test('one that was terminated in Temporal is swept away', async () => {
  const input = lab.registration();
  const begun = deferred();
  probe = () => {
    begun.resolve();
    return beating(null, ({ signal }) => aborted(signal));
  };
  const registering = register(input);
  await begun.promise;
  await lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId)).terminate();
  expect(await registering).toMatchObject({
    outcome: 'refused',
    refusal: { message: 'The registration was ended in Temporal before it was done.' },
  });
  expect(await template(input.templateId)).toMatchObject({ state: 'NotUploaded' });
  const upkeep = await lab.startUpkeep();
  await until('the rows are gone', async () => (await template(input.templateId)) === undefined);
  await upkeep.terminate();
});

test('a cancelled one leaves nothing', async () => {
  const input = lab.registration();
  const begun = deferred();
  probe = () => {
    begun.resolve();
    return beating(null, ({ signal }) => aborted(signal));
  };
  const registering = register(input);
  await begun.promise;
  const handle = lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId));
  await handle.cancel();
  expect(await registering).toMatchObject({ outcome: 'refused' });
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  await expectNothingLeft(input.templateId);
});
