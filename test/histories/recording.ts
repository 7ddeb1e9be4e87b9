/** What records histories: into the folder of this version, where none is ever written again. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bypassVersion } from '../../workers/version.ts';
import type { ControlLab } from '../labs/control.ts';

export type Save = (name: string, handle: WorkflowHandle, runId?: string) => Promise<void>;

/** @throws Error where this version has a history of that name: what was recorded is what a release did */
export const savingFrom =
  (lab: () => ControlLab): Save =>
  async (name, handle, runId) => {
    const { workflow } = lab().temporal.client;
    const run = runId === undefined ? handle : workflow.getHandle(handle.workflowId, runId);
    const history = JSON.parse(historyToJSON(await run.fetchHistory()), withoutMachine) as unknown;
    const text = `${JSON.stringify({ workflowId: handle.workflowId, history }, undefined, 1)}\n`;
    const folder = join(__dirname, bypassVersion());
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}.json`), text, { flag: 'wx' });
  };

/** Stack traces, identities and the queues made of them name this machine, and replay needs none of it. */
const withoutMachine = (key: string, value: unknown): unknown => {
  if (key === 'stackTrace') return '';
  return typeof value === 'string' && /^\d+@/.test(value) ? 'recorded' : value;
};

export const newCopy = async (lab: ControlLab, pool: string) => ({
  templateId: await lab.addTemplate(),
  poolId: lab.poolId(pool),
});
