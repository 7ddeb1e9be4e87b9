/** Answers that several callers share for a moment: many open pages ask the same, and the database is asked once. */
import type { Answer } from './response.ts';

export interface SharedAnswers {
  /** The answer that was begun at most so many milliseconds ago, or a new one. A failure is shared with nobody later. */
  get(key: string, maxAgeMs: number, make: () => Promise<Answer>): Promise<Answer>;
}

interface Shared {
  readonly begunAt: number;
  readonly answer: Promise<Answer>;
}

const MANY = 500;

export function createSharedAnswers(now: () => number = () => performance.now()): SharedAnswers {
  const answers = new Map<string, Shared>();
  return {
    get(key, maxAgeMs, make) {
      const known = answers.get(key);
      if (known !== undefined && now() - known.begunAt <= maxAgeMs) return known.answer;
      const fresh: Shared = { begunAt: now(), answer: make() };
      // The oldest stands first; an entry that is asked for again moves to the end.
      answers.delete(key);
      answers.set(key, fresh);
      const [oldest] = answers.keys();
      if (answers.size > MANY && oldest !== undefined) answers.delete(oldest);
      fresh.answer.catch(() => {
        if (answers.get(key) === fresh) answers.delete(key);
      });
      return fresh.answer;
    },
  };
}
