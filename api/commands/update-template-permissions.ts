import { updatePermissionsCommand } from '../template-permissions.ts';

export const updateTemplatePermissions = updatePermissionsCommand({
  name: 'updateTemplatePermissions',
  description: 'Says who may use the template: everybody, some accounts, or its own account only.',
  iso: false,
});
