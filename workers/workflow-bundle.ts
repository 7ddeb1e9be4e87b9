import { compiledFile } from '../platform/installation.ts';

/** The build writes the bundled workflows to this file, and control workers read it. */
export const WORKFLOW_BUNDLE = compiledFile('workflow-bundle.js');
