/** The answers of an api with a small fleet: one zone, two hosts, three pools, templates, and deployments that advance. */
import { randomUUID } from 'node:crypto';
import type { Rollout } from '../../model/api-answers.ts';
import { Refusal } from './api-server.ts';
import type { Handler } from './api-server.ts';

const MIB = 1024 ** 2;
const IMAGE_BYTES = 2048 * MIB;
export const SOURCE = 'https://mirror.example.org/images/ubuntu-24.04-server-cloudimg-amd64.qcow2';
const ERROR =
  'ChecksumMismatch: the file has {SHA-256}0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, not the one registered (check the checksum and the source; nothing was published)';

export const zone = { id: randomUUID(), name: 'zone-1', allocationstate: 'Enabled' };
const cluster = {
  id: randomUUID(),
  name: 'rack-1',
  zoneid: zone.id,
  zonename: zone.name,
  hypervisortype: 'KVM',
};
const place = { zoneid: zone.id, zonename: zone.name, clustername: cluster.name };
export const hosts = [
  { id: randomUUID(), name: 'kvm-1', state: 'Up', resourcestate: 'Enabled', ipaddress: '10.0.0.1', ...place },
  {
    id: randomUUID(),
    name: 'kvm-2',
    state: 'Down',
    resourcestate: 'Disabled',
    fingerprint: 'SHA256:q9Zk',
    ...place,
  },
];
const pool = (name: string, type: string, scope: string) => ({
  id: randomUUID(),
  name,
  type,
  scope,
  state: 'Up',
  path: `/var/lib/bypass/pools/${name}`,
  ...place,
  disksizetotal: 100 * 1024 * MIB,
  disksizeused: 40 * 1024 * MIB,
});
export const pools = [
  pool('local-1', 'Filesystem', 'HOST'),
  pool('local-2', 'Filesystem', 'HOST'),
  pool('shared', 'SharedMountPoint', 'CLUSTER'),
] as const;

export const template = (name: string, id: string = randomUUID()) => ({
  id,
  name,
  displaytext: name,
  format: 'QCOW2',
  isready: true,
  status: 'Bypassed Secondary Storage',
  size: IMAGE_BYTES,
  physicalsize: 600 * MIB,
  account: 'admin',
  created: '2026-11-24T07:00:00+0000',
  zoneid: zone.id,
  zonename: zone.name,
  url: SOURCE,
  directdownload: true,
});
export type Template = ReturnType<typeof template>;

/** The course of the deployment on a pool. */
export type Course = 'works' | 'fails' | 'waits';

interface Deployment {
  readonly id: string;
  readonly pool: (typeof pools)[number];
  readonly template: Template;
  readonly course: Course;
  readonly started: number;
  cancelled: boolean;
}

export interface FleetOptions {
  readonly templates?: readonly Template[];
  readonly courses?: Readonly<Record<string, Course>>;
  /** The progress of deployments, from 0 to 1. */
  readonly progress: (startedMs: number) => number;
}

const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, '+0000');

