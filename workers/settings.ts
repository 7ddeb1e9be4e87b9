/**
 * Reads the settings of a process from flags and environment. No other file of the processes reads the environment, except
 * that @temporalio/envconfig reads Temporal's own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…).
 */
import { readFileSync } from 'node:fs';
import { label, SETTINGS } from './settings-table.ts';
import type { SettingName } from './settings-table.ts';

export { label } from './settings-table.ts';
export type { SettingName } from './settings-table.ts';

/** Settings given as flags. */
export type Flags = Readonly<Partial<Record<SettingName, string>>>;

export interface Settings {
  /** The flag, else the variable, else the default; empty when there is none. @throws SettingError for an unreadable `@file` */
  text(name: SettingName): string;
  /** @throws SettingError when the setting is no whole number of at least `min` (default 0) */
  number(name: SettingName, min?: number): number;
  /** @throws SettingError when the setting is empty */
  required(name: SettingName): string;
  /** Whether a flag or variable gives the setting. */
  given(name: SettingName): boolean;
}

/** A setting cannot be used; the message names it and says what would be right. */
export class SettingError extends Error {}

/** Usual variables of other programs, read when Bypass's own variable is not set. */
const OTHERS: Readonly<Partial<Record<SettingName, string>>> = {
  httpProxy: 'http_proxy',
  httpsProxy: 'https_proxy',
  noProxy: 'no_proxy',
};

/** Settings with secrets. They accept `@file`, which keeps the secret out of the list of processes. */
const SECRETS: readonly SettingName[] = ['databaseUrl', 'httpProxy', 'httpsProxy', 'invite'];

/** Files read only when needed: a host that was admitted before needs no invite, so its file may be gone. */
const READ_LATER: readonly SettingName[] = ['invite'];

/** A warning for each flag with a secret, which every user of the machine can read in the list of processes. */
export const exposedSecrets = (flags: Flags): readonly string[] =>
  SECRETS.filter((name) => holdsSecret(name, flags[name] ?? '')).map(
    (name) =>
      `the secret in ${SETTINGS[name].flag} can be read by everybody on this machine (ps); give it as ` +
      `${SETTINGS[name].flag} @file, or as ${SETTINGS[name].variable}`,
  );

function holdsSecret(name: SettingName, text: string): boolean {
  if (text === '' || text.startsWith('@')) return false;
  return name === 'invite' || (URL.canParse(text) && new URL(text).password !== '');
}

/** @throws SettingError when the named file cannot be read */
function resolveFile(name: SettingName, text: string): string {
  if (!text.startsWith('@') || !SECRETS.includes(name) || READ_LATER.includes(name)) return text;
  try {
    return readFileSync(text.slice(1), 'utf8').trim();
  } catch (error) {
    const { message } = error as Error;
    throw new SettingError(`${label(name)} names a file that cannot be read (${message})`, { cause: error });
  }
}

export function readSettings(flags: Flags, environment: NodeJS.ProcessEnv): Settings {
  const value = (name: SettingName): string | undefined => {
    const other = OTHERS[name] ?? '';
    const variables = [SETTINGS[name].variable, other, other.toUpperCase()];
    return flags[name] ?? variables.map((variable) => environment[variable]).find((text) => text);
  };
  const text = (name: SettingName): string => resolveFile(name, value(name) ?? SETTINGS[name].fallback);
  return {
    text,
    given: (name) => value(name) !== undefined,
    number(name, min = 0) {
      const number = Number(text(name));
      if (/^\d+$/.test(text(name)) && Number.isSafeInteger(number) && number >= min) return number;
      throw new SettingError(`${label(name)} must be a whole number from ${min} on, not '${text(name)}'`);
    },
    required(name) {
      if (text(name) !== '') return text(name);
      throw new SettingError(`${label(name)} is missing: ${SETTINGS[name].meaning}`);
    },
  };
}
