/** Whether the file at a source is still the registered one, by the date and the tag that the server gives. */
import type { Mirror } from '../../../model/source.ts';
import type { SourceFacts } from '../protocol.ts';

type Version = Pick<SourceFacts, 'etag' | 'lastModified'>;

/** @returns a sentence without its subject; undefined when nothing shows that the file is another one */
export function changeSince(
  registered: Pick<Mirror, 'etag' | 'lastModified'>,
  now: Version,
): string | undefined {
  // Several servers behind one name may give different tags for one file; its date is the same.
  if (registered.lastModified !== undefined && now.lastModified !== undefined) {
    return registered.lastModified === now.lastModified ? undefined : (changedOn(now) ?? 'has another date');
  }
  const isOther = registered.etag !== undefined && now.etag !== undefined && registered.etag !== now.etag;
  return isOther ? 'has another ETag than when it was registered' : undefined;
}

/** When it changed; undefined when its server gives no date. */
export function changedOn({ lastModified = '' }: Version): string | undefined {
  const time = Date.parse(lastModified);
  if (Number.isNaN(time)) return undefined;
  const [day = '', clock = ''] = new Date(time).toISOString().split('T');
  return `changed on ${day} at ${clock.slice(0, 'hh:mm'.length)} UTC`;
}
