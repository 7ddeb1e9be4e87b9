/** Every name that more than one process must spell alike. */

export const CONTROL_QUEUE = 'control';

/** Queue of a host's short jobs: probe a URL, describe the host, remove a file. */
export const hostQueue = (hostId: string): string => `host:${hostId}`;

/** Queue of a host's downloads. The worker takes every job at once; its scheduler decides which of them run. */
export const transferQueue = (hostId: string): string => `host:${hostId}:transfer`;

const QUEUE_OF_HOST = /^host:([0-9a-f-]{36})(?::transfer)?$/;

/** The host whose queue this is; undefined for any other queue. */
export const hostOfQueue = (taskQueue: string): string | undefined => QUEUE_OF_HOST.exec(taskQueue)?.[1];

/** The Temporal identity of a host's connection. */
export const hostIdentity = (hostId: string): string => `host:${hostId}`;

/**
 * The Temporal identity under which one start of a host worker takes its jobs: it tells who took a job that has sent no
 * heartbeat yet. Heartbeats of workers are recognised by their queue.
 */
export const startIdentity = (hostId: string, incarnation: string): string =>
  `${hostIdentity(hostId)}:${incarnation}`;

/** Whether another start of the host took the job. Never with an earlier release, whose starts have one identity. */
export const isOtherStart = (identity: string, hostId: string, incarnation: string): boolean =>
  identity.startsWith(startIdentity(hostId, '')) && identity !== startIdentity(hostId, incarnation);

/** The registration of a template or ISO; later, under the same id, its deletion. */
export const templateWorkflowId = (templateId: string): string => `template:${templateId}`;

/** Every change of one copy (deployment, removal): one id, so that Temporal keeps them apart. */
export const copyWorkflowId = (templateId: string, poolId: string): string => `copy:${templateId}:${poolId}`;

/** Verifies a copy anew: it reads only, so that it may run beside the work on the copy. */
export const verificationWorkflowId = (templateId: string, poolId: string): string =>
  `${copyWorkflowId(templateId, poolId)}:verification`;

export const joinWorkflowId = (hostId: string): string => `host:${hostId}:join`;

/** Sends a host the limits that were set for it. */
export const limitsWorkflowId = (hostId: string): string => `host:${hostId}:limits`;

/** Brings the keystore of a host up to date: one id, so that no two runs change it at once. */
export const keystoreWorkflowId = (hostId: string): string => `host:${hostId}:certificates`;

/** Brings a certificate to hosts, or removes it from them. */
export const certificateWorkflowId = (certificateId: string): string => `certificate:${certificateId}`;

/** All of a virtual machine's life: one id, so that no two runs work on it at once. */
export const vmWorkflowId = (vmId: string): string => `vm:${vmId}`;

/** Reads the console log of a machine. */
export const consoleLogWorkflowId = (vmId: string): string => `vm:${vmId}:log`;

/** Compares the domains of a host with the rows of its machines. */
export const domainsWorkflowId = (hostId: string): string => `host:${hostId}:domains`;

/** Tells the hosts of a zone by whom they are known, and whom they may let in. */
export const peersWorkflowId = (zoneId: string): string => `zone:${zoneId}:peers`;

/** One call of prepareTemplate for many pools, by the id of its job. */
export const rolloutWorkflowId = (jobId: string): string => `${ROLLOUT}${jobId}`;

const ROLLOUT = 'rollout:';

/** Id of the job of a roll-out, by the id of its workflow; undefined: that is no workflow of a roll-out. */
export const jobOfRollout = (workflowId: string): string | undefined =>
  workflowId.startsWith(ROLLOUT) ? workflowId.slice(ROLLOUT.length) : undefined;

/** Verifies the copies of a zone whose turn it is. */
export const verificationsWorkflowId = (zoneId: string): string => `zone:${zoneId}:verifications`;

/** Compares the pools of a zone with the database, one after the other. */
export const cleanupWorkflowId = (zoneId: string): string => `zone:${zoneId}:cleanup`;

/** Asks the hosts of a zone for their reports. */
export const reportsWorkflowId = (zoneId: string): string => `zone:${zoneId}:reports`;

/** The one workflow that watches hosts and repairs what a crash left behind. */
export const UPKEEP_WORKFLOW_ID = 'upkeep';

/** Search attributes, all of type Keyword, created by the control worker when missing. */
export const SEARCH_ATTRIBUTES = ['TemplateId', 'PoolId', 'HostId', 'ZoneId', 'State', 'Reason'] as const;
export type SearchAttribute = (typeof SEARCH_ATTRIBUTES)[number];

/** Workflow types, as clients start them by name. */
export const workflowTypes = {
  registration: 'registration',
  sourceCheck: 'sourceCheck',
  deployment: 'deployment',
  removal: 'removal',
  verification: 'verification',
  verifications: 'verifications',
  deletion: 'deletion',
  join: 'join',
  hostLimits: 'hostLimits',
  hostReports: 'hostReports',
  certificate: 'certificate',
  keystore: 'keystore',
  upkeep: 'upkeep',
  peers: 'peers',
  rollout: 'rollout',
  cleanup: 'cleanup',
  vm: 'vm',
  consoleLog: 'consoleLog',
  domains: 'domains',
} as const;

/**
 * Signal to a copy's workflow: a job waits for the copy. Also to the workflow of a keystore (`KeystoreRequest`), to that of
 * a certificate (`CertificateRequest`), and to that of a roll-out: its row has changed.
 */
export const WANTED_SIGNAL = 'wanted';

/**
 * Update of a copy's workflow: stop (`StopRequest`). It returns when the stop is accepted. Activities send the same as a
 * signal, since they must not wait for another workflow's next task.
 */
export const STOP = 'stop';

/** Signal from a workflow to its listeners: it has ended (`EndedNotice`). */
export const ENDED_SIGNAL = 'ended';

/** Signal to a deployment: its attempt is lost (`LostAttempt`). A hint: the heartbeat time-out reports the loss later. */
export const LOST_SIGNAL = 'attemptLost';

/**
 * Signal to a deployment that waits for a host that gives the copy: one has a free upload. A hint: the deployment also looks
 * again by itself.
 */
export const SOURCE_FREE_SIGNAL = 'sourceFree';

/** Signal to a deployment: another host is to go on with its download (`HandOverRequest`). */
export const HAND_OVER_SIGNAL = 'handOver';

/** Memos of a workflow: names of its template, pool or host, since its id and its search attributes are UUIDs. */
export const TEMPLATE_MEMO = 'template';
export const POOL_MEMO = 'pool';
export const HOST_MEMO = 'host';
export const VM_MEMO = 'vm';

/** Memo of a copy's workflow: the `Wait` it is in, absent while it works. */
export const WAIT_MEMO = 'wait';

/** Memo of a copy's workflow: how many downloads it has begun, from the second on. */
export const ATTEMPT_MEMO = 'attempt';

/** Memo of a deployment: which rule decided what follows its latest failed download (`Decided`). */
export const DECIDED_MEMO = 'decided';

/** Type of the failure of a control activity that would fail again, however often it is tried. */
export const NOT_POSSIBLE = 'NotPossible';

/** The file in a pool's root that says which pool this is. */
export const POOL_MARKER = '.bypass-pool';
