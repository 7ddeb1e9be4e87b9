/**
 * Reads the log of a serial console, and follows it. The api answers the end of the log as text, and how many bytes the guest
 * has written so far; what is new is the end of that text. A byte that is no text stands in it as U+FFFD.
 */
import type { ConsoleLog } from '../../model/api-answers.ts';
import type { ApiClient } from '../client.ts';

/** The most bytes that the api answers at once. */
export const MAX_BYTES = 65_536;

export async function readConsole(
  api: ApiClient,
  virtualmachineid: string,
  bytes: number | undefined,
  signal?: AbortSignal,
): Promise<ConsoleLog> {
  const { consolelog } = await api.call<{ readonly consolelog: ConsoleLog }>(
    'getVirtualMachineConsoleLog',
    { virtualmachineid, bytes },
    signal,
  );
  return consolelog;
}

export interface NewText {
  readonly text: string;
  /** Bytes that were written and dropped out of the log since the last look. */
  readonly missed: number;
}

/** @param seen how many bytes the guest had written at the last look */
export function newText({ output, size, truncated }: ConsoleLog, seen: number): NewText {
  // A log that is shorter than before was begun again.
  const fresh = size < seen ? size : size - seen;
  const characters = Array.from(output);
  let at = characters.length;
  let bytes = 0;
  while (at > 0 && bytes < fresh) {
    at -= 1;
    bytes += bytesOf(characters[at] ?? '');
  }
  const isAll = at === 0 && truncated;
  return { text: characters.slice(at).join(''), missed: isAll ? Math.max(0, fresh - bytes) : 0 };
}

const bytesOf = (character: string): number => (character === '\ufffd' ? 1 : Buffer.byteLength(character));
