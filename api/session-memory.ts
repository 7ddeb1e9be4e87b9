/**
 * Sessions that were found good a moment ago. An open page asks several things every two seconds; for what is only
 * read, and may be a moment old, its session is looked up once in a while. Whatever changes something looks it up.
 */
import type { User } from '../db/accounts.ts';
import type { SessionSecrets } from '../db/sessions.ts';

export interface SessionMemory {
  recall(secrets: SessionSecrets): User | undefined;
  keep(secrets: SessionSecrets, user: User): void;
  forget(token: string): void;
}

interface Kept {
  readonly key: string;
  readonly user: User;
  readonly since: number;
}

/** Milliseconds: so long a session that was ended through another api process can still read here. */
const TRUSTED_MS = 10_000;
const MANY = 5000;

export function createSessionMemory(now: () => number = () => performance.now()): SessionMemory {
  const byToken = new Map<string, Kept>();
  return {
    recall({ token, key }) {
      const kept = byToken.get(token);
      return kept !== undefined && kept.key === key && now() - kept.since < TRUSTED_MS
        ? kept.user
        : undefined;
    },
    keep({ token, key }, user) {
      byToken.delete(token);
      byToken.set(token, { key, user, since: now() });
      const [oldest] = byToken.keys();
      if (byToken.size > MANY && oldest !== undefined) byToken.delete(oldest);
    },
    forget(token) {
      byToken.delete(token);
    },
  };
}
