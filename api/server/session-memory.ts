/**
 * Remembers sessions that were valid a moment ago, so that an open page, which makes several calls every two seconds, does
 * not look its session up for each.
 *
 * Only calls that read, and that may be answered from a moment ago, recall a session (`recall`). Calls that change
 * something always look their session up (`lookUp`). A session is recalled for at most `TRUSTED_MS`, counted from its
 * last look-up. Every `CHECKED_MS` one query for all remembered sessions finds those that ended through another api
 * process. A session that ends through this process is forgotten at once.
 *
 * What must never happen: that a session which ended during its look-up is remembered as valid. `endings` counts the
 * sessions ended here, and `lookUp` remembers nothing when the count moved while it waited for the database.
 */
import type { User } from '../../db/accounts/accounts.ts';
import type { SessionSecrets } from '../../db/accounts/sessions.ts';

export interface SessionMemory {
  /**
   * The user of a remembered session; undefined when the session must be looked up.
   * @param areOpen finds which of these tokens belong to sessions that have not ended
   */
  recall(
    secrets: SessionSecrets,
    areOpen: (tokens: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<User | undefined>;
  /** Looks a session up, and remembers it unless any session ended meanwhile. */
  lookUp(secrets: SessionSecrets, find: () => Promise<User | undefined>): Promise<User | undefined>;
  forget(token: string): void;
  /** @param userUuids users whose sessions all ended */
  forgetUsers(userUuids: readonly string[]): void;
}

interface RememberedSession {
  readonly key: string;
  readonly user: User;
  readonly lookedUpAt: number;
}

/** Milliseconds until a session that is in use is looked up again. */
const TRUSTED_MS = 10_000;
/** Milliseconds between two checks; for so long a session that ended through another api process can still read here. */
const CHECKED_MS = 2000;
const MAX_ENTRIES = 5000;

export function createSessionMemory(now: () => number = () => performance.now()): SessionMemory {
  const byToken = new Map<string, RememberedSession>();
  let endings = 0;
  let checkedAt = now();
  const check = async (areOpen: Parameters<SessionMemory['recall']>[1]): Promise<void> => {
    if (now() - checkedAt < CHECKED_MS) return;
    checkedAt = now();
    const tokens = [...byToken.keys()];
    const open = await areOpen(tokens);
    for (const token of tokens) if (!open.has(token)) byToken.delete(token);
  };
  return {
    async recall({ token, key }, areOpen) {
      await check(areOpen);
      const kept = byToken.get(token);
      return kept !== undefined && kept.key === key && now() - kept.lookedUpAt < TRUSTED_MS
        ? kept.user
        : undefined;
    },
    async lookUp({ token, key }, find) {
      const begun = endings;
      const user = await find();
      if (user === undefined || begun !== endings) return user;
      byToken.delete(token);
      byToken.set(token, { key, user, lookedUpAt: now() });
      const [oldest] = byToken.keys();
      if (byToken.size > MAX_ENTRIES && oldest !== undefined) byToken.delete(oldest);
      return user;
    },
    forget(token) {
      endings += 1;
      byToken.delete(token);
    },
    forgetUsers(userUuids) {
      endings += 1;
      const ended = new Set(userUuids);
      for (const [token, { user }] of byToken) if (ended.has(user.userUuid)) byToken.delete(token);
    },
  };
}
