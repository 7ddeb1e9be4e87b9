import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { withHeartbeats } from '../../activities/context.ts';
import { createJob } from '../../db/jobs/jobs.ts';
import { templateWorkflowId } from '../../model/names.ts';
import type { RegistrationInput } from '../../model/payloads.ts';
import { sealSecrets } from '../../trust/at-rest.ts';
import type { UrlReport } from '../../model/source.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { isFullRun } from '../support/programs.ts';
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

test('a template exists during the probe of its URL, but is usable only afterwards', async () => {
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

test('a repeated call joins the registration, while it runs and afterwards', async () => {
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

test('a caller stops waiting after a while; the registration goes on', async () => {
  const input = lab.registration();
  const asked = deferred();
  probe = ({ url }) =>
    withHeartbeats(null, async () => {
      await asked.promise;
      return { v: 1, hostId: host.hostId, urls: [reachable(url)] };
    });
  expect(await lab.orchestration.register(input, 500)).toEqual({ outcome: 'pending' });
  asked.resolve();
  expect(await register(input)).toEqual({ outcome: 'active' });
});

/** A host at work on it until it is released. */
function slowly(urls: readonly UrlReport[]) {
  const [begun, released] = [deferred(), deferred()];
  probe = (job) =>
    withHeartbeats(null, async () => {
      begun.resolve();
      await released.promise;
      expect(job.patienceMs).toBeGreaterThan(60_000);
      return { v: 1, hostId: host.hostId, urls };
    });
  return { begun: begun.promise, release: () => released.resolve() };
}

describe('a source that is slow at first', () => {
  const timing = { budgetMs: 1000, leastMs: 100 };
  test('is waited for longer than the budget; then the template is registered', async () => {
    const input = lab.registration({ timing });
    const gate = slowly([reachable(input.url)]);
    expect(await lab.orchestration.register(input, 2 * timing.budgetMs)).toEqual({ outcome: 'pending' });
    expect(await template(input.templateId)).toMatchObject({ state: 'NotUploaded' });
    gate.release();
    expect(await register(input)).toEqual({ outcome: 'active' });
  });

  if (isFullRun)
    test('is refused in the end, with an event of its owner that says why', async () => {
      const input = lab.registration({ timing });
      const gate = slowly([unreachable(input.url, 'answers 404 Not Found')]);
      expect(await lab.orchestration.register(input, 2 * timing.budgetMs)).toEqual({ outcome: 'pending' });
      gate.release();
      await until('the rows are gone', async () => (await template(input.templateId)) === undefined);
      const event = await until('the event is there', () =>
        lab.db
          .selectFrom('event')
          .innerJoin('account', 'account.id', 'event.account_id')
          .where('resource_uuid', '=', input.templateId)
          .select(['type', 'level', 'description', 'account.uuid as owner'])
          .executeTakeFirst(),
      );
      expect(event).toMatchObject({ type: 'TEMPLATE.CREATE', level: 'ERROR', owner: input.accountId });
      expect(event.description).toMatch(/was not registered: .*answers 404 Not Found/);
    });

  test('does not keep its template from being deleted meanwhile', async () => {
    const input = lab.registration({ timing });
    const gate = slowly([reachable(input.url)]);
    const registering = register(input);
    await gate.begun;
    const { templateId } = input;
    const { userId, accountId } = lab;
    const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
    const jobId = await createJob(lab.db, { accountId, userId, ...about });
    await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
    expect((await lab.finished(jobId)).job_status).toBe(1);
    expect(await registering).toMatchObject({
      outcome: 'refused',
      refusal: { message: 'The template is being deleted.' },
    });
    expect(await template(templateId)).toMatchObject({
      state: 'Inactive',
      removed: expect.any(Date) as Date,
    });
    gate.release();
  });
});

if (isFullRun)
  test('the only host gets the probe once more after it was silent for a while', async () => {
    let asked = 0;
    probe = ({ url }) => {
      asked += 1;
      if (asked === 1) return Context.current().cancelled;
      return Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
    };
    expect(await register(lab.registration({ timing: { silentMs: 500 } }))).toEqual({ outcome: 'active' });
    expect(asked).toBe(2);
  });

test('a refused registration leaves only an event, with the reason for each URL', async () => {
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
      hostId: host.hostId,
      urls,
    },
  });
  await expectNothingLeft(input.templateId);
  const { status } = await lab.temporal.client.workflow
    .getHandle(templateWorkflowId(input.templateId))
    .describe();
  expect(status.name).toBe('COMPLETED');
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

if (isFullRun)
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

test('without a host a registration is refused at once', async () => {
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

test('a zone that does not exist is refused with a sentence', async () => {
  const input = lab.registration({ zoneIds: ['00000000-0000-4000-8000-000000000000'] });
  expect(await register(input)).toMatchObject({
    outcome: 'refused',
    refusal: { message: 'There is no zone 00000000-0000-4000-8000-000000000000' },
  });
});

test('a registration waits for its database outside of its workflow task, and ends when the database is back', async () => {
  const input = lab.registration();
  const back = await lab.database.takeAway();
  const registering = register(input);
  const handle = lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId));
  await until('an ordinary activity waits for it', async () => {
    const described = await handle.describe().catch(() => undefined);
    const [pending] = described?.raw.pendingActivities ?? [];
    return pending?.activityType?.name === 'recordRegistration' && !described?.raw.pendingWorkflowTask;
  });
  await back();
  expect(await registering).toEqual({ outcome: 'active' });
});

test('secrets reach the probing host, sealed for it', async () => {
  const secrets = { v: 1, origin: 'http://origin.test', headers: [], username: 'u', password: 'p' } as const;
  let box: string | undefined;
  probe = ({ url, sealed }) => {
    box = sealed;
    return Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
  };
  const input = lab.registration();
  await lab.recordSecrets(input, secrets);
  await register(input);
  expect(await host.open(box ?? '', input.templateId)).toMatchObject(secrets);
});

test("encrypted secrets of another template, put into a workflow's input, are not used", async () => {
  const secrets = { v: 1, origin: 'http://origin.test', headers: [], username: 'u', password: 'p' } as const;
  const owner = { use: 'template', template: randomUUID(), account: randomUUID() } as const;
  const sealed = await sealSecrets(lab.masterKey, owner, secrets);
  const boxes: (string | undefined)[] = [];
  probe = ({ url, sealed: box }) => {
    boxes.push(box);
    return Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url)] });
  };
  // As an earlier release had it in the workflow's input, for everybody in the namespace to take.
  const input = { ...lab.registration(), sealed };
  expect(await register(input)).toEqual({ outcome: 'active' });
  expect(boxes).toEqual([undefined]);
  await lab.db.updateTable('vm_template').set({ sealed }).where('uuid', '=', input.templateId).execute();
  const copy = { templateId: input.templateId, poolId: host.pool().id };
  expect((await lab.finished(await lab.prepare(copy))).job_result).toMatchObject({
    errortext: expect.stringContaining('cannot be opened with the master key') as string,
  });
});

