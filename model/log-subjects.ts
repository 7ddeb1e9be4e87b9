/** What a line of a log is about: ids under the same names in the logs of all processes. */
import { hostOfQueue } from './names.ts';

export interface LogSubjects {
  readonly templateId?: string;
  readonly poolId?: string;
  readonly hostId?: string;
  readonly vmId?: string;
  readonly zoneId?: string;
}

const FIRST: Readonly<Record<string, keyof LogSubjects>> = {
  template: 'templateId',
  copy: 'templateId',
  vm: 'vmId',
  host: 'hostId',
  zone: 'zoneId',
};

/** By the id of a workflow (names.ts). */
export function subjectsOfWorkflow(workflowId: string): LogSubjects {
  const [kind = '', first, second] = workflowId.split(':');
  const name = FIRST[kind];
  if (name === undefined || first === undefined) return {};
  return { [name]: first, ...(kind === 'copy' && second !== undefined ? { poolId: second } : {}) };
}

/**
 * The subjects of a line that names a workflow, or the task queue of a host, among its fields.
 * @returns none that the line names itself
 */
export function subjectsOfLine(fields: Readonly<Record<string, unknown>>): LogSubjects {
  const { workflowId, taskQueue } = fields;
  const hostId = typeof taskQueue === 'string' ? hostOfQueue(taskQueue) : undefined;
  return {
    ...(hostId === undefined ? {} : { hostId }),
    ...(typeof workflowId === 'string' ? subjectsOfWorkflow(workflowId) : {}),
  };
}

/** Parameters of the API that name one thing, whatever the command. */
const NAMED: Readonly<Record<string, keyof LogSubjects>> = {
  templateid: 'templateId',
  isoid: 'templateId',
  storageid: 'poolId',
  hostid: 'hostId',
  virtualmachineid: 'vmId',
  zoneid: 'zoneId',
};

/** What the parameter `id` names, by the command. */
const BY_COMMAND: readonly (readonly [RegExp, keyof LogSubjects])[] = [
  [/VirtualMachines?(?:ConsoleLog|UserData)?$/, 'vmId'],
  [/(?:Template|Iso)s?(?:Permissions)?$/, 'templateId'],
  [/StoragePools?$|StorageMaintenance$/, 'poolId'],
  [/Hosts?(?:Maintenance)?$/, 'hostId'],
  [/Zones?$/, 'zoneId'],
];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** By the parameters of a call: only what looks like an id, so that nothing secret is logged. */
export function subjectsOfCall(
  command: string,
  entries: readonly (readonly [string, string])[],
): LogSubjects {
  const byId = BY_COMMAND.find(([pattern]) => pattern.test(command))?.[1];
  const found = entries.flatMap(([given, value]) => {
    const parameter = given.toLowerCase();
    const name = parameter === 'id' ? byId : NAMED[parameter];
    return name === undefined || !UUID.test(value) ? [] : [[name, value.toLowerCase()] as const];
  });
  return Object.fromEntries(found);
}
