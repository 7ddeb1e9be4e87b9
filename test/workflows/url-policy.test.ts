/** What a zone says of URLs, on its way to hosts; and what they refused, on its way back. */
import { setConfiguration } from '../../db/zones/configurations.ts';
import { recordProtectedEndpoints } from '../../db/hosts/protected-endpoints.ts';
import type { Failure } from '../../model/failures.ts';
import type { ProbeJob } from '../../model/payloads.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { failed, reachable, unreachable } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';

const WAIT_MS = 30_000;
const SENTENCE = 'is refused by the URL policy, rule "metadata": it leads to a metadata service of a cloud';
let lab: ControlLab;
let host: ScriptedHost;
let script: HostScript = {};
const probes: ProbeJob[] = [];

beforeAll(async () => {
  lab = await openControlLab();
  host = await lab.addHost({
    name: 'kvm-1',
    script: {
      probe: (job) => {
        probes.push(job);
        return (
          script.probe?.(job) ?? Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(job.url)] })
        );
      },
      download: (job) =>
        script.download?.(job) ?? Promise.reject(failed(host.hostId, job, denied(job.url), host.pool())),
    },
  });
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  await setConfiguration(lab.db, 'direct.download.url.allow.cidr', '10.0.0.0/8');
  await setConfiguration(lab.db, 'direct.download.url.deny.ports', '8080', zone.id);
  await setConfiguration(lab.db, 'direct.download.url.deny.endpoints', 'other.example.org:81');
  await setConfiguration(lab.db, 'direct.download.url.http.proxy', 'http://proxy.example.org:3128');
  await recordProtectedEndpoints(lab.db, 'the api', ['10.0.0.5:8080', 'bypass.example.org:443']);
  await setConfiguration(lab.db, 'direct.download.socket.timeout', '5000');
  await setConfiguration(lab.db, 'direct.download.connect.timeout', '2000', zone.id);
  await setConfiguration(lab.db, 'direct.download.url.header.origins', 'https://cdn.example.org', zone.id);
});
afterAll(() => lab.close());

const denied = (url: string): Failure => ({ kind: 'NotAllowed', message: SENTENCE, rule: 'metadata', url });
const denials = (uuid: string) =>
  lab.db
    .selectFrom('event')
    .where('resource_uuid', '=', uuid)
    .where('type', '=', 'TEMPLATE.URL.DENY')
    .selectAll()
    .execute();

test('jobs carry the policy and timeouts of their zone, the parts of this installation, and boxes the origins that it trusts', async () => {
  const secrets = { v: 1, origin: 'https://example.org', headers: [{ name: 'X', value: 'secret' }] } as const;
  const input = lab.registration();
  await lab.recordSecrets(input, secrets);
  expect(await lab.orchestration.register(input, WAIT_MS)).toEqual({ outcome: 'active' });
  const policy = {
    onlyAddresses: ['10.0.0.0/8'],
    denyPorts: ['8080'],
    schemes: ['http', 'https', 'nfs'],
    parts: ['other.example.org:81', '10.0.0.5:8080', 'bypass.example.org:443'],
    allowDowngrade: false,
    proxyIsGuard: false,
    proxies: { http: 'http://proxy.example.org:3128', none: [] },
  };
  const probed = probes.at(-1);
  expect(probed?.policy).toEqual(policy);
  expect(probed?.timeouts).toEqual({ connectMs: 2000, idleMs: 5000 });
  expect(await host.open(probed?.sealed ?? '', input.templateId)).toEqual({
    ...secrets,
    alsoFor: ['https://cdn.example.org'],
    // What a job says by itself does not hold for secrets.
    way: { proxies: { http: 'http://proxy.example.org:3128', none: [] }, proxyIsGuard: false, trusted: [] },
  });
  const copy = { templateId: input.templateId, poolId: lab.poolId('kvm-1') };
  await lab.finished(await lab.prepare(copy));
  const job = host.jobs.at(-1);
  expect(job?.policy).toEqual(policy);
  expect(job?.timeouts).toEqual({ connectMs: 2000, idleMs: 5000 });
  expect(await host.open(job?.sealed ?? '', input.templateId)).toMatchObject({
    alsoFor: ['https://cdn.example.org'],
  });
});

const setRole = (role: 'admin' | 'user') =>
  lab.db.updateTable('account').set({ role }).where('uuid', '=', lab.accountId).execute();

test("jobs for a user's template carry the schemes that users may have", async () => {
  await setRole('user');
  try {
    expect(await lab.orchestration.register(lab.registration(), WAIT_MS)).toEqual({ outcome: 'active' });
    expect(probes.at(-1)?.policy?.schemes).toEqual(['http', 'https']);
  } finally {
    await setRole('admin');
  }
});

test('a URL that a host refused at registration becomes an event with the rule, also when another mirror was good', async () => {
  const bad = 'http://169.254.169.254/x';
  const refusal = { ...unreachable(bad, SENTENCE), rule: 'metadata', priority: 2 };
  script = {
    probe: ({ url }) => Promise.resolve({ v: 1, hostId: host.hostId, urls: [reachable(url), refusal] }),
  };
  const input = lab.registration();
  expect(await lab.orchestration.register(input, WAIT_MS)).toEqual({ outcome: 'active' });
  expect(await denials(input.templateId)).toMatchObject([
    {
      level: 'WARN',
      host: { id: host.hostId, name: 'kvm-1' },
      description: expect.stringMatching(
        /: the host did not connect to http:\/\/169\.254\.169\.254\/x \(rule metadata\)/,
      ) as string,
    },
  ]);
  script = { probe: () => Promise.resolve({ v: 1, hostId: host.hostId, urls: [refusal] }) };
  const other = lab.registration();
  const outcome = await lab.orchestration.register(other, WAIT_MS);
  expect(outcome).toMatchObject({
    outcome: 'refused',
    refusal: { message: expect.stringContaining('rule "metadata"') as string },
  });
  expect(await denials(other.templateId)).toHaveLength(1);
});

test('a URL that a host refused during a download becomes an event with the rule', async () => {
  const templateId = await lab.addTemplate();
  const job = await lab.finished(await lab.prepare({ templateId, poolId: lab.poolId('kvm-1') }));
  expect(job.job_result).toMatchObject({ errortext: expect.stringContaining('rule "metadata"') as string });
  expect(await denials(templateId)).toMatchObject([
    { level: 'WARN', description: expect.stringContaining('(rule metadata)') as string },
  ]);
});
