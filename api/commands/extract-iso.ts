import { extractionCommand } from '../template-extraction.ts';

export const extractIso = extractionCommand({
  name: 'extractIso',
  description: 'Tells the URL that the iso comes from; it lies nowhere else to be fetched from.',
  iso: true,
});