if (isFullRun)
  test('the rows of a registration that was terminated in Temporal are removed', async () => {
    const input = lab.registration();
    const begun = deferred();
    probe = () => {
      begun.resolve();
      return withHeartbeats(null, ({ signal }) => aborted(signal));
    };
    const registering = register(input);
    await begun.promise;
    await lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId)).terminate();
    expect(await registering).toMatchObject({
      outcome: 'refused',
      refusal: { message: 'The registration was ended in Temporal before it was done.' },
    });
    expect(await template(input.templateId)).toMatchObject({ state: 'NotUploaded' });
    await lab.startUpkeep();
    await until('the rows are gone', async () => (await template(input.templateId)) === undefined);
    await lab.endUpkeep();
  });

test('a cancelled registration leaves nothing', async () => {
  const input = lab.registration();
  const begun = deferred();
  probe = () => {
    begun.resolve();
    return withHeartbeats(null, ({ signal }) => aborted(signal));
  };
  const registering = register(input);
  await begun.promise;
  const handle = lab.temporal.client.workflow.getHandle(templateWorkflowId(input.templateId));
  await handle.cancel();
  expect(await registering).toMatchObject({ outcome: 'refused' });
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  await expectNothingLeft(input.templateId);
});

test('a source check reports what a registration would find or why it would be refused, and leaves nothing', async () => {
  const input = lab.registration();
  probe = async ({ url, templateId }) => {
    expect((await template(templateId))?.state).toBe('NotUploaded');
    return { v: 1, hostId: host.hostId, urls: [reachable(url)] };
  };
  expect(await lab.orchestration.checkSource(input, WAIT_MS)).toMatchObject({
    found: {
      hostName: 'prober',
      size: 1000,
      virtualSize: 4000,
      mirrors: [{ url: input.url, reachable: true }],
    },
  });
  await expectNothingLeft(input.templateId);
  const bad = lab.registration();
  probe = ({ url }) =>
    Promise.resolve({ v: 1, hostId: host.hostId, urls: [unreachable(url, 'answers 404 Not Found')] });
  const { refusal } = (await lab.orchestration.checkSource(bad, WAIT_MS)) ?? {};
  expect(refusal).toMatchObject({ hostName: 'prober', apiCode: 530 });
  expect(refusal?.message).toContain('answers 404 Not Found');
  await expectNothingLeft(bad.templateId);
  const events = await lab.db
    .selectFrom('event')
    .where('resource_uuid', 'in', [input.templateId, bad.templateId])
    .selectAll()
    .execute();
  expect(events).toEqual([]);
});
