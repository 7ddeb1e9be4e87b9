/** The environment variables of the client commands; nothing else in cli/ reads the environment. */
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface CliEnvironment {
  readonly url?: string;
  readonly apiKey?: string;
  readonly secretKey?: string;
  /** PEM file of the authorities to trust instead of the usual ones. */
  readonly caFile?: string;
  /** The file of profiles, whether or not it exists. */
  readonly profileFile: string;
  /** Whether a terminal may be sent colours (NO_COLOR, TERM). */
  readonly color: boolean;
  /** Whether a terminal shows more than ASCII, by its locale. */
  readonly unicode: boolean;
  /** Whether the terminal can move its cursor, so that lines can be redrawn. */
  readonly redraws: boolean;
}

export function readEnvironment(environment: NodeJS.ProcessEnv): CliEnvironment {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const url = given('BYPASS_URL');
  const apiKey = given('BYPASS_API_KEY');
  const secretKey = given('BYPASS_SECRET_KEY');
  const caFile = given('BYPASS_CA_FILE');
  const locale = given('LC_ALL') ?? given('LC_CTYPE') ?? given('LANG') ?? '';
  const dumb = given('TERM') === undefined || given('TERM') === 'dumb';
  return {
    ...(url === undefined ? {} : { url }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(secretKey === undefined ? {} : { secretKey }),
    ...(caFile === undefined ? {} : { caFile }),
    profileFile: profileFileOf(given('XDG_CONFIG_HOME'), given('HOME')),
    color: !dumb && given('NO_COLOR') === undefined,
    unicode: /utf-?8/i.test(locale),
    redraws: !dumb && given('CI') === undefined,
  };
}

const profileFileOf = (configHome: string | undefined, home: string | undefined): string =>
  join(configHome ?? join(home ?? systemHome(), '.config'), 'bypass', 'config.json');

/** The home folder from the system's list of users, for an empty HOME: `os.homedir()` would return the empty text. */
function systemHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir();
  }
}
