/** UUIDs, which name the files of a pool. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);

/** Ids become file names, so only UUIDs are accepted. @throws TypeError when the id is no UUID in lower case */
export function requireUuid(id: string): string {
  if (!isUuid(id)) throw new TypeError(`'${id.slice(0, 60)}' is not a UUID in lower case`);
  return id;
}
