/** Bundles the compiled workflows into one file at build time; bin/build.js runs this program. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { WORKFLOW_BUNDLE } from './workflow-bundle.ts';

const compiled = (name: string): string => fileURLToPath(new URL(`../workflows/${name}.js`, import.meta.url));

const { code } = await bundleWorkflowCode({
  workflowsPath: compiled('index'),
  workflowInterceptorModules: [compiled('traces')],
  preloadModules: [compiled('shared')],
  logger: new DefaultLogger('WARN'),
});
await writeFile(WORKFLOW_BUNDLE, code);
