/** Who is logged in, in this browser. */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { call, sessionKey } from './client.ts';

export interface Session {
  readonly username: string;
  readonly account: string;
  readonly isAdmin: boolean;
}

interface LoginAnswer {
  readonly username: string;
  readonly account: string;
  readonly type: string;
}

/** What the page shows of the session; whether it is still good only the api knows. */
const STORE = 'bypass.session';
const listeners = new Set<() => void>();

function write(session: Session | undefined): void {
  if (session === undefined) localStorage.removeItem(STORE);
  else localStorage.setItem(STORE, JSON.stringify(session));
  for (const tell of listeners) tell();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab logged in or out.
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}

const snapshot = (): string | null => (sessionKey() === undefined ? null : localStorage.getItem(STORE));

export function useSession(): Session | undefined {
  const text = useSyncExternalStore(subscribe, snapshot);
  return text === null ? undefined : (JSON.parse(text) as Session);
}

/** @throws ApiFailure */
export async function logIn(username: string, password: string): Promise<void> {
  const { account, type, ...answer } = await call<LoginAnswer>('login', { username, password });
  write({ username: answer.username, account, isAdmin: type === '1' });
}

/** The session is over: what was shown for it is forgotten. */
export function sessionEnded(): void {
  write(undefined);
}

export function useLogOut(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(async () => {
    await call('logout').catch(() => undefined);
    sessionEnded();
    queries.clear();
  }, [queries]);
}
