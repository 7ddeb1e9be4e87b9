/** What a script needs to use a running installation. */
import { rm } from 'node:fs/promises';
import { replaceFile } from './replace-file.ts';
import type { Pool } from './readiness.ts';
import type { AdminKeys } from './secrets.ts';

export interface ReadyFile extends AdminKeys {
  /** Ends in /client/api. */
  readonly apiUrl: string;
  readonly pageUrl: string;
  readonly temporalAddress: string;
  /** Empty when Temporal is not ours. */
  readonly temporalUiUrl: string;
  /** 0 for what is not ours. */
  readonly pids: {
    readonly control: number;
    readonly api: number;
    readonly hosts: readonly number[];
    readonly temporal: number;
    readonly postgres: number;
  };
  readonly pools: readonly Pool[];
}

/** For its owner only, and never there in part. */
export const writeReadyFile = (path: string, ready: ReadyFile): Promise<void> =>
  replaceFile(path, `${JSON.stringify(ready, undefined, 2)}\n`);

export const removeReadyFile = (path: string): Promise<void> => rm(path, { force: true });
