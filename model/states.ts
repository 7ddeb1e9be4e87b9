/** CloudStack's state words, as its tables hold them. */

export type TemplateFormat = 'QCOW2' | 'RAW' | 'ISO';

/** `vm_template.state`: NotUploaded while the registration is being checked, Inactive once deletion began. */
export type TemplateState = 'NotUploaded' | 'Active' | 'Inactive';

/** `download_state` of `template_store_ref` and `template_spool_ref`. */
export type DownloadState =
  'BYPASSED' | 'NOT_DOWNLOADED' | 'DOWNLOAD_IN_PROGRESS' | 'DOWNLOADED' | 'DOWNLOAD_ERROR';

/** `state` of `template_store_ref` and `template_spool_ref`. */
export type CopyState = 'Allocated' | 'Creating' | 'Ready' | 'Destroying' | 'Failed';

export type PoolType = 'Filesystem' | 'NetworkFilesystem' | 'SharedMountPoint';
export type PoolScope = 'HOST' | 'CLUSTER' | 'ZONE';

/** `host.resource_state`: Disabled until an operator or a token admitted the host. */
export type ResourceState = 'Enabled' | 'Disabled' | 'Maintenance';

/** The state of an asynchronous job, as `queryAsyncJobResult` numbers it. */
export const jobStatus = { pending: 0, done: 1, failed: 2 } as const;
