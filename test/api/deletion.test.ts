import { completeJob, completeJobsOf } from '../../db/jobs/jobs.ts';
import { createZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import { openLab } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';

let lab: Lab;
let empty: Place;
beforeAll(async () => {
  lab = await openLab();
  empty = await createZone(lab.db, { name: 'empty' });
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

describe('deleteTemplate and deleteIso', () => {
  test.each([
    ['deleteTemplate', 'QCOW2', 'Template'],
    ['deleteIso', 'ISO', 'Iso'],
  ] as const)('%s answers a job', async (command, format, instance) => {
    const { templateId } = await lab.template(lab.user, { format });
    const { body } = await lab.user.call(command, { id: templateId, forced: true });
    expect(body).toEqual({ [`${command.toLowerCase()}response`]: { jobid: expect.any(String) } });
    const { jobid } = body[`${command.toLowerCase()}response`];
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestDeletion',
        args: [
          {
            v: 1,
            templateId,
            jobId: jobid,
            userId: lab.user.userUuid,
            accountId: lab.user.accountUuid,
          },
        ],
      },
    ]);
    const job = await lab.user.ok('queryAsyncJobResult', { jobid });
    expect(job).toMatchObject({
      cmd: command,
      jobstatus: 0,
      jobinstancetype: instance,
      jobinstanceid: templateId,
    });
    await completeJobsOf(lab.db, { uuid: templateId, cmds: [command] }, { result: { success: true } });
    expect(await lab.user.ok('queryAsyncJobResult', { jobid })).toMatchObject({
      jobstatus: 1,
      jobresult: { success: true },
    });
  });

  test('return the same job while it runs, and after that find no such template', async () => {
    const { templateId } = await lab.template(lab.user);
    const { jobid } = await lab.user.ok('deleteTemplate', { id: templateId });
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: new Date() })
      .where('uuid', '=', templateId)
      .execute();
    expect(await lab.user.ok('deleteTemplate', { id: templateId })).toEqual({ jobid });
    expect(lab.orchestration.asked).toHaveLength(1);
    await completeJob(lab.db, jobid, { result: { success: true } });
    const { status, inner } = await lab.user.call('deleteTemplate', { id: templateId });
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining('Invalid parameter id')]);
  });

  test('refuse other users: 531 for a template that they see, 431 for one that they do not see', async () => {
    const visible = await lab.template(lab.user, { isPublic: true });
    const hidden = await lab.template(lab.user);
    const seen = await lab.other.call('deleteTemplate', { id: visible.templateId });
    expect([seen.status, seen.inner.cserrorcode]).toEqual([531, 4365]);
    expect((await lab.other.call('deleteTemplate', { id: hidden.templateId })).status).toBe(431);
    expect(lab.orchestration.asked).toEqual([]);
    expect((await lab.admin.call('deleteTemplate', { id: hidden.templateId })).status).toBe(200);
  });

  test('accept neither the id of an ISO for a template nor the other way round', async () => {
    const template = await lab.template(lab.user);
    const iso = await lab.template(lab.user, { format: 'ISO' });
    expect((await lab.user.call('deleteTemplate', { id: iso.templateId })).status).toBe(431);
    expect((await lab.user.call('deleteIso', { id: template.templateId })).status).toBe(431);
  });

  test('delete a template that is being checked, which ends the check', async () => {
    const { templateId } = await lab.template(lab.user);
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'NotUploaded' })
      .where('uuid', '=', templateId)
      .execute();
    expect((await lab.user.call('deleteTemplate', { id: templateId })).status).toBe(200);
    expect(lab.orchestration.of('requestDeletion')).toContainEqual(expect.objectContaining({ templateId }));
  });

  test('accept the only zone of a template, but not one of several', async () => {
    const one = await lab.template(lab.user);
    const wrong = await lab.user.call('deleteTemplate', { id: one.templateId, zoneid: empty.uuid });
    expect([wrong.status, wrong.inner.errortext]).toEqual([431, expect.stringContaining('is not in')]);
    expect(
      (await lab.user.call('deleteTemplate', { id: one.templateId, zoneid: lab.zone.uuid })).status,
    ).toBe(200);
    const two = await lab.template(lab.user, { zoneIds: [lab.zone.uuid, empty.uuid] });
    const partly = await lab.user.call('deleteTemplate', { id: two.templateId, zoneid: empty.uuid });
    expect([partly.status, partly.inner.errortext]).toEqual([
      431,
      expect.stringContaining('leave zoneid out'),
    ]);
  });
});

describe('queryAsyncJobResult', () => {
  test('shows a job to its account and to administrators only', async () => {
    const { templateId } = await lab.template(lab.user);
    const { jobid } = await lab.user.ok('deleteTemplate', { id: templateId });
    expect((await lab.admin.call('queryAsyncJobResult', { jobid })).status).toBe(200);
    expect((await lab.other.call('queryAsyncJobResult', { jobid })).status).toBe(431);
  });
});
