/** Every command of the API. */
import type { Command } from './command.ts';
import { addCluster } from './commands/add-cluster.ts';
import { cancelTemplateDeployment } from './commands/cancel-template-deployment.ts';
import { createHostInvite } from './commands/create-host-invite.ts';
import { createZone } from './commands/create-zone.ts';
import { deleteHost } from './commands/delete-host.ts';
import { deleteIso } from './commands/delete-iso.ts';
import { deleteTemplate } from './commands/delete-template.ts';
import { listApis } from './commands/list-apis.ts';
import { listClusters } from './commands/list-clusters.ts';
import { listEvents } from './commands/list-events.ts';
import { listHosts } from './commands/list-hosts.ts';
import { listIsos } from './commands/list-isos.ts';
import { listOsTypes } from './commands/list-os-types.ts';
import { listStoragePools } from './commands/list-storage-pools.ts';
import { listTemplateDeployments } from './commands/list-template-deployments.ts';
import { listTemplates } from './commands/list-templates.ts';
import { listZones } from './commands/list-zones.ts';
import { prepareTemplate } from './commands/prepare-template.ts';
import { queryAsyncJobResult } from './commands/query-async-job-result.ts';
import { registerIso } from './commands/register-iso.ts';
import { registerTemplate } from './commands/register-template.ts';
import { updateHost } from './commands/update-host.ts';

export const COMMANDS: readonly Command[] = [
  addCluster,
  cancelTemplateDeployment,
  createHostInvite,
  createZone,
  deleteHost,
  deleteIso,
  deleteTemplate,
  listApis(() => COMMANDS),
  listClusters,
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
  updateHost,
];

const BY_NAME = new Map(COMMANDS.map((command) => [command.name.toLowerCase(), command]));

/** @param name in any case */
export const findCommand = (name: string): Command | undefined => BY_NAME.get(name.toLowerCase());
