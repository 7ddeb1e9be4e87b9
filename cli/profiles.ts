/** Where the api is and with which keys: profiles in one file (mode 0600), each part overridden by the environment. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { ifUnderstood, message, messageToHandOn, readJson, text } from '../model/messages/schema.ts';
import { replaceFile } from '../platform/replace-file.ts';
import type { CliEnvironment } from './environment.ts';
import { CliError, UnreachableError, UsageError } from './errors.ts';

export interface Profile {
  /** Ends in /client/api. */
  readonly url: string;
  readonly apiKey: string;
  readonly secretKey: string;
  /** PEM file of the authorities to trust instead of the usual ones. */
  readonly caFile?: string;
}

export interface Profiles {
  /** The one that is used when none is named. */
  readonly current?: string;
  readonly profiles: Readonly<Record<string, StoredProfile>>;
}

/** A part that is missing may come from the environment. */
type StoredProfile = Partial<Profile>;

const storedProfile = messageToHandOn<StoredProfile>({
  url: z.optional(text()),
  apiKey: z.optional(text()),
  secretKey: z.optional(text()),
  caFile: z.optional(text()),
});

const profilesFile = message<Profiles>({
  current: ifUnderstood(text()),
  profiles: z.record(z.string(), storedProfile),
});

/** A profile, and how to tell a person where it came from. */
export interface Access extends Profile {
  /** Of the URL. */
  readonly origin: string;
  /** Of the keys, where that is not the origin of the URL. */
  readonly keysOrigin?: string;
}

const API_PATH = '/client/api';
const SET_UP =
  'start one with `npm start` (which writes a profile), or set BYPASS_URL, BYPASS_API_KEY and BYPASS_SECRET_KEY';

/** @throws CliError when there is a file that cannot be understood */
export async function loadProfiles(file: string): Promise<Profiles> {
  const json = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new CliError(`the profiles in ${file} cannot be read (${error.code ?? error.message})`);
  });
  if (json === undefined) return { profiles: {} };
  const { value } = readJson(profilesFile, json);
  if (value !== undefined) return value;
  throw new CliError(`${file} is not a file of profiles: mend it, or remove it and make profiles anew`);
}

/** Writes one profile and makes it the current one; the others stay. */
export async function saveProfile(file: string, name: string, profile: Profile): Promise<void> {
  const { profiles } = await loadProfiles(file);
  await write(file, { current: name, profiles: { ...profiles, [name]: profile } });
}

/** @throws UsageError when there is no such profile */
export async function useProfile(file: string, name: string): Promise<void> {
  const stored = await loadProfiles(file);
  if (find(stored, name) === undefined) throw noSuchProfile(stored, name, file);
  await write(file, { ...stored, current: name });
}

function noSuchProfile({ profiles }: Profiles, name: string, file: string): UsageError {
  const names = Object.keys(profiles).join(', ') || 'none';
  return new UsageError(`there is no profile '${name}' in ${file} (there are: ${names})`);
}

async function write(file: string, profiles: Profiles): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, `${JSON.stringify(profiles, null, 2)}\n`);
}

/**
 * The api to speak to: the named profile, else the current one, each part overridden by the environment.
 * @throws UnreachableError when nothing says where the api is, UsageError when the named profile does not exist
 */
export async function chooseAccess(environment: CliEnvironment, name?: string): Promise<Access> {
  const { url, apiKey, secretKey, caFile, profileFile } = environment;
  if (name === undefined && url !== undefined && apiKey !== undefined && secretKey !== undefined) {
    const keys = { apiKey, secretKey, keysOrigin: KEY_NAMES };
    return { url: apiUrl(url, 'BYPASS_URL'), origin: 'BYPASS_URL', ...keys, ...defined({ caFile }) };
  }
  const stored = await loadProfiles(profileFile);
  const chosen = name ?? stored.current;
  const profile = chosen === undefined ? undefined : find(stored, chosen);
  if (profile === undefined && name !== undefined) {
    throw noSuchProfile(stored, name, profileFile);
  }
  const file = `profile ${chosen} of ${profileFile}`;
  const access = complete(
    { ...profile, ...defined({ url, apiKey, secretKey, caFile }) },
    url === undefined ? file : 'BYPASS_URL',
  );
  return { ...access, keysOrigin: originOfKeys(environment, file) };
}

const KEY_NAMES = 'BYPASS_API_KEY and BYPASS_SECRET_KEY';

function originOfKeys({ apiKey, secretKey }: CliEnvironment, file: string): string {
  if (apiKey === undefined && secretKey === undefined) return file;
  if (apiKey !== undefined && secretKey !== undefined) return KEY_NAMES;
  return `${apiKey === undefined ? 'BYPASS_SECRET_KEY' : 'BYPASS_API_KEY'} and ${file}`;
}

const find = ({ profiles }: Profiles, name: string): StoredProfile | undefined =>
  Object.hasOwn(profiles, name) ? profiles[name] : undefined;

function complete({ url, apiKey, secretKey, caFile }: StoredProfile, origin: string): Access {
  if (!url) throw new UnreachableError(`it is not known where the api is: ${SET_UP}`);
  if (!apiKey || !secretKey) {
    throw new UnreachableError(`there are no keys for the api at ${url} (${origin}): ${SET_UP}`);
  }
  return { url: apiUrl(url, origin), apiKey, secretKey, origin, ...defined({ caFile }) };
}

type Parts = { readonly [Name in keyof Profile]?: string | undefined };

const defined = (parts: Parts): Partial<Profile> =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));

/** The address as the api wants it; one without a path is completed. */
export function apiUrl(given: string, origin: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(
      `'${given}' (${origin}) is not the URL of an api, such as http://127.0.0.1:8080${API_PATH}`,
    );
  }
  if (url.pathname === '/') url.pathname = API_PATH;
  return url.href;
}
