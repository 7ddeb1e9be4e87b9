/** What the page asks, and how often it asks again. */
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
import { call, isUnauthorized, type Values } from './client.ts';
import { sessionEnded } from './session.ts';

/** Milliseconds between looks at what moves. All pages share one answer of the api a second, so many pages cost little. */
export const LIVE = 2000;
/** Milliseconds between looks at what seldom changes. */
export const SLOW = 15_000;

/** When this page changed something last. */
let changedAt = -Infinity;

/** Seconds that an answer may be old. One from before this page's own change would show that it had not been done. */
export const maxAge = (): number => (performance.now() - changedAt > 1000 ? 1 : 0);

/** For whoever changed something: everything shown is asked anew. */
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

export interface Listing<T> {
  readonly count: number;
  readonly rows: readonly T[];
}

export interface ListOptions {
  readonly every?: number;
  readonly enabled?: boolean;
}

/** A list command: its rows, and how many there are in all. @param key under which the rows stand */
export function useList<T>(
  command: string,
  key: string,
  values: Values = {},
  { every = SLOW, enabled = true }: ListOptions = {},
): UseQueryResult<Listing<T>> {
  return useQuery({
    queryKey: [command, values],
    enabled,
    refetchInterval: every,
    queryFn: async ({ signal }) => {
      const answer = await call<Record<string, unknown>>(command, { ...values, maxage: maxAge() }, signal);
      return {
        count: (answer['count'] as number | undefined) ?? 0,
        rows: (answer[key] as readonly T[] | undefined) ?? [],
      };
    },
  });
}

/**
 * A command that changes something; afterwards everything shown is asked anew.
 * @param onDone before that, such as to leave a view of what is no more
 */
export function useCommand<T>(command: string, onDone?: () => void): UseMutationResult<T, Error, Values> {
  const changed = useChanged();
  return useMutation({
    mutationFn: (values: Values) => call<T>(command, values),
    onSuccess: () => onDone?.(),
    onSettled: changed,
  });
}
