/** Every name that more than one process must spell alike. */

export const CONTROL_QUEUE = 'control';

/** Short jobs: probe a URL, describe the host, remove a file. */
export const hostQueue = (hostId: string): string => `host:${hostId}`;

/** Downloads. Takes every job at once; the host worker's scheduler decides which of them run. */
export const transferQueue = (hostId: string): string => `host:${hostId}:transfer`;

/** The Temporal identity of a host worker, by which its worker heartbeats are recognised. */
export const hostIdentity = (hostId: string): string => `host:${hostId}`;

/** The registration of a template or ISO; later, under the same id, its deletion. */
export const templateWorkflowId = (templateId: string): string => `template:${templateId}`;

/** Every change of one copy (deployment, removal): one id, so that Temporal keeps them apart. */
export const copyWorkflowId = (templateId: string, poolId: string): string => `copy:${templateId}:${poolId}`;

export const joinWorkflowId = (hostId: string): string => `host:${hostId}:join`;

/** Tells a host of limits that were set for it. */
export const limitsWorkflowId = (hostId: string): string => `host:${hostId}:limits`;

/** The keystore of a host is brought to what it is to hold: one id, so that no two change it at once. */
export const keystoreWorkflowId = (hostId: string): string => `host:${hostId}:certificates`;

/** A certificate is brought to hosts, or taken from them. */
export const certificateWorkflowId = (certificateId: string): string => `certificate:${certificateId}`;

/** The one workflow that watches hosts and repairs what a crash left behind. */
export const UPKEEP_WORKFLOW_ID = 'upkeep';

/** Search attributes, all of type Keyword, created by the control worker when missing. */
export const SEARCH_ATTRIBUTES = ['TemplateId', 'PoolId', 'HostId', 'ZoneId', 'State', 'Reason'] as const;
export type SearchAttribute = (typeof SEARCH_ATTRIBUTES)[number];

/** Workflow types, as clients start them by name. */
export const workflowTypes = {
  registration: 'registration',
  deployment: 'deployment',
  removal: 'removal',
  deletion: 'deletion',
  join: 'join',
  hostLimits: 'hostLimits',
  certificate: 'certificate',
  keystore: 'keystore',
  upkeep: 'upkeep',
} as const;

/**
 * Signals to a copy's workflow: somebody wants the copy on its pool; somebody wants it stopped (`StopRequest`). The first
 * one is also that to the workflow of a keystore and, with a `CertificateRequest`, to that of a certificate.
 */
export const WANTED_SIGNAL = 'wanted';
export const STOP_SIGNAL = 'stop';

/** Memo of a copy's workflow: the `Wait` it is in, absent while it works. */
export const WAIT_MEMO = 'wait';

/** Memo of a copy's workflow: how many downloads it has begun. */
export const ATTEMPT_MEMO = 'attempt';

/** Type of the failure that a refused registration ends with; its detail is a `RegistrationRefusal`. */
export const REGISTRATION_REFUSED = 'RegistrationRefused';

/** Type of the failure of a control activity that no further try would mend. */
export const NOT_POSSIBLE = 'NotPossible';

/** The file in a pool's root that says which pool this is. */
export const POOL_MARKER = '.bypass-pool';
