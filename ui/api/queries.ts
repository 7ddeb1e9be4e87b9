/** Queries of the page, and how often they are repeated. */
import {
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useCallback } from 'react';
import { call, callJob, isUnauthorized, type Values } from './client.ts';
import { sessionEnded, useIsSessionOver } from './session.ts';

/** Milliseconds between requests for what changes often. The api caches answers for a second, so many open pages cost little. */
export const LIVE = 2000;
/** Milliseconds between requests for what changes seldom. */
const SLOW = 15_000;

/** Time of this page's last change. */
let changedAt = -Infinity;

/** Maximum age of a cached answer in seconds. An answer from before this page's own change must not be shown. */
const maxAge = (): number => (performance.now() - changedAt > 1000 ? 1 : 0);

/** After a change: repeats all queries whose results are shown. */
export function useChanged(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(() => {
    changedAt = performance.now();
    return queries.invalidateQueries();
  }, [queries]);
}

const onError = (error: Error): void => {
  if (isUnauthorized(error)) sessionEnded();
};

export const createQueries = (): QueryClient =>
  new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        retry: false,
        refetchInterval: SLOW,
        refetchIntervalInBackground: false,
        placeholderData: keepPreviousData,
        structuralSharing: true,
      },
    },
  });

export interface AskOptions {
  /** Milliseconds until the query is repeated; false: never. */
  readonly every?: number | false;
  readonly enabled?: boolean;
}

/** Repeats a read-only command until the session ends. */
function useAsked<T>(
  command: string,
  values: Values,
  { every = SLOW, enabled = true }: AskOptions,
  read: (answer: Readonly<Record<string, unknown>>) => T,
): UseQueryResult<T> {
  const isOver = useIsSessionOver();
  return useQuery({
    queryKey: [command, values],
    enabled: enabled && !isOver,
    refetchInterval: every,
    ...(every === false ? { staleTime: Infinity } : {}),
    queryFn: async ({ signal }) =>
      read(await call<Record<string, unknown>>(command, { ...values, maxage: maxAge() }, signal)),
  });
}

export interface Found<T> {
  readonly found: T | undefined;
}

/** The value of a key of the answer, if present. */
export const useOne = <T>(
  command: string,
  key: string,
  values: Values = {},
  options: AskOptions = {},
): UseQueryResult<Found<T>> =>
  useAsked(command, values, options, (answer) => ({ found: answer[key] as T | undefined }));

export interface Listing<T> {
  readonly count: number;
  readonly rows: readonly T[];
}

/** A list command: its rows and the total count. @param key key of the rows in the answer */
export const useList = <T>(
  command: string,
  key: string,
  values: Values = {},
  options: AskOptions = {},
): UseQueryResult<Listing<T>> =>
  useAsked(command, values, options, (answer) => ({
    count: (answer['count'] as number | undefined) ?? 0,
    rows: (answer[key] as readonly T[] | undefined) ?? [],
  }));

export interface CommandOptions {
  /** Called before queries are repeated, for example to leave the view of a deleted thing. */
  readonly onDone?: () => void;
  /** Whether the command answers with a job, which is waited for. */
  readonly asJob?: boolean;
}

/** A command that changes something; afterwards all shown queries are repeated. */
export function useCommand<T>(
  command: string,
  { onDone, asJob = false }: CommandOptions = {},
): UseMutationResult<T, Error, Values> {
  const changed = useChanged();
  return useMutation({
    mutationFn: (values: Values) => (asJob ? callJob<T>(command, values) : call<T>(command, values)),
    onSuccess: () => onDone?.(),
    onSettled: changed,
  });
}
