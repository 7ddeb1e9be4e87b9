import { listPermissionsCommand } from '../template-permissions.ts';

export const listTemplatePermissions = listPermissionsCommand({
  name: 'listTemplatePermissions',
  description: 'Tells who may use the template, besides its own account.',
  iso: false,
});
