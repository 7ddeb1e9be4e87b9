import { updatePermissionsCommand } from '../template-permissions.ts';

export const updateIsoPermissions = updatePermissionsCommand({
  name: 'updateIsoPermissions',
  description: 'Says who may use the iso: everybody, some accounts, or its own account only.',
  iso: true,
});
