/** Messages to a running workflow. New fields are optional; no field is removed. */
import type { Progress } from './progress.ts';

/** Update of a deployment: stop and keep the bytes or, with `remove`, continue as the removal of the copy. */
export interface StopRequest {
  readonly v: 1;
  /** Name of the person or the part of Bypass that requests the stop. */
  readonly by: string;
  readonly remove: boolean;
  /**
   * Time of the request, by the database's clock. The stop does not settle younger jobs: the deployment serves them. Absent,
   * it settles every job that waits.
   */
  readonly at?: string;
  /** Workflow to signal when the run that was stopped has ended: a hint. */
  readonly listener?: string;
}

/** Signal to a workflow that waits for the end of another. */
export interface EndedNotice {
  readonly v: 1;
  /** The workflow that has ended. */
  readonly workflowId: string;
}

/** Signal to a deployment: the host worker was restarted, so that the attempt runs nowhere any more. */
export interface LostAttempt {
  readonly v: 1;
  readonly attemptId: string;
  /** Its last heartbeat. */
  readonly progress?: Progress;
}

/** Signal to a deployment: its host is drained, so that another one goes on from the bytes that it leaves on the pool. */
export interface HandOverRequest {
  readonly v: 1;
  /** A download on any other host goes on. */
  readonly hostId: string;
}

/** Signal to a copy's workflow: the copy is wanted. */
export interface WantedRequest {
  readonly v: 1;
  /** Workflow to signal when the run has ended: a hint. */
  readonly listener?: string;
  /** 1 goes before 5; the run keeps the first that it was asked for. Absent: that of a prefetch. */
  readonly priority?: number;
}
