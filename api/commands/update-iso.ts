import { updateCommand } from '../template-update.ts';

export const updateIso = updateCommand({
  name: 'updateIso',
  description: 'Changes what may be changed of an ISO; its URL, checksum and zones may not.',
  iso: true,
});
