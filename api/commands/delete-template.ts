import { deletionCommand } from '../deletion.ts';

export const deleteTemplate = deletionCommand({
  name: 'deleteTemplate',
  description: 'Deletes a template, and its copies on all pools.',
  iso: false,
});
