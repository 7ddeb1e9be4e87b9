/** The file that tells a script how to reach a running installation. */
import { rm } from 'node:fs/promises';
import { replaceFile } from '../platform/replace-file.ts';
import type { Pool } from './readiness.ts';
import type { AdminKeys } from './secrets.ts';

export interface ReadyFile extends AdminKeys {
  /** Ends in /client/api. */
  readonly apiUrl: string;
  /** Of each api; of one api, `apiUrl`. */
  readonly apiUrls: readonly string[];
  readonly pageUrl: string;
  readonly temporalAddress: string;
  /** Empty when this start runs no Web UI. */
  readonly temporalUiUrl: string;
  /** 0 for a server that this start does not run. */
  readonly pids: {
    /** The first of `controls`. */
    readonly control: number;
    readonly controls: readonly number[];
    /** The first of `apis`. */
    readonly api: number;
    readonly apis: readonly number[];
    readonly hosts: readonly number[];
    /** The first of `temporals`. */
    readonly temporal: number;
    readonly temporals: readonly number[];
    readonly balancer: number;
    readonly postgres: number;
  };
  readonly pools: readonly Pool[];
}

/** Replaces the file as a whole; only its owner can read it. */
export const writeReadyFile = (path: string, ready: ReadyFile): Promise<void> =>
  replaceFile(path, `${JSON.stringify(ready, undefined, 2)}\n`);

export const removeReadyFile = (path: string): Promise<void> => rm(path, { force: true });