/** The handlers of the commands that the fleet answers. */
export function fleet({
  templates = [],
  courses = {},
  progress,
}: FleetOptions): Readonly<Record<string, Handler>> {
  const registered = [...templates];
  const deployments = new Map<string, Deployment>();
  const jobs = new Map<string, { readonly created: number; readonly about: readonly Deployment[] }>();
  const deploymentOf = (image: Template, where: (typeof pools)[number]): Deployment => {
    const key = `${image.id}:${where.id}`;
    const known = deployments.get(key);
    if (known !== undefined && stateOf(known, progress) === 'Ready') return known;
    const course = known === undefined ? (courses[where.name] ?? 'works') : 'works';
    const made = { id: known?.id ?? randomUUID(), pool: where, template: image, course };
    deployments.set(key, { ...made, started: Date.now(), cancelled: false });
    return deployments.get(key) as Deployment;
  };
  const about = (id: string | undefined): Template => {
    const found = registered.find((image) => image.id === id);
    if (found === undefined) throw new Refusal(431, `there is no template ${id}`);
    return found;
  };

  return {
    listZones: () => ({ zone: [zone] }),
    listClusters: () => ({ cluster: [cluster] }),
    listHosts: () => ({ host: hosts }),
    listStoragePools: () => ({ storagepool: pools }),
    listIsos: () => ({ iso: [] }),
    listTemplates: ({ ids, name }) => ({
      template: registered.filter((image) => (!ids || image.id === ids) && (!name || image.name === name)),
    }),
    registerTemplate: ({ name = '', format = '' }) => {
      const made = { ...template(name), format };
      registered.push(made);
      return { count: 1, template: [made] };
    },
    prepareTemplate: ({ templateid, storageid, storageids = storageid }) => {
      const image = about(templateid);
      const wanted = pools.filter(({ id }) => storageids === undefined || storageids.split(',').includes(id));
      const jobid = randomUUID();
      jobs.set(jobid, { created: Date.now(), about: wanted.map((where) => deploymentOf(image, where)) });
      return { template: image, jobid };
    },
    listTemplateRollouts: ({ id, state }) => ({
      templaterollout: [...jobs]
        .filter(([jobid, { about: some }]) => some.length > 1 && (!id || id === jobid))
        .map(([jobid, { created, about: some }]) =>
          rolloutAnswer(
            jobid,
            some.map((d) => answerOf(d, progress)),
            created,
          ),
        )
        .filter((rollout) => !state || rollout.state === state),
    }),
    listTemplateDeployments: ({ templateid, storageid, state, rolloutid = '' }) => ({
      templatedeployment: [...deployments.values()]
        .filter((d) => !templateid || d.template.id === templateid)
        .filter((d) => !storageid || d.pool.id === storageid)
        .filter((d) => jobs.get(rolloutid)?.about.some(({ id }) => id === d.id) ?? true)
        .map((d) => answerOf(d, progress))
        .filter((d) => !state || d.state === state),
    }),
    cancelTemplateDeployment: ({ templateid, storageid }) => {
      const found = deployments.get(`${templateid}:${storageid}`);
      if (found === undefined) throw new Refusal(431, 'nothing is being deployed there');
      found.cancelled = true;
      return { success: true, displaytext: `Cancelled on ${found.pool.name}` };
    },
    queryAsyncJobResult: ({ jobid = '' }) => jobAnswer(jobid, jobs.get(jobid), progress),
  };
}

function stateOf({ started, course, cancelled }: Deployment, progress: FleetOptions['progress']): string {
  if (cancelled) return 'Allocated';
  if (progress(started) < 1 || course === 'waits') return 'Creating';
  return course === 'works' ? 'Ready' : 'Failed';
}

function jobAnswer(
  jobid: string,
  job: { readonly created: number; readonly about: readonly Deployment[] } | undefined,
  progress: FleetOptions['progress'],
): unknown {
  if (job === undefined) throw new Refusal(431, `there is no job ${jobid}`);
  const states = job.about.map((d) => stateOf(d, progress));
  const base = { jobid, cmd: 'prepareTemplate', created: time(job.created), jobstatus: 0 };
  if (states.includes('Creating')) return base;
  const templatedeployment = job.about.map((d) => answerOf(d, progress));
  if (states.every((state) => state === 'Ready')) {
    return { ...base, jobstatus: 1, jobresultcode: 0, jobresult: { success: true, templatedeployment } };
  }
  return { ...base, jobstatus: 2, jobresultcode: 530, jobresult: { errorcode: 530, errortext: ERROR } };
}

