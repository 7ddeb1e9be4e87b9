/** Every command of the API. */
import type { Command } from './command.ts';
import type { Door } from './door.ts';
import { addCluster } from './commands/add-cluster.ts';
import { cancelTemplateDeployment } from './commands/cancel-template-deployment.ts';
import { createHostInvite } from './commands/create-host-invite.ts';
import { createZone } from './commands/create-zone.ts';
import { deleteHost } from './commands/delete-host.ts';
import { deleteIso } from './commands/delete-iso.ts';
import { deleteTemplate } from './commands/delete-template.ts';
import { getApiLimit } from './commands/get-api-limit.ts';
import { getTemplateDeploymentSummary } from './commands/get-template-deployment-summary.ts';
import { listApis } from './commands/list-apis.ts';
import { listCapabilities } from './commands/list-capabilities.ts';
import { listClusters } from './commands/list-clusters.ts';
import { listConfigurations } from './commands/list-configurations.ts';
import { listEvents } from './commands/list-events.ts';
import { listHosts } from './commands/list-hosts.ts';
import { listIsos } from './commands/list-isos.ts';
import { listOsTypes } from './commands/list-os-types.ts';
import { listStoragePools } from './commands/list-storage-pools.ts';
import { listTemplateDeployments } from './commands/list-template-deployments.ts';
import { listTemplates } from './commands/list-templates.ts';
import { listZones } from './commands/list-zones.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { prepareTemplate } from './commands/prepare-template.ts';
import { queryAsyncJobResult } from './commands/query-async-job-result.ts';
import { registerIso } from './commands/register-iso.ts';
import { registerTemplate } from './commands/register-template.ts';
import { createTags } from './commands/create-tags.ts';
import { deleteTags } from './commands/delete-tags.ts';
import { listTags } from './commands/list-tags.ts';
import { extractTemplate } from './commands/extract-template.ts';
import { extractIso } from './commands/extract-iso.ts';
import { listTemplatePermissions } from './commands/list-template-permissions.ts';
import { listIsoPermissions } from './commands/list-iso-permissions.ts';
import { updateTemplatePermissions } from './commands/update-template-permissions.ts';
import { updateIsoPermissions } from './commands/update-iso-permissions.ts';
import { updateTemplate } from './commands/update-template.ts';
import { updateIso } from './commands/update-iso.ts';
import { listResourceLimits } from './commands/list-resource-limits.ts';
import { updateResourceLimit } from './commands/update-resource-limit.ts';
import { resetConfiguration } from './commands/reset-configuration.ts';
import { updateConfiguration } from './commands/update-configuration.ts';
import { updateHost } from './commands/update-host.ts';

export const COMMANDS: readonly Command[] = [
  addCluster,
  cancelTemplateDeployment,
  createHostInvite,
  createZone,
  deleteHost,
  deleteIso,
  deleteTemplate,
  getApiLimit,
  getTemplateDeploymentSummary,
  listApis(() => [...COMMANDS, ...DOORS]),
  listCapabilities,
  listClusters,
  listConfigurations,
  listEvents,
  listHosts,
  listIsos,
  listOsTypes,
  listStoragePools,
  listTemplateDeployments,
  listTemplates,
  listZones,
  prepareTemplate,
  queryAsyncJobResult,
  registerIso,
  registerTemplate,
  createTags,
  deleteTags,
  listTags,
  extractTemplate,
  extractIso,
  listTemplatePermissions,
  listIsoPermissions,
  updateTemplatePermissions,
  updateIsoPermissions,
  updateTemplate,
  updateIso,
  listResourceLimits,
  updateResourceLimit,
  resetConfiguration,
  updateConfiguration,
  updateHost,
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
