import { updateCommand } from '../template-update.ts';

export const updateTemplate = updateCommand({
  name: 'updateTemplate',
  description: 'Changes what may be changed of a template; its URL, checksum and zones may not.',
  iso: false,
});
