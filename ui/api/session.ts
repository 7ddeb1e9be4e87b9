/** The session of this browser. */
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

interface State {
  readonly session: Session | undefined;
  /** Whether the api has ended the session. The views stay, with their input, until a login or logout. */
  readonly isOver: boolean;
}

/** What the page stores of the session; only the api knows whether it is still valid. */
const STORE = 'bypass.session';
const listeners = new Set<() => void>();
let state: State = stored();

function stored(): State {
  const text = sessionKey() === undefined ? null : localStorage.getItem(STORE);
  return { session: text === null ? undefined : (JSON.parse(text) as Session), isOver: false };
}

function change(next: State): void {
  state = next;
  if (next.session === undefined || next.isOver) localStorage.removeItem(STORE);
  else localStorage.setItem(STORE, JSON.stringify(next.session));
  for (const notify of listeners) notify();
}

/** Follows a login or logout in another tab. */
addEventListener('storage', ({ key }) => {
  if (key !== STORE) return;
  state = stored();
  for (const notify of listeners) notify();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const snapshot = (): State => state;

export const useSession = (): Session | undefined => useSyncExternalStore(subscribe, snapshot).session;
export const useIsAdmin = (): boolean => useSession()?.isAdmin === true;
export const useIsSessionOver = (): boolean => useSyncExternalStore(subscribe, snapshot).isOver;

/** @throws ApiFailure */
export async function logIn(username: string, password: string): Promise<void> {
  const { account, type, ...answer } = await call<LoginAnswer>('login', { username, password });
  change({ session: { username: answer.username, account, isAdmin: type === '1' }, isOver: false });
}

export function sessionEnded(): void {
  if (state.session !== undefined && !state.isOver) change({ ...state, isOver: true });
}

export function useLogOut(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(async () => {
    await call('logout').catch(() => undefined);
    change({ session: undefined, isOver: false });
    queries.clear();
  }, [queries]);
}
