/** What a client does with virtual machines of a whole installation, and what must be on its hosts then. */
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ConsoleLog, VirtualMachine } from '../../model/api-answers.ts';
import type { EndToEnd, Job } from '../labs/end-to-end.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { bootDisk, bootIso } from '../support/boot-images.ts';
import { publishedIn } from '../support/pool-folder.ts';
import { until } from '../support/until.ts';

export type Parameters = Readonly<Record<string, string | number | boolean>>;

export interface Machines {
  /** Registers an image that boots, under a path of its own, and says `hello from <name>` on its console. */
  readonly image: (
    name: string,
    options?: { readonly format?: 'RAW' | 'ISO'; readonly zoneId?: string },
  ) => Promise<{ readonly id: string; readonly body: Buffer }>;
  /** Calls deployVirtualMachine. */
  readonly begin: (
    templateId: string,
    more?: Parameters,
  ) => Promise<{ readonly id: string; readonly jobid: string }>;
  /** Waits for a job, which must succeed. */
  readonly ended: (jobId: string) => Promise<Job>;
  /** Deploys a machine that runs then. @returns its id */
  readonly deploy: (templateId: string, more?: Parameters) => Promise<string>;
  /** Does something to the machine, and waits for its end. */
  readonly act: (command: string, id: string, more?: Parameters) => Promise<Job>;
  readonly expunge: (id: string) => Promise<Job>;
  readonly show: (id: string) => Promise<VirtualMachine | undefined>;
  /** Waits for a state. */
  readonly becomes: (id: string, state: string) => Promise<VirtualMachine>;
  /** Waits until the serial console has a text. */
  readonly console: (id: string, wanted: string) => Promise<string>;
  /** UUIDs of all domains of libvirt. */
  readonly domains: () => Promise<readonly string[]>;
  /** Names in the first pool. */
  readonly files: () => Promise<readonly string[]>;
}

/** Includes the time in which the installation notices what was lost. */
const JOB_MS = 240_000;

/** @param storage where the machines' disks are */
export async function openMachines(
  lab: EndToEnd,
  libvirt: LibvirtLab,
  storage: 'local' | 'shared',
): Promise<Machines> {
  const { serviceoffering } = await lab.call<{ serviceoffering: { id: string } }>('createServiceOffering', {
    name: 'tiny',
    displaytext: 'tiny',
    cpunumber: 1,
    cpuspeed: 20,
    memory: 64,
    storagetype: storage,
  });
  const begin: Machines['begin'] = (templateid, more = {}) =>
    lab.call('deployVirtualMachine', {
      templateid,
      zoneid: lab.zoneId,
      serviceofferingid: serviceoffering.id,
      ...more,
    });
  const show: Machines['show'] = async (id) =>
    (await lab.call<{ virtualmachine?: VirtualMachine[] }>('listVirtualMachines', { id, listall: true }))
      .virtualmachine?.[0];
  const ended: Machines['ended'] = async (jobid) => {
    const job = await lab.job(jobid, JOB_MS);
    expect(job.jobresult).not.toHaveProperty('errortext');
    expect(job.jobstatus).toBe(1);
    return job;
  };
  const act: Machines['act'] = async (command, id, more = {}) =>
    ended((await lab.call<{ jobid: string }>(command, { id, ...more })).jobid);
  return {
    async image(name, { format = 'RAW', zoneId = lab.zoneId } = {}) {
      const body = format === 'RAW' ? bootDisk(`hello from ${name}`) : bootIso(`hello from ${name}`);
      lab.server.serve(`/${name}`, { body });
      const { id } = await lab.register({ url: lab.server.url(`/${name}`), format, zoneid: zoneId });
      return { id, body };
    },
    begin,
    ended,
    async deploy(templateId, more) {
      const { id, jobid } = await begin(templateId, more);
      await ended(jobid);
      return id;
    },
    act,
    expunge: (id) => act('destroyVirtualMachine', id, { expunge: true }),
    show,
    becomes: (id, state) =>
      until(`${id} is ${state}`, async () => {
        const one = await show(id);
        return one?.state === state ? one : undefined;
      }),
    console: (id, wanted) =>
      until(`the console of ${id} says ${wanted}`, async () => {
        const answer = await lab
          .call<{ consolelog: ConsoleLog }>('getVirtualMachineConsoleLog', { virtualmachineid: id })
          .catch(unlessLater);
        return answer?.consolelog.output.includes(wanted) ? answer.consolelog.output : undefined;
      }),
    domains: async () =>
      (await libvirt.virsh.run(['list', '--all', '--uuid']))
        .split('\n')
        .filter((line) => line !== '')
        .toSorted(),
    files: async () => (await publishedIn(lab.pool.path)).toSorted(),
  };
}

/** The process that is to answer was killed, and is not back yet. */
function unlessLater(error: unknown): undefined {
  if (!(error instanceof Error) || !error.message.includes('try again later')) throw error;
}

/** Names in the folder of a host's machines; of what tells which starts are outdated, only what should not be there. */
export async function machineFiles(poolPath: string): Promise<readonly string[]> {
  const folder = join(dirname(poolPath), 'state-vms');
  const names: string[] = [];
  for (const name of ['seeds', 'consoles', 'drafts']) names.push(...(await namesIn(join(folder, name))));
  const fences = await namesIn(join(folder, 'fences'));
  names.push(...fences.filter((name) => !/^[0-9a-f-]{36}\.json$/.test(name)));
  return names.toSorted();
}

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

/** Ids of the processes of guests with this name, whether libvirt knows them or not. */
export async function guestProcesses(instanceName: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (command.includes(`guest=${instanceName},`)) found.push(Number(pid));
  }
  return found;
}
