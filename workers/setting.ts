/** What a setting is: its flag, its environment variable, its default and what it means. */

export type ProcessName = 'dev' | 'demo' | 'api' | 'control' | 'host' | 'admin';

export interface Setting {
  readonly variable: `BYPASS_${string}`;
  /** Flag of the process commands, in commander's form. */
  readonly flag: `--${string}`;
  readonly fallback: string;
  readonly meaning: string;
  readonly processes: readonly ProcessName[];
}

export const setting = (
  processes: readonly ProcessName[],
  variable: Setting['variable'],
  flag: Setting['flag'],
  fallback: string,
  meaning: string,
): Setting => ({ processes, variable, flag, fallback, meaning });
