/** What a workflow lets people see of itself: search attributes, memo, current details; and waits that are seen. */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { condition, setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { WAIT_MEMO } from '../model/names.ts';
import type { SearchAttribute } from '../model/names.ts';
import type { Wait } from '../model/payloads.ts';

type Attributes = Readonly<Partial<Record<SearchAttribute, string | null>>>;

/** Says what the workflow does now. @param details Markdown, for Temporal's UI */
export function show(details: string, attributes: Attributes): void {
  setCurrentDetails(details);
  upsertSearchAttributes(
    Object.entries(attributes).map(([name, value]) => ({
      key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      value,
    })),
  );
}

export interface VisibleWait {
  /** One word, for searching. */
  readonly word: string;
  /** A sentence with numbers. */
  readonly reason: string;
  readonly ms: number;
}

/** Waits, and lets everybody see why, and until when. @param wake ends the wait early when it becomes true */
export async function waitVisibly(
  { word, reason, ms }: VisibleWait,
  wake: () => boolean = () => false,
): Promise<void> {
  const until = new Date(Date.now() + ms).toISOString();
  const wait: Wait = { v: 1, reason, until };
  upsertMemo({ [WAIT_MEMO]: wait });
  show(`Waiting until ${until}: ${reason}`, { State: 'Waiting', Reason: word });
  try {
    await condition(wake, ms);
  } finally {
    upsertMemo({ [WAIT_MEMO]: null });
  }
}
