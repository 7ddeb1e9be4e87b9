/** Every command of the API. */
import type { Command } from './command.ts';
import type { PublicCommand } from './public-command.ts';
import { addCluster } from '../commands/zones/add-cluster.ts';
import { cancelTemplateDeployment } from '../commands/deployments/cancel-template-deployment.ts';
import { createAccount } from '../commands/accounts/create-account.ts';
import { createHostInvite } from '../commands/hosts/create-host-invite.ts';
import { createTags } from '../commands/tags/create-tags.ts';
import { createUser } from '../commands/accounts/create-user.ts';
import { createZone } from '../commands/zones/create-zone.ts';
import { deleteAccount } from '../commands/accounts/delete-account.ts';
import { deleteCluster } from '../commands/zones/delete-cluster.ts';
import { deleteHost } from '../commands/hosts/delete-host.ts';
import { deleteTags } from '../commands/tags/delete-tags.ts';
import { deleteIso, deleteTemplate } from '../commands/templates/delete-image.ts';
import { deleteTemplateDirectDownloadCertificate } from '../commands/certificates/delete-template-direct-download-certificate.ts';
import { deleteUser } from '../commands/accounts/delete-user.ts';
import { deleteZone } from '../commands/zones/delete-zone.ts';
import { disableAccount } from '../commands/accounts/disable-account.ts';
import { disableUser } from '../commands/accounts/disable-user.ts';
import { enableAccount } from '../commands/accounts/enable-account.ts';
import { cancelStorageMaintenance, enableStorageMaintenance } from '../commands/pools/storage-maintenance.ts';
import { enableUser } from '../commands/accounts/enable-user.ts';
import { extractIso, extractTemplate } from '../commands/templates/extract-image.ts';
import { getApiLimit } from '../commands/system/get-api-limit.ts';
import { getTemplateDeploymentSummary } from '../commands/deployments/get-template-deployment-summary.ts';
import { checkTemplateSource } from '../commands/templates/check-template-source.ts';
import { getTemplateRegistration } from '../commands/templates/get-template-registration.ts';
import { getUser } from '../commands/accounts/get-user.ts';
import { getUserKeys } from '../commands/accounts/get-user-keys.ts';
import { listAccounts } from '../commands/accounts/list-accounts.ts';
import { listApis } from '../commands/system/list-apis.ts';
import { listAsyncJobs } from '../commands/jobs/list-async-jobs.ts';
import { listCapabilities } from '../commands/system/list-capabilities.ts';
import { listClusters } from '../commands/zones/list-clusters.ts';
import { listConfigurations } from '../commands/settings/list-configurations.ts';
import { listDomains } from '../commands/accounts/list-domains.ts';
import { listEvents } from '../commands/jobs/list-events.ts';
import { listHosts } from '../commands/hosts/list-hosts.ts';
import { listHypervisors } from '../commands/hosts/list-hypervisors.ts';
import { listIsos } from '../commands/templates/list-isos.ts';
import { listOsCategories } from '../commands/templates/list-os-categories.ts';
import { listOsTypes } from '../commands/templates/list-os-types.ts';
import { listPods } from '../commands/zones/list-pods.ts';
import { listResourceLimits } from '../commands/accounts/list-resource-limits.ts';
import { listRoles } from '../commands/accounts/list-roles.ts';
import { cleanupStoragePool } from '../commands/pools/cleanup-storage-pool.ts';
import { listStoragePoolFiles } from '../commands/pools/list-storage-pool-files.ts';
import { removeStoragePoolFiles } from '../commands/pools/remove-storage-pool-files.ts';
import { listStoragePools } from '../commands/pools/list-storage-pools.ts';
import { listTags } from '../commands/tags/list-tags.ts';
import { listTemplateRollouts } from '../commands/rollouts/list-template-rollouts.ts';
import {
  cancelTemplateRollout,
  pauseTemplateRollout,
  resumeTemplateRollout,
} from '../commands/rollouts/steer-rollout.ts';
import { listTemplateDeployments } from '../commands/deployments/list-template-deployments.ts';
import { listTemplateDirectDownloadCertificates } from '../commands/certificates/list-template-direct-download-certificates.ts';
import {
  listIsoPermissions,
  listTemplatePermissions,
  updateIsoPermissions,
  updateTemplatePermissions,
} from '../commands/templates/image-permissions.ts';
import { listTemplates } from '../commands/templates/list-templates.ts';
import { listUsers } from '../commands/accounts/list-users.ts';
import { listZones } from '../commands/zones/list-zones.ts';
import { lockAccount } from '../commands/accounts/lock-account.ts';
import { lockUser } from '../commands/accounts/lock-user.ts';
import { login } from '../commands/accounts/login.ts';
import { logout } from '../commands/accounts/logout.ts';
import { cancelHostMaintenance, prepareHostForMaintenance } from '../commands/hosts/host-maintenance.ts';
import { prepareTemplate } from '../commands/deployments/prepare-template.ts';
import { provisionTemplateDirectDownloadCertificate } from '../commands/certificates/provision-template-direct-download-certificate.ts';
import { queryAsyncJobResult } from '../commands/jobs/query-async-job-result.ts';
import { registerIso } from '../commands/templates/register-iso.ts';
import { registerTemplate } from '../commands/templates/register-template.ts';
import { registerUserKeys } from '../commands/accounts/register-user-keys.ts';
import { resetConfiguration } from '../commands/settings/reset-configuration.ts';
import { revokeTemplateDirectDownloadCertificate } from '../commands/certificates/revoke-template-direct-download-certificate.ts';
import { updateCluster } from '../commands/zones/update-cluster.ts';
import { updateConfiguration } from '../commands/settings/update-configuration.ts';
import { updateHost } from '../commands/hosts/update-host.ts';
import { updateResourceLimit } from '../commands/accounts/update-resource-limit.ts';
import { updateStoragePool } from '../commands/pools/update-storage-pool.ts';
import { updateIso, updateTemplate } from '../commands/templates/update-image.ts';
import { updateUser } from '../commands/accounts/update-user.ts';
import { updateZone } from '../commands/zones/update-zone.ts';
import { uploadTemplateDirectDownloadCertificate } from '../commands/certificates/upload-template-direct-download-certificate.ts';
import { createDiskOffering } from '../commands/offerings/create-disk-offering.ts';
import { createServiceOffering } from '../commands/offerings/create-service-offering.ts';
import { deleteDiskOffering, deleteServiceOffering } from '../commands/offerings/delete-offering.ts';
import { listDiskOfferings } from '../commands/offerings/list-disk-offerings.ts';
import { listServiceOfferings } from '../commands/offerings/list-service-offerings.ts';
import { updateDiskOffering } from '../commands/offerings/update-disk-offering.ts';
import { updateServiceOffering } from '../commands/offerings/update-service-offering.ts';
import { deployVirtualMachine } from '../commands/vms/deploy-virtual-machine.ts';
import { destroyVirtualMachine } from '../commands/vms/destroy-virtual-machine.ts';
import { expungeVirtualMachine } from '../commands/vms/expunge-virtual-machine.ts';
import { rebootVirtualMachine } from '../commands/vms/reboot-virtual-machine.ts';
import { startVirtualMachine } from '../commands/vms/start-virtual-machine.ts';
import { stopVirtualMachine } from '../commands/vms/stop-virtual-machine.ts';
import { listVirtualMachines, listVirtualMachinesMetrics } from '../commands/vms/list-virtual-machines.ts';
import { createNetwork } from '../commands/networks/create-network.ts';
import { createNetworkOffering } from '../commands/networks/create-network-offering.ts';
import { deleteNetwork } from '../commands/networks/delete-network.ts';
import { deleteNetworkOffering } from '../commands/networks/delete-network-offering.ts';
import { listNetworkOfferings } from '../commands/networks/list-network-offerings.ts';
import { listNetworks } from '../commands/networks/list-networks.ts';
import { listPublicIpAddresses } from '../commands/networks/list-public-ip-addresses.ts';
import { restartNetwork } from '../commands/networks/restart-network.ts';
import { updateNetwork } from '../commands/networks/update-network.ts';
import { updateNetworkOffering } from '../commands/networks/update-network-offering.ts';
import { attachIso, detachIso } from '../commands/vms/attach-iso.ts';
import { changeServiceForVirtualMachine, scaleVirtualMachine } from '../commands/vms/change-offering.ts';
import { getVirtualMachineConsoleLog } from '../commands/vms/get-virtual-machine-console-log.ts';
import { getVirtualMachineUserData } from '../commands/vms/get-virtual-machine-user-data.ts';
import { listNics } from '../commands/vms/list-nics.ts';
import { listVolumes } from '../commands/vms/list-volumes.ts';
import { recoverVirtualMachine } from '../commands/vms/recover-virtual-machine.ts';
import {
  resetSshKeyForVirtualMachine,
  resetUserDataForVirtualMachine,
} from '../commands/vms/reset-first-boot.ts';
import { restoreVirtualMachine } from '../commands/vms/restore-virtual-machine.ts';
import { updateVirtualMachine } from '../commands/vms/update-virtual-machine.ts';
import { updateVmAffinityGroup } from '../commands/vms/update-vm-affinity-group.ts';
import { createInstanceGroup } from '../commands/keys/create-instance-group.ts';
import { createSSHKeyPair } from '../commands/keys/create-ssh-key-pair.ts';
import { deleteInstanceGroup } from '../commands/keys/delete-instance-group.ts';
import { deleteSSHKeyPair } from '../commands/keys/delete-ssh-key-pair.ts';
import { deleteUserData } from '../commands/keys/delete-user-data.ts';
import { listInstanceGroups } from '../commands/keys/list-instance-groups.ts';
import { listAffinityGroups, listSecurityGroups } from '../commands/keys/list-no-groups.ts';
import { listSSHKeyPairs } from '../commands/keys/list-ssh-key-pairs.ts';
import { listUserData } from '../commands/keys/list-user-data.ts';
import { registerSSHKeyPair } from '../commands/keys/register-ssh-key-pair.ts';
import { registerUserData } from '../commands/keys/register-user-data.ts';
import { updateInstanceGroup } from '../commands/keys/update-instance-group.ts';
import { listCapacity } from '../commands/zones/list-capacity.ts';