function answerOf(d: Deployment, progress: FleetOptions['progress']) {
  const state = stateOf(d, progress);
  const done = Math.min(1, progress(d.started));
  const over = state === 'Ready' || state === 'Failed';
  const bytes = Math.floor(done * IMAGE_BYTES);
  return {
    id: d.id,
    templateid: d.template.id,
    templatename: d.template.name,
    format: 'QCOW2',
    state,
    zoneid: zone.id,
    zonename: zone.name,
    storageid: d.pool.id,
    storagename: d.pool.name,
    percent: Math.floor(done * 100),
    lastupdated: time(Date.now()),
    workflowid: `copy:${d.template.id}:${d.pool.id}`,
    ...(state === 'Creating' ? liveOf(d, bytes, done) : {}),
    ...(state === 'Failed' ? { error: ERROR } : {}),
    ...(d.cancelled ? { cancelledby: 'admin' } : {}),
    ...(over ? attemptsOf(d, state, bytes) : { attempts: [], attemptcount: 0 }),
    ...(state === 'Ready'
      ? {
          size: IMAGE_BYTES,
          physicalsize: IMAGE_BYTES / 2,
          localpath: `${d.pool.path}/${d.id}`,
          sha256: 'ab'.repeat(32),
        }
      : {}),
  };
}

function liveOf({ course, pool: where }: Deployment, bytes: number, done: number) {
  if (course === 'waits') {
    return {
      waitreason: 'pool has no room: 2.0 GiB are needed, 1.1 GiB are free, 0 B reserved',
      nexttry: time(Date.now() + 30_000),
    };
  }
  const phase = done < 0.05 ? 'connecting' : done < 0.95 ? 'downloading' : 'verifying';
  const moving = phase === 'downloading' ? { bytes, rate: 105 * MIB } : { bytes, rate: 0 };
  return {
    phase,
    ...moving,
    total: IMAGE_BYTES,
    source: SOURCE,
    hostname: where.name === 'local-2' ? 'kvm-2' : 'kvm-1',
  };
}

function attemptsOf(d: Deployment, state: string, bytes: number) {
  const at = (seconds: number): string => time(d.started + seconds * 1000);
  const dead = {
    id: randomUUID(),
    hostname: 'kvm-1',
    source: 'http://dead.example.org/image.qcow2',
    bytes: 0,
    started: at(0),
    ended: at(1),
    errorkind: 'Unreachable',
    error: 'connection refused',
  };
  const last = { id: randomUUID(), hostname: 'kvm-1', source: SOURCE, bytes, started: at(1), ended: at(20) };
  const failed = { errorkind: 'ChecksumMismatch', error: ERROR };
  return {
    hostname: 'kvm-1',
    attempts: [dead, { ...last, ...(state === 'Failed' ? failed : {}) }],
    attemptcount: 2,
  };
}

/** The roll-out of several copies. */
function rolloutAnswer(
  id: string,
  copies: readonly ReturnType<typeof answerOf>[],
  createdMs: number,
): Rollout {
  const are = (...states: readonly string[]): number =>
    copies.filter(({ state }) => states.includes(state)).length;
  const [ready, failed, running] = [are('Ready'), are('Failed'), are('Creating')];
  const [{ templateid, templatename }] = copies as [(typeof copies)[number]];
  const bytes = copies.reduce((sum, copy) => sum + (copy.percent * IMAGE_BYTES) / 100, 0);
  return {
    id,
    templateid,
    templatename,
    format: 'QCOW2',
    zoneid: zone.id,
    zonename: zone.name,
    selection: 'zone',
    state: running > 0 ? 'Running' : failed > 0 ? 'Failed' : 'Completed',
    total: copies.length,
    ready,
    running,
    queued: 0,
    failed,
    cancelled: are('Allocated'),
    percent: Math.floor((100 * bytes) / (copies.length * IMAGE_BYTES)),
    bytes,
    totalbytes: copies.length * IMAGE_BYTES,
    rate: 0,
    errors:
      failed === 0
        ? []
        : [
            {
              error: ERROR,
              errorkind: 'ChecksumMismatch',
              count: failed,
              storagenames: copies
                .filter(({ state }) => state === 'Failed')
                .map(({ storagename }) => storagename),
            },
          ],
    account: 'admin',
    username: 'admin',
    workflowid: `rollout:${id}`,
    created: time(createdMs),
  };
}
