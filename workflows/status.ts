/** What people see of a workflow: search attributes, memo and current details; and waits that show their reason. */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { condition, setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { WAIT_MEMO } from '../model/names.ts';
import type { SearchAttribute } from '../model/names.ts';
import { summaryOf } from '../model/summary.ts';
import type { Wait } from '../model/payloads.ts';

type Attributes = Readonly<Partial<Record<SearchAttribute, string | null>>>;

/** Shows what the workflow does now. @param details Markdown, for Temporal's UI */
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
  /** One word, for the search attribute `Reason`. */
  readonly word: string;
  /** A sentence with numbers, as in `Wait`. */
  readonly reason: string;
  readonly publicReason?: string | undefined;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Waits, and shows why and until when.
 * @param wake ends the wait early when it becomes true; without it, the wait lasts its whole time
 */
export async function waitVisibly(
  { word, reason, publicReason, ms }: VisibleWait,
  wake?: () => boolean,
): Promise<void> {
  const until = new Date(Date.now() + ms).toISOString();
  const wait: Wait = {
    v: 1,
    reason,
    until,
    ...(publicReason === undefined || publicReason === reason ? {} : { publicReason }),
    ...(wake === undefined ? { patient: true } : {}),
  };
  upsertMemo({ [WAIT_MEMO]: wait });
  show(`Waiting until ${until}: ${reason}`, { State: 'Waiting', Reason: word });
  try {
    await condition(wake ?? never, ms, { summary: summaryOf(`waiting: ${reason}`) });
  } finally {
    upsertMemo({ [WAIT_MEMO]: null });
  }
}

const never = (): boolean => false;
