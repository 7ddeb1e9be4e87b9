/** What a user, the owner and an administrator read in all answers together: nothing that is another's. */
import { randomUUID } from 'node:crypto';
import { COMMANDS } from '../../api/server/registry.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { failCopy } from '../../db/copies/outcomes.ts';
import { recordEvent } from '../../db/events/events.ts';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { addHost, deploy, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Lab, Parameters, TestHost } from '../labs/api.ts';
import { template } from './registering.ts';

let lab: Lab;
let host: TestHost;
const pool = poolReport('pool-of-nobodys-business', { path: '/srv/hidden/pool' });

beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-hidden-7', pools: [pool] });
});
afterAll(() => lab.close());

/** All answers that a user can get with ids that the user knows. */
async function everyAnswerTo(who: Caller): Promise<string> {
  const texts: string[] = [];
  const asked = new Set<string>();
  const filters = ['featured', 'self', 'selfexecutable', 'sharedexecutable', 'executable', 'community'];
  for (const { name } of COMMANDS.filter((one) => /^(?:list|get)/.test(one.name))) {
    const calls: readonly Parameters[] = /Templates|Isos/.test(name)
      ? filters.map((filter) => ({
          templatefilter: filter,
          isofilter: filter,
          details: 'all',
          showremoved: true,
        }))
      : [{}];
    for (const parameters of calls) {
      const { text, inner } = await who.call(name, parameters);
      texts.push(text);
      for (const one of inner.template ?? []) {
        // Copies with the same name and owner look alike.
        const alike = `${one.name} of ${one.account}`;
        if (asked.has(alike)) continue;
        asked.add(alike);
        const by = { id: one.id, templatefilter: 'executable', details: 'all' };
        texts.push((await who.call('listTemplates', by)).text);
        texts.push((await who.call('extractTemplate', { id: one.id, mode: 'HTTP_DOWNLOAD' })).text);
      }
      for (const { jobid, cmd } of inner.asyncjobs ?? []) {
        if (asked.has(cmd as string)) continue;
        asked.add(cmd as string);
        texts.push((await who.call('queryAsyncJobResult', { jobid })).text);
      }
    }
  }
  return texts.join('\n');
}

describe('the answers that a user gets', () => {
  const SECRETS = { url: 'https://private.example.org/of-alice.qcow2', header: 'X-Alices-Own' };

  beforeAll(async () => {
    const owned = await lab.user.ok(
      'registerTemplate',
      template(lab, {
        name: 'of alice',
        url: SECRETS.url,
        ispublic: true,
        [`details[0].HTTP_HEADER:${SECRETS.header}`]: 'the value of it',
      }),
    );
    const { templateId } = await lab.template(lab.other, { name: 'of bob' });
    await deploy(lab, { templateId, poolId: pool.id }, { host, pool, tries: [] });
    await deploy(lab, { templateId: owned.template[0].id, poolId: pool.id }, { host, pool });
    const { templateId: failed } = await lab.template(lab.other, { name: 'of bob, failed' });
    const copy = { templateId: failed, poolId: pool.id };
    await openCopy(lab.db, copy, 'a workflow', PROTOCOLS);
    const { accountUuid: accountId, userUuid: userId } = lab.other;
    const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: failed };
    await createDeploymentJob(lab.db, { accountId, userId, ...about, copies: [copy] });
    await failCopy(
      lab.db,
      { copy, outcomeId: randomUUID(), workflowId: 'a workflow' },
      {
        code: 530,
        text: 'the host does not answer',
        kind: 'HostGone',
        host: { id: host.hostId, name: host.name },
      },
    );
    const { templateId: waiting } = await lab.template(lab.other, { name: 'of bob, waiting' });
    await openCopy(lab.db, { templateId: waiting, poolId: pool.id }, 'a workflow', PROTOCOLS);
    const workflowId = `copy:${waiting}:${pool.id}`;
    const publicReason = `no host can work on pool ${pool.name}`;
    const reason = `${publicReason}: ${host.name} is Down`;
    const wait = { v: 1, reason, publicReason, until: '2026-03-01T12:00:00.000Z' } as const;
    lab.orchestration.copies.set(workflowId, {
      workflowId,
      runId: 'r',
      type: 'deployment',
      attempt: 0,
      wait,
    });
    await recordEvent(lab.db, {
      type: 'TEMPLATE.URL.DENY',
      description: 'The host refused it, as no host that is Up may do it',
      host: { id: host.hostId, name: host.name },
      userUuid: lab.other.userUuid,
      accountUuid: lab.other.accountUuid,
      resourceType: 'VirtualMachineTemplate',
      resourceUuid: failed,
    });
  });

  test('show nothing of hosts, only the names of pools, and no URLs or headers of others', async () => {
    const answers = await everyAnswerTo(lab.other);
    expect(answers).toContain('of bob, failed');
    expect(answers).toContain('as no host that is Up may do it');
    expect(answers).toContain(`"waitreason":"no host can work on pool ${pool.name}"`);
    expect(answers).toContain('"errorkind":"HostGone"');
    const hidden = [host.name, host.hostId, pool.id, pool.path, '192.0.2.7', SECRETS.url, SECRETS.header];
    expect([...hidden, 'the value of it'].filter((secret) => answers.includes(secret))).toEqual([]);
  });

  test('show the URL to its owner, and the values of headers to nobody', async () => {
    expect(await everyAnswerTo(lab.user)).toContain(SECRETS.url);
    const answers = await everyAnswerTo(lab.admin);
    expect(answers).toContain(host.name);
    expect(answers).toContain(`as no host that is Up may do it (host ${host.name})`);
    expect(answers).toContain(`no host can work on pool ${pool.name}: ${host.name} is Down`);
    expect(answers).toContain(`"error":"the host does not answer (host ${host.name})"`);
    expect(answers).toContain(SECRETS.url);
    expect(answers).not.toContain('the value of it');
  });
});
