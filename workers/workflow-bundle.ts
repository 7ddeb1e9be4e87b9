import { fileURLToPath } from 'node:url';

/** Where the build puts the workflows, and the control worker finds them. */
export const WORKFLOW_BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
