/** The variables of the system by which `npm start` finds programs and folders; empty ones count as absent. */
export interface DevEnvironment {
  readonly temporalCliPath: string | undefined;
  /** Folders of the variable PATH. */
  readonly searchPath: readonly string[];
  readonly home: string | undefined;
  readonly cacheHome: string | undefined;
  readonly configHome: string | undefined;
  /** Address of a Temporal server, from TEMPORAL_ADDRESS. */
  readonly temporalAddress: string | undefined;
}

export function readDevEnvironment(environment: NodeJS.ProcessEnv): DevEnvironment {
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
