/** The file that tells a script how to reach a running installation. */
import { rm } from 'node:fs/promises';
import { replaceFile } from '../platform/replace-file.ts';
import type { Pool } from './readiness.ts';
import type { AdminKeys } from './secrets.ts';

export interface ReadyFile extends AdminKeys {
  /** Ends in /client/api. */
  readonly apiUrl: string;
  readonly pageUrl: string;
  readonly temporalAddress: string;
  /** Empty when this start does not run Temporal. */
  readonly temporalUiUrl: string;
  /** 0 for a server that this start does not run. */
  readonly pids: {
    readonly control: number;
    readonly api: number;
    readonly hosts: readonly number[];
    readonly temporal: number;
    readonly postgres: number;
  };
  readonly pools: readonly Pool[];
}

/** Replaces the file as a whole; only its owner can read it. */
export const writeReadyFile = (path: string, ready: ReadyFile): Promise<void> =>
  replaceFile(path, `${JSON.stringify(ready, undefined, 2)}\n`);

export const removeReadyFile = (path: string): Promise<void> => rm(path, { force: true });
