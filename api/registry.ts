/** Every command of the API. */
import type { Command } from './command.ts';
import type { Door } from './door.ts';
import { addCluster } from './commands/add-cluster.ts';
import { cancelHostMaintenance } from './commands/cancel-host-maintenance.ts';
import { cancelStorageMaintenance } from './commands/cancel-storage-maintenance.ts';
import { cancelTemplateDeployment } from './commands/cancel-template-deployment.ts';
import { createAccount } from './commands/create-account.ts';
import { createHostInvite } from './commands/create-host-invite.ts';
import { createTags } from './commands/create-tags.ts';
import { createZone } from './commands/create-zone.ts';
import { deleteAccount } from './commands/delete-account.ts';
import { deleteHost } from './commands/delete-host.ts';
import { deleteIso } from './commands/delete-iso.ts';
import { deleteTags } from './commands/delete-tags.ts';
import { deleteTemplate } from './commands/delete-template.ts';
import { enableStorageMaintenance } from './commands/enable-storage-maintenance.ts';
import { extractIso } from './commands/extract-iso.ts';
import { extractTemplate } from './commands/extract-template.ts';
import { deleteTemplateDirectDownloadCertificate } from './commands/delete-template-direct-download-certificate.ts';
import { getApiLimit } from './commands/get-api-limit.ts';
import { getTemplateDeploymentSummary } from './commands/get-template-deployment-summary.ts';
import { getTemplateRegistration } from './commands/get-template-registration.ts';
import { getUser } from './commands/get-user.ts';
import { listAccounts } from './commands/list-accounts.ts';
import { listApis } from './commands/list-apis.ts';
import { listAsyncJobs } from './commands/list-async-jobs.ts';
import { listCapabilities } from './commands/list-capabilities.ts';
import { listClusters } from './commands/list-clusters.ts';
import { listConfigurations } from './commands/list-configurations.ts';
import { listDomains } from './commands/list-domains.ts';
import { listEvents } from './commands/list-events.ts';
import { listHosts } from './commands/list-hosts.ts';
import { listHypervisors } from './commands/list-hypervisors.ts';
import { listIsoPermissions } from './commands/list-iso-permissions.ts';
import { listIsos } from './commands/list-isos.ts';
import { listOsCategories } from './commands/list-os-categories.ts';
import { listOsTypes } from './commands/list-os-types.ts';
import { listPods } from './commands/list-pods.ts';
import { listResourceLimits } from './commands/list-resource-limits.ts';
import { listStoragePools } from './commands/list-storage-pools.ts';
import { listTags } from './commands/list-tags.ts';
import { listTemplateDeployments } from './commands/list-template-deployments.ts';
import { listTemplatePermissions } from './commands/list-template-permissions.ts';
import { listTemplateDirectDownloadCertificates } from './commands/list-template-direct-download-certificates.ts';
import { listTemplates } from './commands/list-templates.ts';
import { listUsers } from './commands/list-users.ts';
import { listZones } from './commands/list-zones.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { prepareHostForMaintenance } from './commands/prepare-host-for-maintenance.ts';
import { prepareTemplate } from './commands/prepare-template.ts';
import { provisionTemplateDirectDownloadCertificate } from './commands/provision-template-direct-download-certificate.ts';
import { queryAsyncJobResult } from './commands/query-async-job-result.ts';
import { registerIso } from './commands/register-iso.ts';
import { registerTemplate } from './commands/register-template.ts';
import { registerUserKeys } from './commands/register-user-keys.ts';
import { resetConfiguration } from './commands/reset-configuration.ts';
import { updateConfiguration } from './commands/update-configuration.ts';
import { revokeTemplateDirectDownloadCertificate } from './commands/revoke-template-direct-download-certificate.ts';
import { updateHost } from './commands/update-host.ts';
import { updateIso } from './commands/update-iso.ts';
import { updateIsoPermissions } from './commands/update-iso-permissions.ts';
import { updateResourceLimit } from './commands/update-resource-limit.ts';
import { updateStoragePool } from './commands/update-storage-pool.ts';
import { updateTemplate } from './commands/update-template.ts';
import { updateTemplatePermissions } from './commands/update-template-permissions.ts';
import { updateUser } from './commands/update-user.ts';
import { uploadTemplateDirectDownloadCertificate } from './commands/upload-template-direct-download-certificate.ts';

export const COMMANDS: readonly Command[] = [
  addCluster,
  cancelHostMaintenance,
  cancelStorageMaintenance,
  cancelTemplateDeployment,
  createAccount,
  createHostInvite,
  createTags,
  createZone,
  deleteAccount,
  deleteHost,
  deleteIso,
  deleteTags,
  deleteTemplate,
  enableStorageMaintenance,
  extractIso,
  extractTemplate,
  deleteTemplateDirectDownloadCertificate,
  getApiLimit,
  getTemplateDeploymentSummary,
  getTemplateRegistration,
  getUser,
  listAccounts,
  listApis(() => [...COMMANDS, ...DOORS]),
  listAsyncJobs,
  listCapabilities,
  listClusters,
  listConfigurations,
  listDomains,
  listEvents,
  listHosts,
  listHypervisors,
  listIsoPermissions,
  listIsos,
  listOsCategories,
  listOsTypes,
  listPods,
  listResourceLimits,
  listStoragePools,
  listTags,
  listTemplateDeployments,
  listTemplatePermissions,
  listTemplateDirectDownloadCertificates,
  listTemplates,
  listUsers,
  listZones,
  prepareHostForMaintenance,
  prepareTemplate,
  provisionTemplateDirectDownloadCertificate,
  queryAsyncJobResult,
  registerIso,
  registerTemplate,
  registerUserKeys,
  resetConfiguration,
  updateConfiguration,
  revokeTemplateDirectDownloadCertificate,
  updateHost,
  updateIso,
  updateIsoPermissions,
  updateResourceLimit,
  updateStoragePool,
  updateTemplate,
  updateTemplatePermissions,
  updateUser,
  uploadTemplateDirectDownloadCertificate,
];

/** Those that come without a signature. */
export const DOORS: readonly Door[] = [login, logout];

const byName = <T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.name.toLowerCase(), one]));

const COMMANDS_BY_NAME = byName(COMMANDS);
const DOORS_BY_NAME = byName(DOORS);

/** @param name in any case */
export const findCommand = (name: string): Command | undefined => COMMANDS_BY_NAME.get(name.toLowerCase());

/** @param name in any case */
export const findDoor = (name: string): Door | undefined => DOORS_BY_NAME.get(name.toLowerCase());
