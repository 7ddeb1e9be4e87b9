/** Which ways through the workflows a recorded history takes, read from the history alone. */
import { DECIDED_MEMO } from '../../model/names.ts';

interface Payload {
  readonly data?: string;
}

interface Event {
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

export interface Stored {
  readonly workflowId: string;
  readonly history: { readonly events: readonly Event[] };
}

type Attributes = Readonly<Record<string, unknown>>;

const attributesOf = (event: Event): Attributes =>
  (Object.entries(event).find(([name]) => name.endsWith('EventAttributes'))?.[1] ?? {}) as Attributes;

const valueOf = (payload: unknown): unknown => {
  const { data } = (payload ?? {}) as Payload;
  return data === undefined ? undefined : (JSON.parse(Buffer.from(data, 'base64').toString()) as unknown);
};

const nameOf = (type: unknown): string => String((type as { readonly name?: string } | undefined)?.name);

type Read = (attributes: Attributes) => readonly string[];

const memoBranches: Read = ({ upsertedMemo }) => {
  const { fields } = (upsertedMemo ?? {}) as { readonly fields?: Readonly<Record<string, unknown>> };
  const decided = valueOf(fields?.[DECIDED_MEMO]) as { rule: string; progressed: boolean } | undefined;
  if (decided === undefined) return [];
  return [`decided: ${decided.rule}`, ...(decided.progressed ? ['decided: the file came further'] : [])];
};

const waitBranches: Read = ({ searchAttributes }) => {
  const { indexedFields = {} } = (searchAttributes ?? {}) as {
    readonly indexedFields?: Readonly<Record<string, unknown>>;
  };
  const [state, reason] = [valueOf(indexedFields['State']), valueOf(indexedFields['Reason'])];
  return state === 'Waiting' ? [`waits: ${String(reason)}`] : [];
};

const patchBranches: Read = ({ markerName, details }) => {
  const { payloads = [] } = ((details ?? {}) as Readonly<Record<string, { payloads?: readonly unknown[] }>>)['patch-data'] ?? {};
  const patch = valueOf(payloads[0]) as { readonly id?: string } | undefined;
  return markerName === 'core_patch' && patch?.id !== undefined ? [`patched: ${patch.id}`] : [];
};

const BY_EVENT: Readonly<Record<string, Read>> = {
  EVENT_TYPE_MARKER_RECORDED: patchBranches,
  EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: memoBranches,
  EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: waitBranches,
  EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED: () => ['cancelled in Temporal'],
  EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: () => ['stopped'],
  EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: ({ signalName }) => [`signal: ${String(signalName)}`],
};

const ENDS: Readonly<Record<string, Read>> = {
  EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: () => ['completes'],
  EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: () => ['fails'],
  EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: () => ['is cancelled'],
  EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: ({ workflowType }) => [`goes on as ${nameOf(workflowType)}`],
};

export const typeOf = ({ history: { events } }: Stored): string =>
  nameOf(attributesOf(events[0] as Event)['workflowType']);

/** The version of the rules that it was begun with. */
export function rulesIn({ history: { events } }: Stored): number {
  const { payloads = [] } = (attributesOf(events[0] as Event)['input'] ?? {}) as {
    readonly payloads?: readonly unknown[];
  };
  return (valueOf(payloads[0]) as { readonly rules?: number } | undefined)?.rules ?? 1;
}

export function branchesOf(stored: Stored): ReadonlySet<string> {
  const type = typeOf(stored);
  const found = new Set([type]);
  for (const event of stored.history.events) {
    for (const branch of BY_EVENT[event.eventType]?.(attributesOf(event)) ?? []) {
      found.add(`${type} ${branch}`);
    }
    for (const end of ENDS[event.eventType]?.(attributesOf(event)) ?? []) found.add(`${type} ${end}`);
  }
  return found;
}
