/** The answers of an api with virtual machines: each call of queryAsyncJobResult takes their jobs one step further. */
import { randomUUID } from 'node:crypto';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { Refusal } from './api-server.ts';
import type { Handler } from './api-server.ts';
import { hosts, SOURCE, zone } from './fleet.ts';

const MIB = 1024 ** 2;
const CREATED = '2026-11-24T07:00:00+0000';
const COMPLETED = '2026-11-24T07:00:12+0000';

export const small = {
  id: randomUUID(),
  name: 'Small Instance',
  displaytext: '1 CPU, 1 GiB',
  created: CREATED,
  cpunumber: 1,
  cpuspeed: 1000,
  memory: 1024,
  iscustomized: false,
  storagetype: 'shared',
  provisioningtype: 'thin',
};
export const lan = {
  id: randomUUID(),
  name: 'lan',
  displaytext: 'lan',
  type: 'L2',
  state: 'Implemented',
  zoneid: zone.id,
  zonename: zone.name,
  networkofferingname: 'L2',
  acltype: 'Domain',
  hostnetwork: 'lan',
};
export const key = {
  id: randomUUID(),
  name: 'me',
  fingerprint: 'aa:bb:cc',
  account: 'admin',
};
export const l2 = {
  id: randomUUID(),
  name: 'L2',
  displaytext: 'L2',
  guestiptype: 'L2',
  state: 'Enabled',
  specifyvlan: false,
  specifyipranges: false,
};
export const shared = {
  ...l2,
  id: randomUUID() as string,
  name: 'Shared',
  guestiptype: 'Shared',
  specifyvlan: true,
};
const volume = {
  id: randomUUID(),
  name: 'ROOT-1',
  type: 'ROOT',
  state: 'Ready',
  size: 2048 * MIB,
  storage: 'local-1',
};

export const machine = (name: string, more: Partial<VirtualMachine> = {}) => ({
  id: randomUUID() as string,
  name,
  displayname: name,
  state: 'Running',
  account: 'admin',
  created: CREATED,
  zoneid: zone.id,
  zonename: zone.name,
  hostname: 'kvm-1',
  instancename: 'i-2-7-VM',
  templateid: randomUUID(),
  templatename: 'ubuntu',
  serviceofferingid: small.id,
  serviceofferingname: small.name,
  cpunumber: 1,
  cpuspeed: 1000,
  memory: 1024,
  deleteprotection: false,
  nic: [
    {
      id: randomUUID(),
      networkid: lan.id,
      networkname: lan.name,
      macaddress: '02:00:00:00:00:01',
      ipaddress: '10.0.0.5',
      type: 'L2',
      isdefault: true,
    },
  ],
  tags: [],
  ...more,
});

/** What the machine shows, call by call; the last one stays. */
type Course = readonly Partial<VirtualMachine>[];

const copying = (bytes: number): Partial<VirtualMachine> => ({
  state: 'Starting',
  phase: 'copy',
  bytes: bytes * MIB,
  total: 2048 * MIB,
  percent: Math.floor((90 * bytes) / 2048),
  rate: 105 * MIB,
  source: SOURCE,
});

/** A start that brings the image first. */
export const START: Course = [
  { state: 'Starting', phase: 'place' },
  copying(512),
  copying(1024),
  { state: 'Starting', phase: 'copy', percent: 0 },
  { state: 'Starting', phase: 'disk', percent: 91 },
  { state: 'Starting', phase: 'boot', percent: 99 },
  { state: 'Running' },
];

export interface MachinesOptions {
  readonly machines?: readonly ReturnType<typeof machine>[];
  readonly course?: Course;
  /** Why jobs fail. */
  readonly failure?: string;
}

/** Handlers beside those of a fleet. */
export function machines({ machines: given = [], course = START, failure }: MachinesOptions = {}): Readonly<
  Record<string, Handler>
> {
  const known = [...given];
  /** How many looks a job has still to go. */
  const jobs = new Map<string, { readonly vmId: string; looks: number }>();
  const begin = (vmId: string) => {
    const jobid = randomUUID();
    jobs.set(jobid, { vmId, looks: 0 });
    return { jobid };
  };
  const nowOf = (vm: ReturnType<typeof machine>) => {
    const job = [...jobs.values()].find(({ vmId }) => vmId === vm.id);
    return job === undefined ? vm : { ...vm, ...course[Math.max(0, Math.min(job.looks, course.length) - 1)] };
  };
  const onId: Handler = ({ id = '' }) => begin(id);
  const onMachine: Handler = ({ virtualmachineid = '' }) => begin(virtualmachineid);
  return {
    listServiceOfferings: () => ({ serviceoffering: [small] }),
    listNetworkOfferings: () => ({ networkoffering: [l2, shared] }),
    listNetworks: () => ({ network: [lan] }),
    listSSHKeyPairs: () => ({ sshkeypair: [key] }),
    listVolumes: () => ({ volume: [volume] }),
    listVirtualMachines: ({ ids, keyword }) => ({
      virtualmachine: known
        .filter(({ id, name }) => (!ids || id === ids) && (!keyword || name.includes(keyword)))
        .map(nowOf),
    }),
    deployVirtualMachine: ({ name = '' }) => {
      const made = machine(name, { state: 'Starting', hostid: hosts[0]?.id ?? '' });
      known.push(made);
      return { id: made.id, ...begin(made.id) };
    },
    startVirtualMachine: onId,
    stopVirtualMachine: onId,
    rebootVirtualMachine: onId,
    destroyVirtualMachine: onId,
    expungeVirtualMachine: onId,
    restoreVirtualMachine: onMachine,
    attachIso: onMachine,
    detachIso: onMachine,
    queryAsyncJobResult: ({ jobid = '' }) => {
      const job = jobs.get(jobid);
      if (job === undefined) throw new Refusal(431, `there is no job ${jobid}`);
      job.looks += 1;
      const base = { jobid, cmd: 'startVirtualMachine', created: CREATED, jobstatus: 0 };
      if (job.looks < course.length) return base;
      const over = { ...base, completed: COMPLETED };
      if (failure === undefined) return { ...over, jobstatus: 1, jobresultcode: 0, jobresult: {} };
      return { ...over, jobstatus: 2, jobresultcode: 530, jobresult: { errorcode: 530, errortext: failure } };
    },
  };
}
