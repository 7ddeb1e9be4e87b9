/** What the machine's own variables say, for the parts of `npm start` that look for programs and folders. */
export interface Surroundings {
  readonly temporalCliPath: string | undefined;
  /** Folders of programs. */
  readonly searchPath: readonly string[];
  readonly home: string | undefined;
  readonly cacheHome: string | undefined;
  readonly configHome: string | undefined;
  /** Whether Temporal's address was given, by variable or by the file that @temporalio/envconfig reads. */
  readonly temporalAddress: string | undefined;
}

export function readSurroundings(environment: NodeJS.ProcessEnv): Surroundings {
  const text = (name: string): string | undefined => environment[name] || undefined;
  return {
    temporalCliPath: text('TEMPORAL_CLI_PATH'),
    searchPath: (environment['PATH'] ?? '').split(':').filter((folder) => folder !== ''),
    home: text('HOME'),
    cacheHome: text('XDG_CACHE_HOME'),
    configHome: text('XDG_CONFIG_HOME'),
    temporalAddress: text('TEMPORAL_ADDRESS'),
  };
}
