/** CloudStack's state words, as its tables hold them. */

export const TEMPLATE_FORMATS = ['QCOW2', 'RAW', 'ISO'] as const;
export type TemplateFormat = (typeof TEMPLATE_FORMATS)[number];

/** `vm_template.state`: NotUploaded while the registration is being checked, Inactive once deletion began. */
export type TemplateState = 'NotUploaded' | 'Active' | 'Inactive';

/** `download_state` of `template_store_ref` and `template_spool_ref`. */
export type DownloadState =
  'BYPASSED' | 'NOT_DOWNLOADED' | 'DOWNLOAD_IN_PROGRESS' | 'DOWNLOADED' | 'DOWNLOAD_ERROR';

/** `state` of `template_store_ref` and `template_spool_ref`. */
export type CopyState = 'Allocated' | 'Creating' | 'Ready' | 'Destroying' | 'Failed';

/** A further type also needs its kind in images/pools/kinds.ts, and a migration of the check on `storage_pool.pool_type`. */
export const POOL_TYPES = ['Filesystem', 'NetworkFilesystem', 'SharedMountPoint'] as const;
export type PoolType = (typeof POOL_TYPES)[number];

export const POOL_SCOPES = ['HOST', 'CLUSTER', 'ZONE'] as const;
export type PoolScope = (typeof POOL_SCOPES)[number];

/** `host.resource_state`: Disabled until an operator or a token admitted the host. */
export type ResourceState = 'Enabled' | 'Disabled' | 'Maintenance';

/** The state of an asynchronous job, as `queryAsyncJobResult` numbers it. */
export const jobStatus = { pending: 0, done: 1, failed: 2 } as const;

/** Seconds that `queryAsyncJobResult` waits at most for the end of a job: clients give up after 10 s. */
export const JOB_WAIT_SECONDS = 5;
