/** Hosts are none of a user's business: sentences that he is told have no names of hosts in them. */
import type { User } from '../db/accounts.ts';
import type { Database } from '../db/database.ts';
import { namesOfHosts } from '../db/hosts.ts';

/** Fields whose text Bypass writes, not a user. */
const SENTENCES: ReadonlySet<string> = new Set(['description', 'error', 'errortext', 'reason', 'waitreason']);
const HOST = /\bhost '?([^\s',;:()]+)'?/gi;

/** What is told to this user: an answer, or the sentence of an error. */
export async function discreet<T>(db: Database, caller: User, told: T): Promise<T> {
  if (caller.role === 'admin') return told;
  const text = typeof told === 'string' ? told : JSON.stringify(told);
  if (text.search(HOST) === -1) return told;
  const names = new Set(await namesOfHosts(db));
  return hide(told, (sentence) =>
    sentence.replace(HOST, (all, name: string) => (names.has(name) ? 'a host' : all)),
  ) as T;
}

function hide(value: unknown, hidden: (sentence: string) => string, field?: string): unknown {
  if (typeof value === 'string') {
    return field === undefined || SENTENCES.has(field) ? hidden(value) : value;
  }
  if (Array.isArray(value)) return value.map((one: unknown) => hide(one, hidden, field ?? ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]: [string, unknown]) => [name, hide(one, hidden, name)]),
  );
}
