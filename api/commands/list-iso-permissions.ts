import { listPermissionsCommand } from '../template-permissions.ts';

export const listIsoPermissions = listPermissionsCommand({
  name: 'listIsoPermissions',
  description: 'Tells who may use the iso, besides its own account.',
  iso: true,
});
