import { extractionCommand } from '../template-extraction.ts';

export const extractTemplate = extractionCommand({
  name: 'extractTemplate',
  description: 'Tells the URL that the template comes from; it lies nowhere else to be fetched from.',
  iso: false,
});