export const COMMANDS: readonly Command[] = [
  addCluster,
  attachIso,
  cancelHostMaintenance,
  cancelStorageMaintenance,
  cancelTemplateDeployment,
  cancelTemplateRollout,
  cleanupStoragePool,
  changeServiceForVirtualMachine,
  createAccount,
  createDiskOffering,
  createHostInvite,
  createInstanceGroup,
  createNetwork,
  createNetworkOffering,
  createSSHKeyPair,
  createServiceOffering,
  createTags,
  createUser,
  createZone,
  deleteAccount,
  deleteCluster,
  deleteDiskOffering,
  deleteHost,
  deleteInstanceGroup,
  deleteIso,
  deleteNetwork,
  deleteNetworkOffering,
  deleteSSHKeyPair,
  deleteServiceOffering,
  deleteTags,
  deleteTemplate,
  deleteTemplateDirectDownloadCertificate,
  deleteUser,
  deleteUserData,
  deleteZone,
  deployVirtualMachine,
  destroyVirtualMachine,
  detachIso,
  disableAccount,
  disableUser,
  enableAccount,
  enableStorageMaintenance,
  enableUser,
  expungeVirtualMachine,
  extractIso,
  extractTemplate,
  getApiLimit,
  getTemplateDeploymentSummary,
  checkTemplateSource,
  getTemplateRegistration,
  getUser,
  getUserKeys,
  getVirtualMachineConsoleLog,
  getVirtualMachineUserData,
  listAccounts,
  listAffinityGroups,
  listApis(() => [...COMMANDS, ...PUBLIC_COMMANDS]),
  listAsyncJobs,
  listCapabilities,
  listCapacity,
  listClusters,
  listConfigurations,
  listDiskOfferings,
  listDomains,
  listEvents,
  listHosts,
  listHypervisors,
  listInstanceGroups,
  listIsoPermissions,
  listIsos,
  listNetworkOfferings,
  listNetworks,
  listNics,
  listOsCategories,
  listOsTypes,
  listPods,
  listPublicIpAddresses,
  listResourceLimits,
  listRoles,
  listSSHKeyPairs,
  listSecurityGroups,
  listServiceOfferings,
  listStoragePoolFiles,
  listStoragePools,
  listTags,
  listTemplateDeployments,
  listTemplateRollouts,
  listTemplateDirectDownloadCertificates,
  listTemplatePermissions,
  listTemplates,
  listUserData,
  listUsers,
  listVirtualMachines,
  listVirtualMachinesMetrics,
  listVolumes,
  listZones,
  lockAccount,
  lockUser,
  prepareHostForMaintenance,
  pauseTemplateRollout,
  prepareTemplate,
  provisionTemplateDirectDownloadCertificate,
  queryAsyncJobResult,
  rebootVirtualMachine,
  removeStoragePoolFiles,
  recoverVirtualMachine,
  registerIso,
  registerSSHKeyPair,
  registerTemplate,
  registerUserData,
  registerUserKeys,
  resetConfiguration,
  restartNetwork,
  resetSshKeyForVirtualMachine,
  resetUserDataForVirtualMachine,
  restoreVirtualMachine,
  resumeTemplateRollout,
  revokeTemplateDirectDownloadCertificate,
  scaleVirtualMachine,
  startVirtualMachine,
  stopVirtualMachine,
  updateCluster,
  updateConfiguration,
  updateDiskOffering,
  updateHost,
  updateInstanceGroup,
  updateIso,
  updateIsoPermissions,
  updateNetwork,
  updateNetworkOffering,
  updateResourceLimit,
  updateServiceOffering,
  updateStoragePool,
  updateTemplate,
  updateTemplatePermissions,
  updateUser,
  updateVirtualMachine,
  updateVmAffinityGroup,
  updateZone,
  uploadTemplateDirectDownloadCertificate,
];

/** Commands that need no signature. */
export const PUBLIC_COMMANDS: readonly PublicCommand[] = [login, logout];

const byName = <T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.name.toLowerCase(), one]));

const COMMANDS_BY_NAME = byName(COMMANDS);
const PUBLIC_COMMANDS_BY_NAME = byName(PUBLIC_COMMANDS);

/** @param name in any case */
export const findCommand = (name: string): Command | undefined => COMMANDS_BY_NAME.get(name.toLowerCase());

/** @param name in any case */
export const findPublicCommand = (name: string): PublicCommand | undefined =>
  PUBLIC_COMMANDS_BY_NAME.get(name.toLowerCase());
