import { deletionCommand } from '../deletion.ts';

export const deleteIso = deletionCommand({
  name: 'deleteIso',
  description: 'Deletes an ISO, and its copies on all pools.',
  iso: true,
});
