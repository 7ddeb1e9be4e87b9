/**
 * How one workflow waits for the end of another. The workflow that ends signals those that registered as its listeners.
 * The signal is a hint, and may be lost: the truth is in the database, where the waiting workflow looks again when its
 * timer has run out. No activity waits: it would hold a slot that the other workflow needs.
 */
import { TemporalFailure } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { endedNotice } from '../model/messages/runs.ts';
import { read } from '../model/messages/schema.ts';
import { ENDED_SIGNAL } from '../model/names.ts';
import type { EndedNotice } from '../model/run-messages.ts';

const endedSignal = defineSignal<[EndedNotice]>(ENDED_SIGNAL);

export interface EndNotices {
  /**
   * Waits until each of these workflows has signalled its end, or until `ms` milliseconds have passed.
   * @returns whether all of them have signalled
   */
  waitForAll(workflowIds: readonly string[], ms: number): Promise<boolean>;
  /** Whether this workflow has signalled its end. */
  hasEnded(workflowId: string): boolean;
  /** Forgets the notice of a workflow, before another run of that workflow is requested. */
  forget(workflowId: string): void;
}

/** Call it before the first of the other workflows is requested; an earlier notice would be lost. */
export function receiveEndNotices(): EndNotices {
  const ended = new Set<string>();
  setHandler(endedSignal, (notice) => {
    const { value } = read(endedNotice, notice);
    if (value !== undefined) ended.add(value.workflowId);
  });
  return {
    waitForAll: (workflowIds, ms) =>
      condition(() => workflowIds.every((id) => ended.has(id)), ms, {
        summary: `waiting for the end of ${workflowIds.length} workflows; then looking again`,
      }),
    hasEnded: (workflowId) => ended.has(workflowId),
    forget: (workflowId) => void ended.delete(workflowId),
  };
}

/** The workflows that this one signals at its end. */
export class EndListeners {
  readonly #maxListeners: number;
  readonly #ids: Set<string>;

  /**
   * @param maxListeners workflows beyond that number get no signal, and look into the database by themselves
   * @param carried listeners of the run that this one continues
   */
  constructor(maxListeners: number, carried: readonly string[] = []) {
    this.#maxListeners = maxListeners;
    this.#ids = new Set(carried);
  }

  add(workflowId: string | undefined): void {
    if (workflowId !== undefined && this.#ids.size < this.#maxListeners) this.#ids.add(workflowId);
  }

  /** Those that need no signal any more. */
  remove(workflowIds: readonly string[]): void {
    for (const id of workflowIds) this.#ids.delete(id);
  }

  /** For the run that continues this one. */
  get ids(): readonly string[] {
    return [...this.#ids];
  }

  /** Signals the listeners. Call it once the database has what the listeners wait for. */
  async notify(): Promise<void> {
    const notice: EndedNotice = { v: 1, workflowId: workflowInfo().workflowId };
    const ids = this.ids;
    this.#ids.clear();
    await CancellationScope.nonCancellable(() => Promise.all(ids.map((id) => notifyOne(id, notice))));
  }
}

async function notifyOne(workflowId: string, notice: EndedNotice): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(endedSignal, notice);
  } catch (error) {
    // The listener has ended as well, and waits for nothing any more.
    if (!(error instanceof TemporalFailure)) throw error;
    log.debug(`workflow ${workflowId} could not be signalled: ${error.message}`);
  }
}
